/**
 * Classifier-free guidance (Ho & Salimans 2022, eq. 6): with one model that knows the condition and one that does not,
 *
 *   s_w(x, t, c) = (1 + w) s(x, t, c) − w s(x, t, ∅),        w = 0: the conditional model;  w = −1: the unconditional.
 *
 * Others write the scale 1 + w. The guided field is not the score of the guided density ∝ p(x|c)^{1+w} p(x)^{−w} smoothed
 * to t > 0, only its usual stand-in; where both laws are Gaussians of one covariance it is the exact score of the
 * Gaussian with mean (1 + w) μ_c − w μ. `plusPlusWeight` makes it CFG++. A limited interval of noise levels and rescaling are in `guidance-strength.ts`
 * and `row-deviation.ts`.
 */
import { requireOneOf, ShapeError, shown } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { type Alignment, alignedDifference } from './alignment.ts';
import { UNCONDITIONAL } from './exact-model.ts';
import { extrapolation, type PredictionPair, requireSameProcess } from './extrapolation.ts';
import { type GuidanceStrength, guidanceStrength } from './guidance-strength.ts';
import { requireModel } from './map-data.ts';
import type { Condition, ScoreModel, Time } from './model.ts';
import { predictAs } from './predict-as.ts';
import type { PredictionKind } from './prediction-kind.ts';

/** The two models of guidance by a condition. */
export interface ConditionalPair {
  /** The model that is given the condition. */
  readonly conditional: ScoreModel;
  /** The model that is not (same process). Default: `conditional`, given the null condition. */
  readonly unconditional?: ScoreModel | undefined;
  /**
   * The condition that means none, made from the one at hand; default int32 labels −1. Used only without
   * `unconditional`.
   */
  readonly nullCondition?: ((condition: Condition) => Condition) | undefined;
  /**
   * Evaluate both halves in one call on a batch of 2n (default) or in two calls of n. One call is faster on most
   * backends; two need half the memory.
   */
  readonly batched?: boolean | undefined;
}

export interface ClassifierFreeGuidanceOptions extends ConditionalPair, GuidanceStrength {
  /**
   * Guide away from a part of the unconditional prediction only: 'zeroStar' (CFG-Zero*) or 'tangential' (TCFG), see
   * `alignment.ts`. Default: all of it.
   */
  readonly align?: Alignment | undefined;
  /** φ in [0, 1]: how far each row's standard deviation is brought back to the conditional model's; default 0. */
  readonly rescale?: number | undefined;
  /** Default '<conditional> guided'. */
  readonly name?: string | undefined;
}

/** t twice over: itself when it is a number. */
const twice = (t: Time): Time => (typeof t === 'number' ? t : tf.concat1d([t, t]));

/** What `conditional` and its counterpart predict, in one kind. */
export interface PairPredictions {
  better(x: tf.Tensor, t: Time, condition?: Condition): Promise<tf.Tensor>;
  both(x: tf.Tensor, t: Time, condition?: Condition): Promise<PredictionPair>;
}

/** Evaluates a conditional model with and without the condition. */
export function conditionalPair(
  name: string,
  {
    conditional,
    unconditional,
    nullCondition = (condition) => tf.fill(condition.shape, UNCONDITIONAL, 'int32'),
    batched = true,
  }: ConditionalPair,
  kind: PredictionKind,
): PairPredictions {
  function given(condition: Condition | undefined): Condition {
    if (condition) return condition;
    throw new ShapeError(
      `${name}: a condition must be given with one row per row of x, got ${shown(condition)}. Pass labels, or use the unconditional model.`,
    );
  }

  async function better(x: tf.Tensor, t: Time, condition?: Condition): Promise<tf.Tensor> {
    return predictAs(kind, conditional, x, t, given(condition));
  }

  async function inTwo(x: tf.Tensor, t: Time, condition: Condition, none?: Condition) {
    const ahead = await better(x, t, condition);
    try {
      return { better: ahead, worse: await predictAs(kind, unconditional ?? conditional, x, t, none) };
    } catch (error) {
      if (ahead !== x) ahead.dispose();
      throw error;
    }
  }

  async function inOne(x: tf.Tensor, t: Time, condition: Condition, none: Condition) {
    const stacked = tf.concat([x, x], 0);
    const times = twice(t);
    const conditions = tf.concat([condition, none], 0);
    try {
      const out = await predictAs(kind, conditional, stacked, times, conditions);
      const [ahead, behind] = tf.split(out, 2, 0) as [tf.Tensor, tf.Tensor];
      if (out !== stacked) out.dispose();
      return { better: ahead, worse: behind };
    } finally {
      tf.dispose([stacked, conditions]);
      if (typeof times !== 'number') times.dispose();
    }
  }

  return {
    better,
    async both(x, t, condition) {
      const own = given(condition);
      const none = unconditional ? undefined : nullCondition(own);
      try {
        return await (none && batched ? inOne(x, t, own, none) : inTwo(x, t, own, none));
      } finally {
        if (none && none !== own) none.dispose();
      }
    },
  };
}

/**
 * A model guided by the difference between a conditional and an unconditional prediction.
 *
 * @returns a model of `conditional`'s kind that needs a condition. Where the weight is 0, outside the interval for
 *   instance, it is `conditional`, with one evaluation.
 * @throws DomainError for a weight that is not finite, an interval that is none, an unknown alignment, a share outside
 *   [0, 1], or models of two processes; ShapeError without a condition.
 * @example
 * ```ts
 * import { classifierFreeGuidance, gaussianMixture } from '@diff/score';
 * import { canonicalOu } from '@diff/sde';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const conditional = gaussianMixture({ process: canonicalOu({ T: 5 }), means: [[1], [-1]], labels: [0, 1] });
 * const guided = classifierFreeGuidance({ conditional, weight: 0.5, interval: { above: 0.1, upTo: 2 } });
 * const score = await guided.score(tf.zeros([3, 1]), 0.2, tf.tensor1d([0, 0, 1], 'int32'));
 * ```
 */
export function classifierFreeGuidance({
  weight,
  interval,
  align,
  rescale,
  name,
  ...pair
}: ClassifierFreeGuidanceOptions): ScoreModel {
  const { conditional, unconditional } = pair;
  requireModel('classifierFreeGuidance', 'conditional', conditional);
  const { process, kind, eventShape } = conditional;
  const strength = guidanceStrength('classifierFreeGuidance', process, { weight, interval });
  if (unconditional) requireSameProcess('classifierFreeGuidance', [conditional, unconditional]);
  if (align) requireOneOf('classifierFreeGuidance', 'align', align, ['zeroStar', 'tangential']);
  const title = name ?? `${conditional.name} guided`;
  return extrapolation({
    process,
    kind,
    eventShape,
    name: title,
    strength,
    rescale,
    difference: align && alignedDifference(process, kind, align),
    ...conditionalPair(title, pair, kind),
  });
}
