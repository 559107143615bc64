/**
 * Fréchet distance: W₂² between the Gaussians with the samples' means and covariances,
 *
 *   F = |m₁ − m₂|² + tr(C₁ + C₂ − 2 (C₁^½ C₂ C₁^½)^½)          (Dowson & Landau, J. Multivariate Anal. 12, 1982)
 *
 * the squared distance, as FID states it (Heusel et al., 2017); `rooted` gives the distance itself. It sees means and
 * covariances alone. Biased upward by O(1/n + 1/m), strongly so where n is not much larger than d.
 */
import { createPacer, DomainError, shown } from '@diff/core';
import type * as tf from '@tensorflow/tfjs-core';
import { requireBootstrap, samplingError } from './bootstrap.ts';
import { buresSquared, symmetricRoot } from './bures.ts';
import type { Estimate, MetricOptions } from './estimate.ts';
import { finitePair } from './finite-rows.ts';
import { type Moments, moments } from './moments.ts';

export interface FrechetDistanceOptions extends MetricOptions {
  /** Covariances are divided by n − ddof; default 1, as numpy.cov and FID do. */
  readonly ddof?: 0 | 1;
  /** Return √F rather than F; default false. */
  readonly rooted?: boolean;
}

function between(a: Moments, b: Moments): number {
  const shift = a.mean.reduce((s, v, i) => s + (v - b.mean[i]!) ** 2, 0);
  const [c1, c2] = [a.covariance, b.covariance];
  return shift + buresSquared(c1, c2, symmetricRoot(c1), symmetricRoot(c2));
}

/**
 * Fréchet distance of samples to a reference.
 *
 * Bootstrap: rows of both sets redrawn with replacement, all moments recomputed: O((n + m) d² + d³) a resample.
 *
 * @param samples [n, d]; @param reference [m, d]; n, m > ddof.
 * @throws ShapeError, DomainError
 * @example
 * ```ts
 * import { key, normal } from '@diff/core';
 * import { frechetDistance } from '@diff/metrics';
 * import '@tensorflow/tfjs-backend-cpu';
 * const { value } = await frechetDistance(normal(key(0), [200, 3]), normal(key(1), [300, 3]));
 * ```
 */
export async function frechetDistance(
  samples: tf.Tensor,
  reference: tf.Tensor,
  options: FrechetDistanceOptions = {},
): Promise<Estimate> {
  const where = 'frechetDistance';
  const { ddof = 1, rooted = false, signal } = options;
  if (ddof !== 0 && ddof !== 1) {
    throw new DomainError(`${where}: ddof must be 0 or 1, got ${shown(ddof)}. Choose one of these.`);
  }
  const bootstrap = requireBootstrap(where, options.bootstrap);
  const [x, y] = await finitePair(where, samples, reference, ddof + 1);
  const root = (t: number): number => (rooted ? Math.sqrt(t) : t);
  const value = root(between(moments(x, ddof), moments(y, ddof)));
  const found = { value, n: x.n, m: y.n };
  if (!bootstrap) return found;
  const pacer = createPacer({ signal });
  const replicates = new Float64Array(bootstrap.resamples);
  for (let r = 0; r < replicates.length; r++) {
    await pacer.turn();
    const a = moments(x, ddof, await bootstrap.counts('samples', r, x.n));
    const b = moments(y, ddof, await bootstrap.counts('reference', r, y.n));
    replicates[r] = root(between(a, b));
  }
  const range = [0, Number.POSITIVE_INFINITY] as const;
  return { ...found, ...samplingError(value, replicates, bootstrap.level, range) };
}
