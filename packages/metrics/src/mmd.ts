/**
 * Squared maximum mean discrepancy with a Gaussian kernel:
 *
 *   MMD² = E k(X, X') + E k(Y, Y') − 2 E k(X, Y),   k(x, y) = mean over h of exp(−|x − y|²/(2h²)).
 *
 * Several bandwidths h make k their mean, which is again characteristic. 'V' is the biased estimate ≥ 0, 'U' the
 * unbiased one. Gretton et al., "A kernel two-sample test", JMLR 13 (2012), (3) and (5).
 */
import { createPacer, DomainError, pairwiseSumExp, requireOneOf, requirePositive, shown } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { requireBootstrap, samplingError } from './bootstrap.ts';
import type { Estimate, MetricOptions } from './estimate.ts';
import { finitePair } from './finite-rows.ts';
import { medianOfDistances } from './median-bandwidth.ts';
import { type PairKernel, type PairStatistic, signedKernelStatistic } from './signed-kernel.ts';

export interface MmdOptions extends MetricOptions {
  /** h > 0 in units of x, several of them, or 'median' (default): the median distance between pooled rows. */
  readonly bandwidth?: number | readonly number[] | 'median';
  /** 'V' (default): biased, ≥ 0, 0 on identical sets. 'U': unbiased, may be negative. */
  readonly statistic?: PairStatistic;
}

export interface MmdEstimate extends Estimate {
  /** The bandwidths used. */
  readonly bandwidths: readonly number[];
}

function gaussianKernel(bandwidths: readonly number[]): PairKernel {
  const scales = bandwidths.map((h) => 1 / (2 * h * h));
  const mean = (terms: tf.Tensor[]): tf.Tensor =>
    tf.div(
      terms.reduce((a, b) => tf.add(a, b)),
      terms.length,
    );
  return {
    sums: (x, y) => tf.tidy(() => mean(scales.map((scale) => pairwiseSumExp(x, y, { scale })))),
    ofSquared: (squared) => mean(scales.map((scale) => tf.exp(tf.mul(-scale, squared)))),
    atZero: 1,
  };
}

function requireBandwidths(where: string, bandwidth: number | readonly number[]): readonly number[] {
  const list = typeof bandwidth === 'number' ? [bandwidth] : bandwidth;
  if (!Array.isArray(list) || list.length === 0) {
    throw new DomainError(
      `${where}: bandwidth must be 'median', a number or a list of numbers, got ${shown(bandwidth)}. Pass for example [0.5, 1, 2].`,
    );
  }
  for (const h of list) requirePositive(where, 'bandwidth', h, "Pass a number above 0, or 'median'.");
  return list;
}

/**
 * MMD² of samples to a reference.
 *
 * Bootstrap: rows of both sets redrawn with replacement, the bandwidths held fixed, corrected for the degeneracy at
 * equal laws (`signed-kernel.ts`), so the standard error holds near 0 too.
 *
 * @param samples [n, d]; @param reference [m, d]. 'U' needs n, m ≥ 2.
 * @throws ShapeError, DomainError
 * @example
 * ```ts
 * import { key, normal } from '@diff/core';
 * import { mmdSquared } from '@diff/metrics';
 * import '@tensorflow/tfjs-backend-cpu';
 * const x = normal(key(0), [200, 2]);
 * const y = normal(key(1), [300, 2]);
 * const { value, bandwidths } = await mmdSquared(x, y, { statistic: 'U' });
 * ```
 */
export async function mmdSquared(
  samples: tf.Tensor,
  reference: tf.Tensor,
  options: MmdOptions = {},
): Promise<MmdEstimate> {
  const where = 'mmdSquared';
  const { bandwidth = 'median', statistic = 'V', signal } = options;
  requireOneOf(where, 'statistic', statistic, ['V', 'U']);
  const bootstrap = requireBootstrap(where, options.bootstrap);
  const given = bandwidth === 'median' ? undefined : requireBandwidths(where, bandwidth);
  const rows = await finitePair(where, samples, reference, statistic === 'U' ? 2 : 1);
  const bandwidths = given ?? [medianOfDistances(where, ...rows)];
  const { value, deviations } = await signedKernelStatistic(
    [samples, reference],
    rows,
    gaussianKernel(bandwidths),
    statistic,
    bootstrap,
    createPacer({ signal }),
  );
  const found = { value, n: rows[0].n, m: rows[1].n, bandwidths };
  if (!bootstrap || !deviations) return found;
  const range = statistic === 'V' ? ([0, 2] as const) : ([-2, 2] as const);
  return { ...found, ...samplingError(value, deviations, bootstrap.level, range) };
}
