/**
 * DiffAdam: one step of Adam on a row of weights, with clipping of the gradient's norm (see `adam` in @diff/score
 * and assembly/adam.ts), and DiffAdamAverage: the same on the variables themselves, with the moving average of all of
 * them in a row. Two passes over the gradient, one over everything else; the norm is summed in float64.
 */
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import type { SimdBackend } from '../backend.ts';
import { kernel } from '../kernel.ts';
import { size } from '../numeric.ts';
import { COUNT, each } from '../parallel.ts';

interface AdamInputs {
  readonly parameters: TensorInfo;
  readonly first: TensorInfo;
  readonly second: TensorInfo;
  readonly gradient: TensorInfo;
}

interface AdamAttrs {
  readonly beta1: number;
  readonly beta2: number;
  /** Largest norm, or null. */
  readonly clipNorm: number | null;
  /** Factor of the old weights. */
  readonly decay: number;
  /** Factor of the direction, and ε, with the bias corrections in them. */
  readonly rate: number;
  readonly epsilon: number;
}

interface AverageAttrs extends AdamAttrs {
  /** r of the average a ← r a + (1 − r) p; null for no average. */
  readonly kept: number | null;
  /** Is the gradient's norm an output? */
  readonly measure: boolean;
}

/** Addresses of a variable's weights, moments and average; 0 for no average. */
interface Place {
  readonly weights: number;
  readonly first: number;
  readonly second: number;
  readonly average: number;
}

interface Piece {
  readonly count: number;
  /** Its address. */
  readonly gradient: number;
  readonly from: Place;
  readonly to: Place;
}

/** Writes the step of all pieces; gives the gradient's norm, or 0 where nobody needs it. */
function step(
  backend: SimdBackend,
  pieces: readonly Piece[],
  { beta1, beta2, clipNorm, decay, rate, epsilon, kept, measure }: AverageAttrs,
): number {
  let squares = 0;
  if (measure || clipNorm !== null) {
    for (const { count, gradient } of pieces) squares += backend.wasm.sumOfSquares(gradient, count);
  }
  const norm = Math.sqrt(squares);
  const scale = clipNorm === null || norm <= clipNorm ? 1 : clipNorm / norm;
  const constants = backend.scratch(36);
  const [w1, w2, fresh] = [scale * (1 - beta1), scale * scale * (1 - beta2), 1 - (kept ?? 0)];
  backend.heap.f32(constants, 9).set([w1, beta1, w2, beta2, decay, rate, epsilon, kept ?? 0, fresh]);
  for (const { count, gradient, from, to } of pieces) {
    backend.parallel('adamStep', { items: count, cost: 1.2, multiple: 32 }, [
      each(from.weights, 4),
      each(from.first, 4),
      each(from.second, 4),
      each(gradient, 4),
      each(to.weights, 4),
      each(to.first, 4),
      each(to.second, 4),
      from.average ? each(from.average, 4) : 0,
      to.average ? each(to.average, 4) : 0,
      COUNT,
      constants,
    ]);
  }
  return norm;
}

function setScalar(backend: SimdBackend, out: TensorInfo, value: number): void {
  backend.heap.f32(backend.pointer(out), 1)[0] = value;
}

/** float32 [1, P] each; gives the new weights, both moments and the norm before clipping. */
export const diffAdamConfig: KernelConfig = kernel<AdamInputs, AdamAttrs>(
  'DiffAdam',
  ({ inputs: { parameters, first, second, gradient }, attrs, backend }) => {
    const place = (infos: readonly TensorInfo[]): Place => {
      const [weights, m, v] = infos.map((info) => backend.pointer(info)) as [number, number, number];
      return { weights, first: m, second: v, average: 0 };
    };
    const inputs = [parameters, first, second];
    const outputs = inputs.map(({ shape }) => backend.output(shape, 'float32'));
    const norm = backend.output([], 'float32');
    const row = { count: size(gradient.shape), gradient: backend.pointer(gradient) };
    const piece = { ...row, from: place(inputs), to: place(outputs) };
    setScalar(backend, norm, step(backend, [piece], { ...attrs, kept: null, measure: true }));
    return [...outputs, norm];
  },
);

/**
 * Inputs, all float32: both moments and, unless `kept` is null, the average, [1, P] each, then the variables in the order
 * of these rows, all of which the caller gives away: what nobody else holds is written in place. Then the gradients of the
 * variables. Gives the new rows, if asked for the norm before clipping, and the new variables.
 */
export const diffAdamAverageConfig: KernelConfig = kernel<TensorInfo[], AverageAttrs>(
  'DiffAdamAverage',
  ({ inputs, attrs, backend }) => {
    const rows = attrs.kept === null ? 2 : 3;
    const count = (inputs.length - rows) / 2;
    const given = inputs.slice(0, rows + count);
    const gradients = inputs.slice(rows + count);
    const seen = new Map<object, number>();
    for (const { dataId } of given) seen.set(dataId, (seen.get(dataId) ?? 0) + 1);
    const isOurs = ({ dataId }: TensorInfo): boolean =>
      backend.refCount(dataId) === 1 && seen.get(dataId) === 1;
    // All that may fail comes before the first row is written.
    const outputs = given.map((info) =>
      isOurs(info) ? backend.alias(info, info.shape) : backend.output(info.shape, 'float32'),
    );
    const norm = attrs.measure ? [backend.output([], 'float32')] : [];
    const [from, to] = [given, outputs].map((infos) => infos.map((info) => backend.pointer(info)));
    let offset = 0;
    const pieces = gradients.map((gradient, i): Piece => {
      const place = (addresses: readonly number[]): Place => {
        const [first, second, average] = addresses.slice(0, rows).map((row) => row + offset);
        return { weights: addresses[rows + i]!, first: first!, second: second!, average: average ?? 0 };
      };
      const elements = size(gradient.shape);
      const [before, after] = [place(from!), place(to!)];
      offset += 4 * elements;
      return { count: elements, gradient: backend.pointer(gradient), from: before, to: after };
    });
    const length = step(backend, pieces, attrs);
    for (const out of norm) setScalar(backend, out, length);
    return [...outputs.slice(0, rows), ...norm, ...outputs.slice(rows)];
  },
);
