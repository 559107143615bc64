/**
 * Finitely many point masses, Σ_k w_k δ_{x_k}: the simplest data whose score blows up as t → 0, and the law for
 * which every step of a sampler can be worked out by hand.
 */

import type { ExactModel } from './exact-model.ts';
import { type GaussianMixtureOptions, gaussianMixture } from './gaussian-mixture.ts';

export interface PointMassesOptions
  extends Omit<GaussianMixtureOptions, 'means' | 'variance' | 'covariances'> {
  /** K rows of d numbers. For a data set held in a tensor use `empiricalMeasure`. */
  readonly points: readonly (readonly number[])[];
}

/**
 * The exact model of point masses.
 *
 * @returns an exact model with event shape [d]; it holds no tensors. At σ(t) = 0 it throws.
 * @throws ShapeError, DomainError
 * @example
 * ```ts
 * import { pointMasses } from '@diff/score';
 * import { canonicalOu } from '@diff/sde';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const coin = pointMasses({ process: canonicalOu({ T: 5 }), points: [[-1], [1]] });
 * const mean = coin.posteriorMean(tf.tensor2d([[0.2]]), 0.5); // tanh(α x/σ²)
 * ```
 */
export function pointMasses({ points, name = 'pointMasses', ...options }: PointMassesOptions): ExactModel {
  return gaussianMixture({ ...options, name, means: points, variance: 0 });
}
