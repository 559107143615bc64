/**
 * Classifier guidance (Song et al. 2021, appendix I; Dhariwal & Nichol 2021, algorithm 1): by Bayes' rule
 *
 *   ∇ log p_t(x | c) = ∇ log p_t(x) + ∇ log p_t(c | x),
 *
 * so a user's log-probability of c given the noisy state x at time t, differentiated by tfjs, steers any model:
 * `score + w ∇_x log p_t(c | x)`. w = 1 is exact when p_t(c | x) is; any differentiable reward works in its place.
 */
import { combine, requireFinite, requireOneOf, ShapeError, shown, type Weight } from '@diff/core';
import type { LinearProcess } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { timesOf } from './marginal.ts';
import { type Condition, defineModel, requireTime, type ScoreModel, type Time } from './model.ts';
import type { PredictionKind } from './prediction-kind.ts';

export interface ClassifierGuidanceOptions {
  /** The model to steer. */
  readonly model: ScoreModel;
  /**
   * log p_t(c | x) of each row, [n]: differentiable tfjs code of x [n, …event], synchronous. Rows must not mix.
   */
  readonly logProbability: (x: tf.Tensor, t: Time, condition?: Condition) => tf.Tensor;
  /** w; default 1. */
  readonly weight?: number;
  /** Is the model itself given the condition, too? Default false. */
  readonly conditionModel?: boolean;
  /** Default '<model> guided'. */
  readonly name?: string;
}

/** d(prediction)/d(score) at time t: what a change of the score changes a prediction by. */
export function scoreGain(process: LinearProcess, t: number, kind: PredictionKind): number {
  const a = process.alpha(t);
  const s = process.sigma(t);
  switch (kind) {
    case 'score':
      return 1;
    case 'noise':
      return -s;
    case 'data':
      return (s * s) / a;
    case 'velocity':
      return (-s * (a * a + s * s)) / a;
  }
}

/**
 * A model steered by the gradient of a log-probability.
 *
 * @returns a model of `model`'s kind; conditions go to `logProbability`.
 * @throws DomainError for a weight that is not finite; ShapeError when `logProbability` does not return [n].
 * @example
 * ```ts
 * import { classifierGuidance, gaussian } from '@diff/score';
 * import { canonicalOu } from '@diff/sde';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const guided = classifierGuidance({
 *   model: gaussian({ process: canonicalOu({ T: 5 }), mean: [0, 0] }),
 *   logProbability: (x) => tf.logSigmoid(tf.squeeze(tf.slice(x, [0, 0], [-1, 1]), [1])), // "the first coordinate is large"
 *   weight: 2,
 * });
 * const score = await guided.score(tf.zeros([4, 2]), 0.5);
 * ```
 */
export function classifierGuidance({
  model,
  logProbability,
  weight = 1,
  conditionModel = false,
  name = `${model.name} guided`,
}: ClassifierGuidanceOptions): ScoreModel {
  requireFinite('classifierGuidance', 'weight', weight);
  const { process, kind } = model;
  requireOneOf('classifierGuidance', 'kind', kind, ['score', 'noise', 'data', 'velocity']);

  const logProbabilities = (x: tf.Tensor, t: Time, condition: Condition | undefined): tf.Tensor => {
    const logP = logProbability(x, t, condition);
    if (logP.rank !== 1 || logP.shape[0] !== x.shape[0]) {
      throw new ShapeError(
        `${name}: logProbability must return shape [${x.shape[0]}] (one number per row), got ${shown(logP)}. Sum over the other axes.`,
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
    name,
    ...(model.eventShape ? { eventShape: model.eventShape } : {}),
    async predict(x, t, condition) {
      requireTime(name, x, t);
      const times = typeof t === 'number' ? undefined : await timesOf(t);
      const prediction = await model.predict(x, t, conditionModel ? condition : undefined);
      try {
        return tf.tidy(() => {
          const gain: Weight = times
            ? tf.tensor1d(times.map((time) => weight * scoreGain(process, time, kind)))
            : weight * scoreGain(process, t as number, kind);
          return combine([
            [1, prediction],
            [gain, gradientOf(x, t, condition)],
          ]);
        });
      } finally {
        prediction.dispose();
      }
    },
  });
}
