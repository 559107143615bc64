/**
 * The empirical measure of a data set: its exact score is the one that denoising score matching would reach with
 * unlimited capacity, the *memorising* score. Its posterior mean is a softmax-weighted mean of the data,
 *
 *   E[X₀ | X_t = x] = Σ_k r_k x_k,   r_k ∝ w_k exp(−|x − m − αx_k|²/(2σ²)),
 *
 * the Gaussian mixture with covariances 0 (MATH: exact scores). A learned model that samples like it has memorised.
 */
import { ShapeError, shown } from '@diff/core';
import type { LinearProcess } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { defineExactModel, type ExactLaw, type ExactModel } from './exact-model.ts';
import { lawsByLabel } from './laws-by-label.ts';
import { normalizedWeights } from './mixture-weights.ts';
import type { PredictionKind } from './prediction-kind.ts';
import { softmaxLaw } from './softmax-law.ts';

export interface EmpiricalMeasureOptions {
  readonly process: LinearProcess;
  /** The data [K, …event]. The model reads this tensor for as long as it is used; it stays the caller's. */
  readonly points: tf.Tensor;
  /** Non-negative, any positive sum; default equal. */
  readonly weights?: ArrayLike<number>;
  /** A label ≥ 0 for each point; then the model takes conditions. */
  readonly labels?: ArrayLike<number>;
  /** What `predict` returns; default 'velocity'. */
  readonly kind?: PredictionKind;
  /** Default 'empiricalMeasure'. */
  readonly name?: string;
}

/**
 * The exact model of the empirical measure of `points`.
 *
 * @returns an exact model with the event shape of the points. At σ(t) = 0 it throws: atoms have no density.
 * @throws ShapeError, DomainError
 * @example
 * ```ts
 * import { empiricalMeasure } from '@diff/score';
 * import { edm } from '@diff/sde';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const images = tf.zeros([10, 8, 8, 1]);
 * const memorising = empiricalMeasure({ process: edm(), points: images });
 * const denoised = await memorising.denoise(tf.ones([3, 8, 8, 1]), 2.5); // [3, 8, 8, 1]
 * ```
 */
export function empiricalMeasure({
  process,
  points,
  weights,
  labels,
  kind = 'velocity',
  name = 'empiricalMeasure',
}: EmpiricalMeasureOptions): ExactModel {
  if (!(points?.rank >= 2) || points.size === 0) {
    throw new ShapeError(
      `${name}: points must have shape [K, …] with at least one row and element, got ${shown(points)}. Pass a row per data point.`,
    );
  }
  const [count, ...eventShape] = points.shape as [number, ...number[]];
  const dimension = points.size / count;
  const normalized = normalizedWeights(name, weights, count);
  const flat = (): tf.Tensor2D => tf.reshape(points, [count, dimension]);
  const lawOfSome = (rows: readonly number[] | undefined, own: Float64Array): ExactLaw =>
    softmaxLaw({
      where: name,
      dimension,
      count: own.length,
      centres: rows ? () => tf.gather(flat(), [...rows]) : flat,
      weights: own,
      variance: 0,
    });
  return defineExactModel({
    process,
    name,
    kind,
    eventShape,
    law: lawOfSome(undefined, normalized),
    ...(labels ? { lawOf: lawsByLabel(name, labels, normalized, lawOfSome) } : {}),
  });
}
