/**
 * Wasserstein distance between samples of numbers, exact: W_p = (∫₀¹ |F⁻¹ − G⁻¹|^p dq)^{1/p}, by one sort of each.
 * Equal or unequal sizes, with or without weights. In units of x.
 */
import { createPacer, DomainError, ShapeError, shown } from '@diff/core';
import type * as tf from '@tensorflow/tfjs-core';
import { requireBootstrap, samplingError } from './bootstrap.ts';
import type { Estimate, MetricOptions } from './estimate.ts';
import { finiteNumbers } from './finite-rows.ts';
import { ascendingOrder, inOrder, quantileCoupling } from './quantile-coupling.ts';

export interface Wasserstein1dOptions extends MetricOptions {
  /** p: 1 or 2 (default). */
  readonly order?: 1 | 2;
  /** Weights of the samples [n], ≥ 0, of positive sum; default equal. They are normalised. */
  readonly sampleWeights?: tf.Tensor;
  /** Weights of the reference [m]. */
  readonly referenceWeights?: tf.Tensor;
}

async function requireWeights(
  where: string,
  name: string,
  weights: tf.Tensor | undefined,
  n: number,
): Promise<ArrayLike<number>> {
  if (weights === undefined) return new Uint16Array(n).fill(1);
  const values = await finiteNumbers(where, name, weights);
  if (values.length !== n) {
    throw new ShapeError(
      `${where}: ${name} must have shape [${n}], one weight a sample, got ${shown(weights)}. Pass matching weights.`,
    );
  }
  const negative = values.findIndex((w) => w < 0);
  if (negative >= 0) {
    throw new DomainError(
      `${where}: ${name} must not be negative, got ${values[negative]} at ${negative}. Pass weights of at least 0.`,
    );
  }
  if (!values.some((w) => w > 0)) {
    throw new DomainError(`${where}: ${name} must have a positive sum, got 0. Pass a weight above 0.`);
  }
  return values;
}

const times = (weights: ArrayLike<number>, counts: Uint16Array): Float64Array =>
  Float64Array.from(counts, (c, i) => c * weights[i]!);

/**
 * W₁ or W₂ of numbers.
 *
 * Bootstrap: samples and reference redrawn with replacement, each number together with its weight. (Where the draw
 * happens to leave only weights of 0, that resample is the original.)
 *
 * @param samples [n] or [n, 1]; @param reference [m] or [m, 1].
 * @throws ShapeError, DomainError
 * @example
 * ```ts
 * import { wasserstein1d } from '@diff/metrics';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const { value } = await wasserstein1d(tf.tensor1d([0, 1]), tf.tensor1d([1, 2, 3]), { order: 1 });
 * ```
 */
export async function wasserstein1d(
  samples: tf.Tensor,
  reference: tf.Tensor,
  options: Wasserstein1dOptions = {},
): Promise<Estimate> {
  const where = 'wasserstein1d';
  const { order: p = 2, signal } = options;
  if (p !== 1 && p !== 2) {
    throw new DomainError(`${where}: order must be 1 or 2, got ${shown(p)}. Choose one of these.`);
  }
  const bootstrap = requireBootstrap(where, options.bootstrap);
  const x = await finiteNumbers(where, 'samples', samples);
  const y = await finiteNumbers(where, 'reference', reference);
  const n = x.length;
  const m = y.length;
  const weightsX = await requireWeights(where, 'sampleWeights', options.sampleWeights, n);
  const weightsY = await requireWeights(where, 'referenceWeights', options.referenceWeights, m);
  const orderX = ascendingOrder(x);
  const orderY = ascendingOrder(y);
  const sortedX = inOrder(x, orderX);
  const sortedY = inOrder(y, orderY);
  const wx = inOrder(weightsX, orderX);
  const wy = inOrder(weightsY, orderY);
  const distance = (u: ArrayLike<number>, v: ArrayLike<number>): number =>
    quantileCoupling(sortedX, u, sortedY, v, p) ** (1 / p);
  const value = distance(wx, wy);
  if (!bootstrap) return { value, n, m };
  const pacer = createPacer({ signal });
  const replicates = new Float64Array(bootstrap.resamples);
  for (let r = 0; r < replicates.length; r++) {
    await pacer.turn();
    const u = times(wx, await bootstrap.counts('samples', r, n));
    const v = times(wy, await bootstrap.counts('reference', r, m));
    replicates[r] = distance(u.some((w) => w > 0) ? u : wx, v.some((w) => w > 0) ? v : wy);
  }
  const range = [0, Number.POSITIVE_INFINITY] as const;
  return { value, n, m, ...samplingError(value, replicates, bootstrap.level, range) };
}
