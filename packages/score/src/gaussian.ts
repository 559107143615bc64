/**
 * A single Gaussian N(μ, C): the one law for which scores are affine, probability-flow paths are straight in the
 * eigenbasis, and every sampler's output is Gaussian with a law that can be written down.
 */
import type { LinearProcess } from '@diff/sde';
import type { ExactModel } from './exact-model.ts';
import { gaussianMixture } from './gaussian-mixture.ts';
import type { PredictionKind } from './prediction-kind.ts';

export interface GaussianOptions {
  readonly process: LinearProcess;
  /** μ, d numbers. */
  readonly mean: readonly number[];
  /** Isotropic variance ≥ 0; default 1 where `covariance` is not given. */
  readonly variance?: number;
  /** Symmetric positive definite d × d matrix, instead of `variance`. */
  readonly covariance?: readonly (readonly number[])[];
  /** What `predict` returns; default 'velocity'. */
  readonly kind?: PredictionKind;
  /** Default 'gaussian'. */
  readonly name?: string;
}

/**
 * The exact model of a Gaussian.
 *
 * @returns an exact model with event shape [d]; it holds no tensors.
 * @throws ShapeError, DomainError
 * @example
 * ```ts
 * import { gaussian } from '@diff/score';
 * import { canonicalOu } from '@diff/sde';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const model = gaussian({ process: canonicalOu({ T: 5 }), mean: [1, 0], covariance: [[2, 0.3], [0.3, 1]] });
 * const score = await model.score(tf.zeros([1, 2]), 0.1);
 * ```
 */
export function gaussian({ mean, covariance, name = 'gaussian', ...options }: GaussianOptions): ExactModel {
  return gaussianMixture({
    ...options,
    name,
    means: [mean],
    ...(covariance ? { covariances: [covariance] } : {}),
  });
}
