/**
 * DiffCombine: Σ wᵢ xᵢ + constant + c ξ in one dispatch, ξ made in registers.
 *
 * An invocation does the four elements of a noise block. Terms beyond what one shader stage may bind follow in further
 * dispatches that add to the sum so far, in the same order.
 */
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import type { DiffWebGPUBackend } from '../backend.ts';
import { dispatch } from '../dispatch.ts';
import { kernel } from '../kernel.ts';
import { type Stream, streamAt } from '../stream.ts';
import { draw } from '../wgsl/draw.ts';

interface CombineAttrs {
  readonly terms: number;
  readonly weights: readonly (number | null)[];
  readonly constant: number;
  readonly noise: {
    readonly scale: number | null;
    readonly key: readonly number[];
    readonly firstRow: number;
  } | null;
}

interface Weighted {
  readonly x: TensorInfo;
  /** A number, or a tensor with one for each row. */
  readonly weight: number | TensorInfo;
}

/** What is left for the last dispatch: the constant and the noise. */
interface Ending {
  readonly constant: number;
  readonly noise: { readonly scale: number | TensorInfo; readonly stream: Stream } | null;
}

const NO_STREAM: Stream = { words: [0, 0, 0, 0, 0, 0, 0, 0], skip: 0 };

function code(perRow: readonly boolean[], noise: 'none' | 'number' | 'per row'): string {
  const terms = perRow.map((vector, i) => {
    const weight = vector ? `w${i}[row]` : `u.floats[${1 + (i >> 2)}][${i & 3}]`;
    return `${weight} * x${i}[e]`;
  });
  const sum = terms.map((term, i) => (i === 0 ? `var sum = ${term};` : `sum += ${term};`)).join('\n    ');
  const scale = noise === 'per row' ? 'scale[row]' : 'u.floats[0].y';
  return `${noise === 'none' ? '' : draw.normal}
fn run(at: u32) {
  let size = u.ints[2].x;
  let first = 4u * at - u.ints[2].y;
  ${noise === 'none' ? '' : 'let drawn = draw(at);'}
  for (var i = 0u; i < 4u; i++) {
    let e = first + i;
    if (e >= size) { continue; } // also where 4·at − skip has wrapped
    let row = e / u.ints[2].z;
    ${sum}
    sum += u.floats[0].x;
    ${noise === 'none' ? '' : `sum += ${scale} * drawn[i];`}
    result[e] = sum;
  }
}
`;
}

function combineOnce(
  backend: DiffWebGPUBackend,
  terms: readonly Weighted[],
  { constant, noise }: Ending,
): TensorInfo {
  const { shape } = terms[0]!.x;
  const size = shape.reduce((a, b) => a * b, 1);
  const rowLength = shape.slice(1).reduce((a, b) => a * b, 1);
  const { words, skip } = noise?.stream ?? NO_STREAM;
  const perRow = terms.map(({ weight }) => typeof weight !== 'number');
  const kind = noise === null ? 'none' : typeof noise.scale === 'number' ? 'number' : 'per row';
  const numbers = terms.map(({ weight }) => (typeof weight === 'number' ? weight : 0));
  const inputs = terms.flatMap(({ x, weight }, i) => [
    { name: `x${i}`, tensor: x },
    ...(typeof weight === 'number' ? [] : [{ name: `w${i}`, tensor: weight }]),
  ]);
  if (noise && typeof noise.scale !== 'number') inputs.push({ name: 'scale', tensor: noise.scale });
  const scale = noise && typeof noise.scale === 'number' ? noise.scale : 0;
  return dispatch(backend, {
    name: `DiffCombine ${perRow.map((vector) => (vector ? 'row' : 'number')).join(' ')}, noise ${kind}`,
    code: () => code(perRow, kind),
    outputs: [{ name: 'result', shape, dtype: 'float32' }],
    inputs,
    ints: [...words, size, skip, rowLength],
    floats: [constant, scale, 0, 0, ...numbers],
    invocations: size === 0 ? 0 : Math.ceil((skip + size) / 4),
  })[0]!;
}

/** How many of the terms, from the first, fit into `room` bindings. */
function fitting(terms: readonly Weighted[], room: number): number {
  let used = 0;
  for (const [i, { weight }] of terms.entries()) {
    used += typeof weight === 'number' ? 1 : 2;
    if (used > room) return i;
  }
  return terms.length;
}

export const diffCombineConfig: KernelConfig = kernel<Readonly<Record<string, TensorInfo>>, CombineAttrs>(
  'DiffCombine',
  ({ inputs, attrs, backend }) => {
    const { shape } = inputs.x0!;
    const rowLength = shape.slice(1).reduce((a, b) => a * b, 1);
    const noise = attrs.noise && {
      scale: attrs.noise.scale ?? inputs.c!,
      stream: streamAt(attrs.noise.key, attrs.noise.firstRow * rowLength),
    };
    const room = backend.device.limits.maxStorageBuffersPerShaderStage - (inputs.c ? 2 : 1);
    let left: readonly Weighted[] = attrs.weights.map((weight, i) => ({
      x: inputs[`x${i}`]!,
      weight: weight ?? inputs[`w${i}`]!,
    }));
    let partial: TensorInfo | undefined;
    for (;;) {
      const count = fitting(left, room);
      const now = left.slice(0, count);
      left = left.slice(count);
      const ending = left.length ? { constant: 0, noise: null } : { constant: attrs.constant, noise };
      const sum = combineOnce(backend, now, ending);
      if (partial) backend.disposeData(partial.dataId);
      if (left.length === 0) return sum;
      partial = sum;
      left = [{ x: sum, weight: 1 }, ...left];
    }
  },
);
