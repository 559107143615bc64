/** Plain float64 twins of the diffusion kernels, over flat arrays. */
import { threefry4x32 } from '@diff/core';

export type Words = readonly [number, number, number, number];
export type Numbers = ArrayLike<number>;

/** Two normals from two words, by the formula. */
export function boxMullerTwin(a: number, b: number): [number, number] {
  const u = Math.fround(Math.fround(a) * 2 ** -32 + 2 ** -33);
  const radius = Math.sqrt(-2 * Math.log(u));
  const angle = 2 * Math.PI * (Math.fround(b | 0) * 2 ** -32);
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}

/** Elements start … start + count − 1 of a stream; kind 0 normal, 1 uniform, 2 signs. */
export function noiseTwin(kind: number, key: Words, start: number, count: number): Float64Array {
  const first = Math.floor(start / 4);
  const blocks = Math.ceil((start - 4 * first + count) / 4);
  const words = new Uint32Array(4 * blocks);
  for (let i = 0; i < blocks; i++) {
    const block = first + i;
    threefry4x32(key, block % 2 ** 32, Math.floor(block / 2 ** 32), 0, kind, words, 4 * i);
  }
  const out = Float64Array.from(words, (w) => (kind === 1 ? (w >>> 8) * 2 ** -24 : w >>> 31 ? -1 : 1));
  if (kind === 0) {
    for (let i = 0; i < out.length; i += 2) out.set(boxMullerTwin(words[i]!, words[i + 1]!), i);
  }
  return out.subarray(start - 4 * first, start - 4 * first + count);
}

/** |x_i − y_j|², rows of d. */
export function squaredTwin(x: Numbers, i: number, y: Numbers, j: number, d: number): number {
  let sum = 0;
  for (let p = 0; p < d; p++) sum += (x[i * d + p]! - y[j * d + p]!) ** 2;
  return sum;
}

export interface MixtureTwin {
  readonly x: Numbers;
  readonly d: number;
  readonly centres: Numbers;
  readonly logWeights: Numbers;
  readonly variance: (k: number) => number;
  readonly noise: (i: number) => number;
  /** Rows of m, averaged instead of the posterior means. */
  readonly values?: Numbers;
}

/**
 * Row i of softmaxMean. `size` bounds what float32 rounds: the largest |logWeight| + |d/2 ln 2πv| + |x − c|²/2v over
 * the components that matter.
 */
export function mixtureTwin(
  mixture: MixtureTwin,
  i: number,
): { mean: number[]; logDensity: number; size: number } {
  const { x, d, centres, logWeights, variance, noise, values } = mixture;
  const count = logWeights.length;
  const m = values ? values.length / count : d;
  const parts = Array.from({ length: count }, (_, k) => {
    const v = variance(k) + noise(i);
    return [
      logWeights[k]!,
      -(d / 2) * Math.log(2 * Math.PI * v),
      -squaredTwin(x, i, centres, k, d) / (2 * v),
    ];
  });
  const exponents = parts.map((p) => p[0]! + p[1]! + p[2]!);
  const top = exponents.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const total = exponents.reduce((sum, e) => sum + Math.exp(e - top), 0);
  const mean = new Array<number>(m).fill(0);
  let size = 0;
  exponents.forEach((e, k) => {
    const r = Math.exp(e - top) / total;
    if (r === 0) return;
    if (r > 1e-9)
      size = Math.max(
        size,
        parts[k]!.reduce((sum, part) => sum + Math.abs(part), 0),
      );
    const gain = variance(k) / (variance(k) + noise(i));
    for (let j = 0; j < m; j++) {
      const centre = values ? values[k * m + j]! : centres[k * d + j]!;
      mean[j]! += r * (values ? centre : centre + gain * (x[i * d + j]! - centre));
    }
  });
  return { mean, logDensity: top + Math.log(total), size };
}
