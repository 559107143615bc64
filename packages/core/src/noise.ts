/**
 * Counter-based noise: normals, uniforms, signs.
 *
 * Element (row i, column j) of a tensor with rows of length d is a function of (key, firstRow + i, j, d) alone.
 * Its linear index L = (firstRow + i)·d + j is the counter: word L mod 4 of the Threefry block
 * (⌊L/4⌋ lo, ⌊L/4⌋ hi, 0, tag). So a batch cut anywhere, over threads or machines, gives the same numbers.
 *
 *   uniform      (w ≫ 8)·2⁻²⁴ ∈ [0, 1)                      the same bits on every backend
 *   rademacher   −1 where the top bit is set, else +1        the same bits on every backend
 *   normal       Box–Muller on the words (a, b): u = a·2⁻³² + 2⁻³³, r = √(−2 ln u), θ = 2π·(b as int32)·2⁻³²,
 *                (r cos θ, r sin θ); |normal| ≤ 6.77         backends agree to a few ulp
 */
import * as tf from '@tensorflow/tfjs-core';
import { requireInteger } from './checks.ts';
import { ShapeError, shown } from './errors.ts';
import { type DiffKernelName, runOp } from './kernel.ts';
import { type Key, requireKey } from './key.ts';
import { threefry4x32 } from './threefry.ts';

/** Where in the stream a tensor's first row lies. */
export interface NoiseOptions {
  /** Row of the stream at which the tensor begins; default 0. A piece of a batch passes its offset. */
  readonly firstRow?: number;
}

const TAGS = { DiffNormal: 0, DiffUniform: 1, DiffRademacher: 2 } as const;
const TWO32 = 2 ** 32;

/** Length of one row: the product of all dimensions but the first. */
function rowLength(shape: readonly number[]): number {
  return shape.slice(1).reduce((a, b) => a * b, 1);
}

/** The raw words of elements `start … start + count − 1` of a stream, in whole blocks. */
function words(key: Key, tag: number, start: number, count: number): { words: Uint32Array; skip: number } {
  const firstBlock = Math.floor(start / 4);
  const skip = start - 4 * firstBlock;
  const blocks = Math.ceil((skip + count) / 4);
  const out = new Uint32Array(4 * blocks);
  for (let i = 0; i < blocks; i++) {
    const b = firstBlock + i;
    threefry4x32(key.words, b % TWO32, Math.floor(b / TWO32), 0, tag, out, 4 * i);
  }
  return { words: out, skip };
}

function values(name: keyof typeof TAGS, key: Key, start: number, count: number): Float32Array {
  const { words: w, skip } = words(key, TAGS[name], start, count);
  const out = new Float32Array(w.length);
  for (let i = 0; i < w.length; i += 2) {
    const a = w[i]!;
    const b = w[i + 1]!;
    if (name === 'DiffNormal') {
      const u = Math.fround(Math.fround(a) * 2 ** -32 + 2 ** -33);
      const radius = Math.sqrt(-2 * Math.log(u));
      const angle = 2 * Math.PI * (Math.fround(b | 0) * 2 ** -32);
      out[i] = radius * Math.cos(angle);
      out[i + 1] = radius * Math.sin(angle);
    } else if (name === 'DiffUniform') {
      out[i] = (a >>> 8) * 2 ** -24;
      out[i + 1] = (b >>> 8) * 2 ** -24;
    } else {
      out[i] = a >>> 31 ? -1 : 1;
      out[i + 1] = b >>> 31 ? -1 : 1;
    }
  }
  return out.subarray(skip, skip + count);
}

function noise(
  where: string,
  kernelName: DiffKernelName & keyof typeof TAGS,
  key: Key,
  shape: readonly number[],
  { firstRow = 0 }: NoiseOptions,
): tf.Tensor {
  requireKey(where, key);
  requireInteger(where, 'firstRow', firstRow);
  if (!Array.isArray(shape) || !shape.every((n) => Number.isSafeInteger(n) && n >= 0)) {
    throw new ShapeError(
      `${where}: shape must be a list of non-negative integers, got ${shown(shape)}. Pass for example [1000, 2].`,
    );
  }
  const size = shape.reduce((a: number, b: number) => a * b, 1);
  const start = firstRow * rowLength(shape);
  requireInteger(
    where,
    'the index of the last element',
    start + size,
    0,
    'Use a smaller firstRow or several keys.',
  );
  const attrs = { key: [...key.words], shape: [...shape], firstRow };
  return runOp(kernelName, {}, attrs, () => [
    tf.tensor(values(kernelName, key, start, size), [...shape], 'float32'),
  ])[0]!;
}

/**
 * Standard normal noise.
 *
 * @param key names the stream; @param shape of the result, rows first.
 * @returns float32 tensor of that shape, owned by the caller.
 * @throws ShapeError, DomainError
 * @example
 * ```ts
 * import { key, normal } from '@diff/core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const batch = normal(key(1), [1000, 2]);
 * const itsSecondHalf = normal(key(1), [500, 2], { firstRow: 500 });
 * ```
 */
export function normal(key: Key, shape: readonly number[], options: NoiseOptions = {}): tf.Tensor {
  return noise('normal', 'DiffNormal', key, shape, options);
}

/**
 * Uniform noise on [0, 1) in steps of 2⁻²⁴; arguments as `normal`.
 *
 * @example
 * ```ts
 * import { key, uniform } from '@diff/core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const u = uniform(key(1), [1000, 2]);
 * ```
 */
export function uniform(key: Key, shape: readonly number[], options: NoiseOptions = {}): tf.Tensor {
  return noise('uniform', 'DiffUniform', key, shape, options);
}

/**
 * Independent fair signs −1 and +1; arguments as `normal`.
 *
 * @example
 * ```ts
 * import { key, rademacher } from '@diff/core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const signs = rademacher(key(1), [1000, 2]); // −1 and +1
 * ```
 */
export function rademacher(key: Key, shape: readonly number[], options: NoiseOptions = {}): tf.Tensor {
  return noise('rademacher', 'DiffRademacher', key, shape, options);
}
