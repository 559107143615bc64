/**
 * Classifier-free guidance (Ho & Salimans 2022, eq. 6): with one model that knows the condition and one that does not,
 *
 *   s_w(x, t, c) = (1 + w) s(x, t, c) − w s(x, t, ∅),        w = 0: the conditional model;  w = −1: the unconditional.
 *
 * All kinds are affine in the score with the same x-part, and (1 + w) − w = 1, so the combination may be taken in
 * whatever kind the models predict. The guided field is not the score of the guided density at t > 0, only its
 * usual stand-in.
 */
import { combine, DomainError, requireFinite, ShapeError, shown } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { UNCONDITIONAL } from './exact-model.ts';
import { type Condition, convertPrediction, defineModel, type ScoreModel, type Time } from './model.ts';

export interface ClassifierFreeGuidanceOptions {
  /** The model that is given the condition. */
  readonly conditional: ScoreModel;
  /** The model that is not (same process). Default: `conditional`, given the null condition. */
  readonly unconditional?: ScoreModel;
  /** w. */
  readonly weight: number;
  /**
   * The condition that means none, made from the one at hand; default int32 labels −1. Used only without
   * `unconditional`.
   */
  readonly nullCondition?: (condition: Condition) => Condition;
  /**
   * Evaluate both halves in one call on a batch of 2n (default) or in two calls of n. One call is faster on most
   * backends; two need half the memory.
   */
  readonly batched?: boolean;
  /** Default '<conditional> guided'. */
  readonly name?: string;
}

/** t twice over: itself when it is a number. */
const twice = (t: Time): Time => (typeof t === 'number' ? t : tf.concat1d([t, t]));

/**
 * A model guided by the difference between a conditional and an unconditional prediction.
 *
 * @returns a model of `conditional`'s kind that needs a condition.
 * @throws DomainError for a weight that is not finite or models of two processes; ShapeError without a condition.
 * @example
 * ```ts
 * import { classifierFreeGuidance, gaussianMixture } from '@diff/score';
 * import { canonicalOu } from '@diff/sde';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const conditional = gaussianMixture({ process: canonicalOu({ T: 5 }), means: [[1], [-1]], labels: [0, 1] });
 * const guided = classifierFreeGuidance({ conditional, weight: 0.5 });
 * const score = await guided.score(tf.zeros([3, 1]), 0.2, tf.tensor1d([0, 0, 1], 'int32'));
 * ```
 */
export function classifierFreeGuidance({
  conditional,
  unconditional,
  weight,
  nullCondition = (condition) => tf.fill(condition.shape, UNCONDITIONAL, 'int32'),
  batched = true,
  name = `${conditional.name} guided`,
}: ClassifierFreeGuidanceOptions): ScoreModel {
  requireFinite('classifierFreeGuidance', 'weight', weight);
  const { process, kind } = conditional;
  if (unconditional && unconditional.process !== process) {
    const configs = [process, unconditional.process].map((p) => JSON.stringify(p.config));
    if (configs[0] !== configs[1] || process.type === 'custom') {
      throw new DomainError(
        `classifierFreeGuidance: both models must have one process, got ${configs.join(' and ')}. Build them on the same process.`,
      );
    }
  }

  async function both(x: tf.Tensor, t: Time, condition: Condition): Promise<[tf.Tensor, tf.Tensor]> {
    const without = unconditional ? undefined : nullCondition(condition);
    try {
      if (!without || !batched) {
        const given = await conditional.predict(x, t, condition);
        try {
          const free = await (unconditional ?? conditional).predict(x, t, without);
          if (!unconditional || unconditional.kind === kind) return [given, free];
          try {
            return [given, await convertPrediction(process, x, free, t, unconditional.kind, kind)];
          } finally {
            free.dispose();
          }
        } catch (error) {
          given.dispose();
          throw error;
        }
      }
      const stacked = tf.concat([x, x], 0);
      const times = twice(t);
      const conditions = tf.concat([condition, without], 0);
      try {
        const out = await conditional.predict(stacked, times, conditions);
        const halves = tf.split(out, 2, 0) as [tf.Tensor, tf.Tensor];
        out.dispose();
        return halves;
      } finally {
        tf.dispose([stacked, conditions]);
        if (typeof times !== 'number') times.dispose();
      }
    } finally {
      if (without && without !== condition) without.dispose();
    }
  }

  return defineModel({
    process,
    kind,
    name,
    ...(conditional.eventShape ? { eventShape: conditional.eventShape } : {}),
    async predict(x, t, condition) {
      if (!condition) {
        throw new ShapeError(
          `${name}: a condition must be given with one row per row of x, got ${shown(condition)}. Pass labels, or use the unconditional model.`,
        );
      }
      const [given, free] = await both(x, t, condition);
      try {
        return combine([
          [1 + weight, given],
          [-weight, free],
        ]);
      } finally {
        tf.dispose([given, free]);
      }
    },
  });
}
