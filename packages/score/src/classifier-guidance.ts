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
import * as tf from '@tensorflow/tfjs-core';
import { conversion } from './convert.ts';
import { type GuidanceInterval, type GuidanceWeight, guidanceStrength } from './guidance-strength.ts';
import { requireModel } from './map-data.ts';
import { timesOf } from './marginal.ts';
import { type Condition, defineModel, requireTime, type ScoreModel, type Time } from './model.ts';
import { recordedGradient } from './recorded-gradient.ts';
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
 * A model steered by the gradient of a log-probability.
 *
 * @returns a model of `model`'s kind; conditions go to `logProbability`. Where the weight is 0, outside the interval for
 *   instance, it is `model`, with one evaluation and no gradient.
 * @throws DomainError for a weight that is not finite, an interval that is none or a share outside [0, 1]; ShapeError
 *   when `logProbability` does not return [n]; where α = 0 and the model does not predict score or noise, as `conversion`.
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
      `classifierGuidance: logProbability must be a function of x, got ${shown(logProbability)}. Pass (x) => tensor.`,
    );
  }
  requireShare('classifierGuidance', rescale);
  const { process, kind } = model;
  const strength = guidanceStrength('classifierGuidance', process, { weight, interval });
  const title = name ?? `${model.name} guided`;

  function gradientOf(x: tf.Tensor, t: Time, condition: Condition | undefined): tf.Tensor {
    const [gradient] = recordedGradient(x, (at) => {
      const logP = logProbability(at, t, condition);
      if (logP.rank === 1 && logP.shape[0] === x.shape[0]) return [tf.sum(logP)];
      throw new ShapeError(
        `${title}: logProbability must return shape [${x.shape[0]}] (one number per row), got ${shown(logP)}. Sum over the other axes.`,
      );
    });
    return gradient;
  }

  return defineModel({
    process,
    kind,
    name: title,
    eventShape: model.eventShape,
    async predict(x, t, condition) {
      requireTime(title, x, t);
      const times = typeof t === 'number' ? [t] : await timesOf(t);
      const weights = times.map(strength);
      const prediction = await model.predict(x, t, conditionModel ? condition : undefined);
      if (weights.every((w) => w === 0)) return prediction === x ? tf.clone(x) : prediction;
      try {
        return tf.tidy(() => {
          // Where α = 0 there may be none, and it is not asked for outside the interval.
          const gains = weights.map((w, i) =>
            w === 0 ? 0 : w * conversion(process, times[i]!, 'score', kind).p,
          );
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
