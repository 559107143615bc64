/**
 * Energy distance between two samples of rows in R^d:
 *
 *   D² = 2 E|X − Y| − E|X − X'| − E|Y − Y'|  ≥ 0, and = 0 only for equal laws,
 *
 * with the means over all pairs (V-statistic, biased upward by about (E|X−X'|/n + E|Y−Y'|/m)) or over pairs of
 * different rows (U-statistic, unbiased). `energyDistance` is D², in units of x; with `rooted` it is D, which is a
 * metric and what scipy.stats.energy_distance returns. Székely & Rizzo, "Energy statistics: a class of statistics
 * based on distances", J. Statist. Plann. Inference 143 (2013).
 *
 * Cost 2(n + m)² d/2 without, (n + m)²(d + R) more with R resamples; memory O((n + m)(d + R)).
 */
import { createPacer, DomainError, pairwiseSumDistance, requireOneOf } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { requireBootstrap, samplingError } from './bootstrap.ts';
import type { Estimate, MetricOptions } from './estimate.ts';
import { finitePair } from './finite-rows.ts';
import { type PairKernel, type PairStatistic, signedKernelStatistic } from './signed-kernel.ts';

export interface EnergyDistanceOptions extends MetricOptions {
  /** 'V' (default): ≥ 0, 0 on identical sets. 'U': unbiased, may be negative. */
  readonly statistic?: PairStatistic;
  /** Return D rather than D² (only for 'V'); default false. */
  readonly rooted?: boolean;
}

const kernel: PairKernel = {
  sums: (x, y) => tf.tidy(() => tf.neg(pairwiseSumDistance(x, y))),
  ofSquared: (squared) => tf.neg(tf.sqrt(squared)),
  atZero: 0,
};

/**
 * Energy distance of samples to a reference.
 *
 * Bootstrap: rows of both sets redrawn with replacement, corrected for the degeneracy at equal laws
 * (`signed-kernel.ts`), so the standard error holds near 0 too.
 *
 * @param samples [n, d]; @param reference [m, d]. 'U' needs n, m ≥ 2.
 * @throws ShapeError, DomainError (a value that is not finite, with its row)
 * @example
 * ```ts
 * import { key, normal } from '@diff/core';
 * import { energyDistance } from '@diff/metrics';
 * import '@tensorflow/tfjs-backend-cpu';
 * const x = normal(key(0), [200, 2]);
 * const y = normal(key(1), [300, 2]);
 * const { value, standardError } = await energyDistance(x, y, { bootstrap: { key: key(2) } });
 * ```
 */
export async function energyDistance(
  samples: tf.Tensor,
  reference: tf.Tensor,
  options: EnergyDistanceOptions = {},
): Promise<Estimate> {
  const where = 'energyDistance';
  const { statistic = 'V', rooted = false, signal } = options;
  requireOneOf(where, 'statistic', statistic, ['V', 'U']);
  if (rooted && statistic === 'U') {
    throw new DomainError(
      `${where}: rooted must be false for statistic 'U', got true. The U-statistic may be negative; use 'V'.`,
    );
  }
  const bootstrap = requireBootstrap(where, options.bootstrap);
  const rows = await finitePair(where, samples, reference, statistic === 'U' ? 2 : 1);
  const { value: squared, deviations } = await signedKernelStatistic(
    [samples, reference],
    rows,
    kernel,
    statistic,
    bootstrap,
    createPacer({ signal }),
  );
  const root = (t: number): number => (rooted ? Math.sqrt(Math.max(0, t)) : t);
  const value = root(squared);
  const sizes = { n: rows[0].n, m: rows[1].n };
  if (!bootstrap || !deviations) return { value, ...sizes };
  const replicates = deviations.map((d) => root(squared + d));
  const least = statistic === 'V' ? 0 : Number.NEGATIVE_INFINITY;
  const error = samplingError(value, replicates, bootstrap.level, [least, Number.POSITIVE_INFINITY]);
  return { value, ...sizes, ...error };
}
