/**
 * DiffAdam: one step of Adam on a row of weights, with clipping of the gradient's norm (see `adam` in @diff/score
 * and assembly/adam.ts), and DiffAdamAverage: the same with the gradient in as many tensors as there are variables, the
 * weights written into tensors of their shapes besides, and their moving average. Two passes over the gradient, one over
 * everything else; the norm is summed in float64.
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
}

/** Rows of weights, moments and maybe the average. */
interface Rows {
  readonly parameters: number;
  readonly first: number;
  readonly second: number;
  readonly average: number;
}

interface Piece {
  readonly gradient: TensorInfo;
  /** Address of a copy of its weights, or 0. */
  readonly copy: number;
}

/** Writes the step of all pieces, one behind the other in the rows; gives the gradient's norm. */
function step(
  backend: SimdBackend,
  from: Rows,
  to: Rows,
  pieces: readonly Piece[],
  { beta1, beta2, clipNorm, decay, rate, epsilon, kept }: AverageAttrs,
): number {
  let squares = 0;
  for (const { gradient } of pieces) {
    squares += backend.wasm.sumOfSquares(backend.pointer(gradient), size(gradient.shape));
  }
  const norm = Math.sqrt(squares);
  const scale = clipNorm === null || norm <= clipNorm ? 1 : clipNorm / norm;
  const constants = backend.scratch(36);
  const [w1, w2, fresh] = [scale * (1 - beta1), scale * scale * (1 - beta2), 1 - (kept ?? 0)];
  backend.heap.f32(constants, 9).set([w1, beta1, w2, beta2, decay, rate, epsilon, kept ?? 0, fresh]);
  let offset = 0;
  for (const { gradient, copy } of pieces) {
    const n = size(gradient.shape);
    const at = (row: number) => (row ? each(row + offset, 4) : 0);
    backend.parallel('adamStep', { items: n, cost: 1.2, multiple: 32 }, [
      at(from.parameters),
      at(from.first),
      at(from.second),
      each(backend.pointer(gradient), 4),
      at(to.parameters),
      at(to.first),
      at(to.second),
      copy ? each(copy, 4) : 0,
      at(from.average),
      at(to.average),
      COUNT,
      constants,
    ]);
    offset += 4 * n;
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
    const rows = (infos: readonly TensorInfo[]): Rows => {
      const [p, m, v] = infos.map((info) => backend.pointer(info)) as [number, number, number];
      return { parameters: p, first: m, second: v, average: 0 };
    };
    const inputs = [parameters, first, second];
    const outputs = inputs.map(({ shape }) => backend.output(shape, 'float32'));
    const norm = backend.output([], 'float32');
    const pieces = [{ gradient, copy: 0 }];
    const length = step(backend, rows(inputs), rows(outputs), pieces, { ...attrs, kept: null });
    setScalar(backend, norm, length);
    return [...outputs, norm];
  },
);

/**
 * Inputs, all float32: weights, both moments and, unless `kept` is null, the average, [1, P] each, which the caller gives
 * away: a row that nobody else holds is written in place. Then the gradient of each variable, in the order of the row.
 * Gives the new rows, the norm before clipping, and the weights of each variable.
 */
export const diffAdamAverageConfig: KernelConfig = kernel<TensorInfo[], AverageAttrs>(
  'DiffAdamAverage',
  ({ inputs, attrs, backend }) => {
    const count = attrs.kept === null ? 3 : 4;
    const given = inputs.slice(0, count);
    const gradients = inputs.slice(count);
    const isOurs = ({ dataId }: TensorInfo): boolean =>
      backend.refCount(dataId) === 1 && given.filter((other) => other.dataId === dataId).length === 1;
    // All that may fail comes before the first row is written.
    const outputs = given.map((info) =>
      isOurs(info) ? backend.alias(info, info.shape) : backend.output(info.shape, 'float32'),
    );
    const norm = backend.output([], 'float32');
    const variables = gradients.map(({ shape }) => backend.output(shape, 'float32'));
    const rows = (infos: readonly TensorInfo[]): Rows => {
      const [p, m, v, a = 0] = infos.map((info) => backend.pointer(info)) as [
        number,
        number,
        number,
        number?,
      ];
      return { parameters: p, first: m, second: v, average: a };
    };
    const pieces = gradients.map((gradient, i) => ({ gradient, copy: backend.pointer(variables[i]!) }));
    setScalar(backend, norm, step(backend, rows(given), rows(outputs), pieces, attrs));
    return [...outputs, norm, ...variables];
  },
);
