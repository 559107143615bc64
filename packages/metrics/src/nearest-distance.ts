/**
 * Nearest-neighbour distances: the median over the samples of the distance to the nearest row of a set. Samples much
 * nearer to the training set than fresh data are is a sign of memorising; compare with the same number for held-out
 * data.
 */
import { createPacer, type Pacer } from '@diff/core';
import type * as tf from '@tensorflow/tfjs-core';
import { requireBootstrap } from './bootstrap.ts';
import type { Estimate, MetricOptions } from './estimate.ts';
import { finitePair, finiteRows } from './finite-rows.ts';
import { countedMedian, medianError } from './resampled-mean.ts';
import { type Neighbours, neighbours, neighboursWithin } from './row-pieces.ts';

async function median(
  { distance }: Neighbours,
  sizes: { readonly n: number; readonly m: number },
  where: string,
  options: MetricOptions,
  pacer: Pacer,
): Promise<Estimate> {
  const bootstrap = requireBootstrap(where, options.bootstrap);
  const sorted = Float64Array.from(distance).sort();
  const value = countedMedian(sorted, new Uint8Array(sizes.n).fill(1), sizes.n);
  return { value, ...sizes, ...(await medianError(sorted, bootstrap, pacer)) };
}

/**
 * Median over the samples of min_j |x_i − y_j|.
 *
 * Bootstrap: the samples redrawn with replacement, the set held fixed.
 *
 * @param samples [n, d]; @param set [m, d], for example the training data.
 * @throws ShapeError, DomainError
 * @example
 * ```ts
 * import { key, normal } from '@diff/core';
 * import { nearestDistance } from '@diff/metrics';
 * import '@tensorflow/tfjs-backend-cpu';
 * const { value } = await nearestDistance(normal(key(0), [100, 2]), normal(key(1), [200, 2]));
 * ```
 */
export async function nearestDistance(
  samples: tf.Tensor,
  set: tf.Tensor,
  options: MetricOptions = {},
): Promise<Estimate> {
  const where = 'nearestDistance';
  requireBootstrap(where, options.bootstrap);
  const [x, y] = await finitePair(where, samples, set);
  const pacer = createPacer({ signal: options.signal });
  const found = await neighbours(samples, set, 1, pacer);
  return median(found, { n: x.n, m: y.n }, where, options, pacer);
}

/**
 * Median over the rows of a set of the distance to the nearest other row (leave one out); m = n − 1.
 *
 * Bootstrap: the rows whose distances are taken redrawn with replacement, their neighbours held fixed.
 *
 * @param set [n, d], n ≥ 2.
 * @example
 * ```ts
 * import { key, normal } from '@diff/core';
 * import { nearestDistanceWithin } from '@diff/metrics';
 * import '@tensorflow/tfjs-backend-cpu';
 * const { value } = await nearestDistanceWithin(normal(key(0), [200, 2]));
 * ```
 */
export async function nearestDistanceWithin(set: tf.Tensor, options: MetricOptions = {}): Promise<Estimate> {
  const where = 'nearestDistanceWithin';
  requireBootstrap(where, options.bootstrap);
  const { n } = await finiteRows(where, 'set', set, 2);
  const pacer = createPacer({ signal: options.signal });
  const found = await neighboursWithin(set, 1, pacer);
  return median(found, { n, m: n - 1 }, where, options, pacer);
}
