/**
 * Classifier guidance (Song et al. 2021, appendix I; Dhariwal & Nichol 2021, algorithm 1): by Bayes' rule
 *
 *   ∇ log p_t(x | c) = ∇ log p_t(x) + ∇ log p_t(c | x),
 *
 * so a user's log-probability of c given the noisy state x at time t, differentiated by tfjs, steers any model:
 * `score + w ∇_x log p_t(c | x)`. w = 1 is exact when p_t(c | x) is; any differentiable reward works in its place. Other
 * weights are exact where log p(c | x₀) = k·x₀ + const and the data are N(μ, v I): log p_t(c | x) = k·x̂0(x) + const, and
 * the guided law is N(μ + w v k, v I). A limited interval of noise levels and rescaling are in `guidance-strength.ts` and
 * `row-deviation.ts`.
 */
import { combine, DomainError, ShapeError, shown, type Weight } from '@diff/core';
import type { LinearProcess } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { type GuidanceInterval, type GuidanceWeight, guidanceStrength } from './guidance-strength.ts';
import { requireModel } from './map-data.ts';
import { timesOf } from './marginal.ts';
import { type Condition, defineModel, requireTime, type ScoreModel, type Time } from './model.ts';
import type { PredictionKind } from './prediction-kind.ts';
import { requireShare, rescaled } from './row-deviation.ts';

export interface ClassifierGuidanceOptions {
  /** The model to steer. */
  readonly model: ScoreModel;
  /**
   * log p_t(c | x) of each row, [n]: differentiable tfjs code of x [n, …event], synchronous. Rows must not mix.
   */
  readonly logProbability: (x: tf.Tensor, t: Time, condition?: Condition) => tf.Tensor;
  /** w, a number or a function of t; default 1. */
  readonly weight?: GuidanceWeight | undefined;
  /** The noise levels at which to guide; default all. */
  readonly interval?: GuidanceInterval | undefined;
  /** φ in [0, 1]: how far each row's standard deviation is brought back to the model's; default 0. */
  readonly rescale?: number | undefined;
  /** Is the model itself given the condition, too? Default false. */
  readonly conditionModel?: boolean | undefined;
  /** Default '<model> guided'. */
  readonly name?: string | undefined;
}

/**
 * d(prediction)/d(score) at time t: what a change of the score changes a prediction by.
 *
 * @throws DomainError where it is infinite, as α = 0 for data and velocity.
 */
export function scoreGain(process: LinearProcess, t: number, kind: PredictionKind): number {
  const [a, s] = [process.alpha(t), process.sigma(t)];
  const gain = { score: 1, noise: -s, data: (s * s) / a, velocity: (-s * (a * a + s * s)) / a }[kind];
  if (Number.isFinite(gain)) return gain;
  throw new DomainError(
    `guidance by a gradient: alpha(t) must be above 0 for a model of kind '${kind}', got ${a} at t = ${t}. Start below that time, or leave its noise level out with interval: { upTo }.`,
  );
}

/**
 * A model steered by the gradient of a log-probability.
 *
 * @returns a model of `model`'s kind; conditions go to `logProbability`. Where the weight is 0, outside the interval for
 *   instance, it is `model`, with one evaluation and no gradient.
 * @throws DomainError for a weight that is not finite, an interval that is none or a share outside [0, 1]; ShapeError
 *   when `logProbability` does not return [n].
 * @example
 * ```ts
 * import { classifierGuidance, gaussian } from '@diff/score';
 * import { canonicalOu } from '@diff/sde';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const guided = classifierGuidance({
 *   model: gaussian({ process: canonicalOu({ T: 5 }), mean: [0, 0] }),
 *   logProbability: (x) => tf.logSigmoid(tf.squeeze(tf.slice(x, [0, 0], [-1, 1]), [1])), // "the first coordinate is large"
 *   weight: 2, // or a function of t
 *   interval: { above: 0.1, upTo: 3 }, // of σ/α
 * });
 * const score = await guided.score(tf.zeros([4, 2]), 0.5);
 * ```
 */
export function classifierGuidance({
  model,
  logProbability,
  weight = 1,
  interval,
  rescale = 0,
  conditionModel = false,
  name,
}: ClassifierGuidanceOptions): ScoreModel {
  requireModel('classifierGuidance', 'model', model);
  if (typeof logProbability !== 'function') {
    throw new DomainError(
      `classifierGuidance: logProbability must be a function of x, got ${shown(logProbability)}. Pass (x, t, condition) => tensor of shape [n].`,
    );
  }
  requireShare('classifierGuidance', rescale);
  const { process, kind } = model;
  const strength = guidanceStrength('classifierGuidance', process, { weight, interval });
  const title = name ?? `${model.name} guided`;

  const logProbabilities = (x: tf.Tensor, t: Time, condition: Condition | undefined): tf.Tensor => {
    const logP = logProbability(x, t, condition);
    if (logP.rank !== 1 || logP.shape[0] !== x.shape[0]) {
      throw new ShapeError(
        `${title}: logProbability must return shape [${x.shape[0]}] (one number per row), got ${shown(logP)}. Sum over the other axes.`,
      );
    }
    return logP;
  };
  const gradientOf = (x: tf.Tensor, t: Time, condition: Condition | undefined): tf.Tensor => {
    // an error that escapes while tfjs records leaves its tape open, with all that it holds
    const failures: unknown[] = [];
    const gradient = tf.grad((y: tf.Tensor) => {
      try {
        return tf.sum(logProbabilities(y, t, condition));
      } catch (error) {
        failures.push(error);
        return tf.sum(y);
      }
    })(x);
    if (failures.length > 0) throw failures[0];
    return gradient;
  };

  return defineModel({
    process,
    kind,
    name: title,
    ...(model.eventShape ? { eventShape: model.eventShape } : {}),
    async predict(x, t, condition) {
      requireTime(title, x, t);
      const times = typeof t === 'number' ? [t] : await timesOf(t);
      const weights = times.map(strength);
      const prediction = await model.predict(x, t, conditionModel ? condition : undefined);
      if (weights.every((w) => w === 0)) return prediction === x ? tf.clone(x) : prediction;
      try {
        return tf.tidy(() => {
          // Where α = 0 the gain may be infinite, and it is not asked for outside the interval.
          const gains = weights.map((w, i) => (w === 0 ? 0 : w * scoreGain(process, times[i]!, kind)));
          const gain: Weight = typeof t === 'number' ? gains[0]! : tf.tensor1d(gains);
          const guided = combine([
            [1, prediction],
            [gain, gradientOf(x, t, condition)],
          ]);
          return rescaled(guided, prediction, rescale);
        });
      } finally {
        if (prediction !== x) prediction.dispose();
      }
    },
  });
}
