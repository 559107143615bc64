/**
 * Two-sample statistics of a kernel h: T = E h(X, X') + E h(Y, Y') − 2 E h(X, Y). Energy distance for
 * h = −|x − y|, MMD² for a positive kernel.
 *
 *   'V'   means over all pairs: T ≥ 0, 0 on identical sets, biased upward
 *   'U'   the first two means over pairs of different rows: unbiased, may be negative
 *
 * Gretton et al., "A kernel two-sample test", JMLR 13 (2012), (3) and (5); Székely & Rizzo, J. Statist. Plann.
 * Inference 143 (2013). Streaming, from row sums by core's pairwise ops, added up in float64.
 */
import type { Pacer } from '@diff/core';
import type * as tf from '@tensorflow/tfjs-core';
import type { Bootstrap } from './bootstrap.ts';
import type { Rows } from './finite-rows.ts';
import { rowSums } from './row-pieces.ts';
import { signedKernelDeviations } from './signed-kernel-bootstrap.ts';

/** Which means the statistic takes: 'V' over all pairs, 'U' over the pairs of different rows. */
export type PairStatistic = 'V' | 'U';

export interface PairKernel {
  /** Σ_j h(x_i, y_j) [n]; the caller disposes it. */
  readonly sums: (x: tf.Tensor, y: tf.Tensor) => tf.Tensor;
  /** h as a function of the squared distance; called inside a tidy. */
  readonly ofSquared: (squared: tf.Tensor) => tf.Tensor;
  /** h(x, x). */
  readonly atZero: number;
}

export interface SignedKernelResult {
  readonly value: number;
  /** T* − E T*, one for each resample. */
  readonly deviations?: Float64Array;
}

const total = (sums: Float64Array): number => sums.reduce((a, b) => a + b, 0);

export async function signedKernelStatistic(
  [samples, reference]: readonly [tf.Tensor, tf.Tensor],
  rows: readonly [Rows, Rows],
  kernel: PairKernel,
  statistic: PairStatistic,
  bootstrap: Bootstrap | undefined,
  pacer: Pacer,
): Promise<SignedKernelResult> {
  const n = rows[0].n;
  const m = rows[1].n;
  const xx = await rowSums(samples, samples, kernel.sums, pacer);
  const yy = await rowSums(reference, reference, kernel.sums, pacer);
  const xy = await rowSums(samples, reference, kernel.sums, pacer);
  const within = (sums: Float64Array, size: number): number =>
    statistic === 'V' ? total(sums) / size ** 2 : (total(sums) - size * kernel.atZero) / (size * (size - 1));
  const raw = within(xx, n) + within(yy, m) - (2 * total(xy)) / (n * m);
  const value = statistic === 'V' ? Math.max(0, raw) : raw;
  if (!bootstrap) return { value };
  const yx = await rowSums(reference, samples, kernel.sums, pacer);
  const influence = {
    samples: xx.map((s, i) => 2 * (s / n - xy[i]! / m)),
    reference: yy.map((s, j) => 2 * (s / m - yx[j]! / n)),
  };
  return { value, deviations: await signedKernelDeviations(rows, influence, kernel, bootstrap, pacer) };
}
