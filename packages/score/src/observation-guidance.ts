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
 *   the variance v e^{−κ}, where the posterior has μ + κ/(1+κ) (y − μ) and v/(1+κ).
 * - ρ² = v σ²/(α² v + σ²), "pseudoinverse-guided diffusion" (Song et al. 2023, ΠGDM, eq. 8, for v = 1): exact on Gaussian
 *   data N(μ, v I), for every observation matrix. On two modes ±(1, 1) of variance 0.05, seen as 0.8 ± 0.3 in the first
 *   coordinate, 92% of its samples end in the right one, to which nearly all of the posterior belongs.
 *
 * Both tend to the exact posterior score as t → 0. `observedGaussianMixture` has it exactly, for tests.
 */
import { combine, DomainError, requireFinite, requirePositive, shown } from '@diff/core';
import type { LinearProcess } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { scoreGain } from './classifier-guidance.ts';
import { conversion } from './convert.ts';
import { requireModel } from './map-data.ts';
import { timesOf } from './marginal.ts';
import { type Condition, defineModel, requireTime, type ScoreModel, type Time } from './model.ts';
import type { Observation } from './observation.ts';

export interface DiffusionPosteriorOptions {
  /** A model that answers at once and is differentiable in x, as networks and exact models are. */
  readonly model: ScoreModel;
  readonly observation: Observation;
  /** r² > 0, the variance of the observation's noise. */
  readonly noiseVariance: number;
  /** Multiplies the gradient, a number or a function of t; default 1, which is Bayes' rule. */
  readonly weight?: number | ((t: number) => number) | undefined;
  /** Default '<model> observed'. */
  readonly name?: string | undefined;
}

export interface PseudoinverseGuidanceOptions extends DiffusionPosteriorOptions {
  /** v > 0, the variance of one coordinate of the data; default 1. */
  readonly dataVariance?: number | undefined;
}

/** A loss and the prediction that it was made from. */
interface Seen {
  readonly loss: tf.Tensor;
  readonly prediction: tf.Tensor;
}

/** The gradient of the loss at x, and the prediction, which outlives the tidy around it. */
function recorded(x: tf.Tensor, f: (x: tf.Tensor) => Seen): [gradient: tf.Tensor, prediction: tf.Tensor] {
  let prediction: tf.Tensor | undefined;
  let failure: { readonly error: unknown } | undefined;
  try {
    const gradient = tf.grad((at: tf.Tensor) => {
      // An error that escapes while tfjs records leaves its tape open, with all that it holds.
      try {
        const seen = f(at);
        prediction = tf.keep(tf.clone(seen.prediction));
        return seen.loss;
      } catch (error) {
        failure = { error };
        return tf.sum(at);
      }
    })(x);
    if (failure) throw failure.error;
    return [gradient, prediction!];
  } catch (error) {
    prediction?.dispose();
    throw error;
  }
}

function observed(
  where: string,
  { model, observation, noiseVariance, weight = 1, name }: DiffusionPosteriorOptions,
  spread: (process: LinearProcess, t: number) => number,
): ScoreModel {
  requireModel(where, 'model', model);
  requirePositive(where, 'noiseVariance', noiseVariance);
  if (typeof observation?.weightedSquares !== 'function') {
    throw new DomainError(
      `${where}: observation must be an observation, got ${shown(observation)}. Make one with maskedObservation(), linearObservation() or nonlinearObservation().`,
    );
  }
  if (typeof weight !== 'function') requireFinite(where, 'weight', weight);
  const { process, kind } = model;
  const title = name ?? `${model.name} observed`;

  function steered(x: tf.Tensor, t: number, condition: Condition | undefined): tf.Tensor {
    const toData = conversion(process, t, kind, 'data');
    const variance = spread(process, t);
    const strength = typeof weight === 'number' ? weight : weight(t);
    requireFinite(title, `weight(t = ${t})`, strength);
    return tf.tidy(() => {
      const [gradient, prediction] = recorded(x, (at) => {
        const p = model.predict(at, t, condition);
        if (p instanceof Promise) {
          p.then(
            (late) => late.dispose(),
            () => undefined,
          );
          throw new DomainError(
            `${title}: the model must answer at once, with a tensor, for a gradient to go through it, got a promise from '${model.name}'. Steer the network or exact model itself, and guide or convert the steered model.`,
          );
        }
        const terms: [number, tf.Tensor][] = [
          [toData.x, at],
          [toData.p, p],
        ];
        const data = combine(terms, { constant: toData.constant });
        const squares = observation.weightedSquares(data, (gain) => 1 / (noiseVariance + variance * gain));
        return { loss: tf.mul(tf.sum(squares), -0.5), prediction: p };
      });
      try {
        return combine([
          [1, prediction],
          [strength * scoreGain(process, t, kind), gradient],
        ]);
      } finally {
        prediction.dispose();
      }
    });
  }

  async function rowByRow(
    x: tf.Tensor,
    t: tf.Tensor1D,
    condition: Condition | undefined,
  ): Promise<tf.Tensor> {
    const rows: tf.Tensor[] = [];
    try {
      for (const [i, time] of (await timesOf(t)).entries()) {
        rows.push(
          tf.tidy(() => steered(tf.slice(x, [i], [1]), time, condition && tf.slice(condition, [i], [1]))),
        );
      }
      return tf.concat(rows, 0);
    } finally {
      tf.dispose(rows);
    }
  }

  return defineModel({
    process,
    kind,
    name: title,
    ...(model.eventShape ? { eventShape: model.eventShape } : {}),
    predict(x: tf.Tensor, t: Time, condition?: Condition) {
      requireTime(title, x, t);
      return typeof t === 'number' ? steered(x, t, condition) : rowByRow(x, t, condition);
    },
  });
}

/**
 * Diffusion posterior sampling: a model steered by −∇|y − A x̂0(x)|²/(2r²).
 *
 * @returns a model of `model`'s kind, with one forward and one backward pass an evaluation. With a tensor of times it
 *   goes row by row, with observations that all rows share.
 * @throws DomainError for a variance that is not positive, a weight that is not finite, something that is no observation,
 *   or a model that answers with a promise; where the data prediction is not determined (α = 0), as `conversion`.
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
export function diffusionPosterior(options: DiffusionPosteriorOptions): ScoreModel {
  return observed('diffusionPosterior', options, () => 0);
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
  dataVariance = 1,
  ...options
}: PseudoinverseGuidanceOptions): ScoreModel {
  requirePositive('pseudoinverseGuidance', 'dataVariance', dataVariance);
  return observed('pseudoinverseGuidance', options, (process, t) => {
    const [alpha, sigma] = [process.alpha(t), process.sigma(t)];
    return (dataVariance * sigma * sigma) / (alpha * alpha * dataVariance + sigma * sigma);
  });
}
