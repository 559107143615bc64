/**
 * A model steered by a noisy observation y of x₀. By Bayes' rule ∇ log p_t(x | y) = ∇ log p_t(x) + ∇ log p_t(y | x), and
 * p_t(y | x) is not known, because x₀ is not; with x₀ | x ≈ N(x̂0(x), ρ_t² I) it is
 *
 *   log p_t(y | x) ≈ −½ (y − A x̂0)ᵀ (r² I + ρ_t² A Aᵀ)⁻¹ (y − A x̂0) + const,
 *
 * whose gradient goes through the model. Two choices of ρ_t:
 *
 * - 0, "diffusion posterior sampling" (Chung et al. 2023, DPS, eq. 11): any differentiable observation, but too sure of
 *   x̂0 at high noise. On Gaussian data N(μ, v I) its gradient is too large by the factor 1 + ρ² λ/r². For a coordinate
 *   that was seen directly, with κ = v/r², its probability flow ends in the mean μ + κ ∫₀¹ e^{−κ(1−s²)/2} ds (y − μ) and
 *   the variance v e^{−κ}, where the posterior has μ + κ/(1+κ) (y − μ) and v/(1+κ). Its authors' own runs (algorithms 1
 *   and 2) do not use r: |y − A x̂0| takes the place of r², which leaves −ζ ∇|y − A x̂0(x)| with ζ the weight, no part of
 *   Bayes' rule but harder to upset. They subtract it from the mean of each step as it is, however short the step;
 *   `perStepWeight` is the weight that does so.
 * - ρ² = v σ²/(α² v + σ²), "pseudoinverse-guided diffusion" (Song et al. 2023, ΠGDM, eq. 8, for v = 1): exact on Gaussian
 *   data N(μ, v I), for every observation matrix. On two modes ±(1, 1) of variance 0.05, seen as 0.8 ± 0.3 in the first
 *   coordinate, 92% of its samples end in the right one, to which nearly all of the posterior belongs.
 *
 * Both tend to the exact posterior score as t → 0. `observedGaussianMixture` has it exactly, for tests.
 */
import { requirePositive } from '@diff/core';
import type { LinearProcess } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import type { ScoreModel } from './model.ts';
import { type ObservationGuidanceOptions, observedModel } from './observed-model.ts';
import { recordedGradient } from './recorded-gradient.ts';

export interface DiffusionPosteriorOptions extends ObservationGuidanceOptions {
  /** r² > 0, the variance of the observation's noise; or 'residual': the length |y − A x̂0| of each row in its place. */
  readonly noiseVariance: number | 'residual';
}

export interface PseudoinverseGuidanceOptions extends ObservationGuidanceOptions {
  /** r² > 0, the variance of the observation's noise. */
  readonly noiseVariance: number;
  /** v > 0, the variance of one coordinate of the data; default 1. */
  readonly dataVariance?: number | undefined;
}

/** Steered by ∇ log N(y; A x̂0, r² I + ρ_t² A Aᵀ). */
function steeredBySquares(
  where: string,
  options: ObservationGuidanceOptions,
  noiseVariance: number | 'residual',
  spread: (process: LinearProcess, t: number) => number,
): ScoreModel {
  const own = noiseVariance === 'residual' ? 1 : requirePositive(where, 'noiseVariance', noiseVariance);
  return observedModel(where, options, (x, model) => {
    const variance = spread(options.model.process, model.t);
    const [change, prediction, squares] = recordedGradient(x, (at) => {
      const p = model.predict(at);
      const all = options.observation.weightedSquares(
        model.data(at, p),
        (gain) => 1 / (own + variance * gain),
      );
      return [tf.mul(tf.sum(all), -0.5), p, all];
    });
    // A row that agrees with y has no direction to go.
    const factor = noiseVariance === 'residual' ? tf.divNoNan(1, tf.sqrt(squares!)) : undefined;
    return { prediction: prediction!, change, factor };
  });
}

/**
 * Diffusion posterior sampling: a model steered by −∇|y − A x̂0(x)|²/(2r²), or by −∇|y − A x̂0(x)|.
 *
 * @returns a model of `model`'s kind, with one forward and one backward pass an evaluation. With a tensor of times it
 *   goes row by row, with observations that all rows share. Where the weight is 0, outside the interval for instance, it
 *   is `model`, without a gradient.
 * @throws DomainError for a variance that is not positive, a weight that is not finite, an
 *   interval that is none, something that is no observation, or a model that answers with a promise; where the data
 *   prediction is not determined (α = 0), as `conversion`.
 * @example
 * ```ts
 * import { diffusionPosterior, gaussianMixture, maskedObservation } from '@diff/score';
 * import { canonicalOu } from '@diff/sde';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const model = gaussianMixture({ process: canonicalOu({ T: 5 }), means: [[1, 1], [-1, -1]], variance: 0.2 });
 * const observation = maskedObservation({ mask: tf.tensor1d([1, 0]), known: tf.tensor1d([0.9, 0]) });
 * const posterior = diffusionPosterior({ model, observation, noiseVariance: 0.05 });
 * const score = await posterior.score(tf.zeros([4, 2]), 0.5);
 * ```
 */
export function diffusionPosterior({ noiseVariance, ...options }: DiffusionPosteriorOptions): ScoreModel {
  return steeredBySquares('diffusionPosterior', options, noiseVariance, () => 0);
}

/**
 * Pseudoinverse guidance: a model steered by ∇ log N(y; A x̂0(x), r² I + ρ_t² A Aᵀ).
 *
 * @param options.dataVariance v in ρ² = v σ²/(α² v + σ²), the posterior variance of Gaussian data.
 * @returns a model of `model`'s kind; costs as `diffusionPosterior`.
 * @throws as `diffusionPosterior`; DomainError for a data variance that is not positive.
 * @example
 * ```ts
 * import { gaussian, linearObservation, pseudoinverseGuidance } from '@diff/score';
 * import { canonicalOu } from '@diff/sde';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const model = gaussian({ process: canonicalOu({ T: 5 }), mean: [0, 0], variance: 0.5 });
 * const posterior = pseudoinverseGuidance({
 *   model,
 *   observation: linearObservation({ matrix: [[1, 1]], values: [2] }),
 *   noiseVariance: 0.01,
 *   dataVariance: 0.5,
 * });
 * const score = await posterior.score(tf.zeros([4, 2]), 0.5); // exact: the data are Gaussian
 * ```
 */
export function pseudoinverseGuidance({
  noiseVariance,
  dataVariance = 1,
  ...options
}: PseudoinverseGuidanceOptions): ScoreModel {
  requirePositive('pseudoinverseGuidance', 'dataVariance', dataVariance);
  return steeredBySquares('pseudoinverseGuidance', options, noiseVariance, (process, t) => {
    const [alpha, sigma] = [process.alpha(t), process.sigma(t)];
    return (dataVariance * sigma * sigma) / (alpha * alpha * dataVariance + sigma * sigma);
  });
}
