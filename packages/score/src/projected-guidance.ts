/**
 * Projected guidance (Sadat, Hilliges, Weber 2024, "Eliminating oversaturation and artifacts of high guidance scales",
 * algorithm 1, without its momentum, which is a state of the run): in terms of data predictions,
 *
 *   Δ = x̂0(c) − x̂0(∅),   Δ ← Δ min(1, r/|Δ|),   Δ∥ = ⟨Δ, x̂0(c)⟩/|x̂0(c)|² x̂0(c),   Δ⊥ = Δ − Δ∥,
 *   x̂0' = x̂0(c) + w (Δ⊥ + η Δ∥),                                the paper's scale is 1 + w,
 *
 * row by row. Δ∥ is what makes samples too bright and too contrasty; η = 1 and r = ∞ is classifier-free guidance.
 */
import { combine, DomainError, requireFinite, shown } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { type ConditionalPair, conditionalPair } from './classifier-free-guidance.ts';
import { extrapolation, type PredictionPair, requireSameProcess } from './extrapolation.ts';
import { type GuidanceStrength, guidanceStrength } from './guidance-strength.ts';
import { requireModel } from './map-data.ts';
import type { ScoreModel } from './model.ts';
import { rowProducts } from './row-products.ts';

export interface ProjectedGuidanceOptions extends ConditionalPair, GuidanceStrength {
  /** η: how much is kept of the part along the data prediction; default 0. */
  readonly parallel?: number | undefined;
  /** r: the largest Euclidean norm of Δ in a row, > 0; default ∞. */
  readonly radius?: number | undefined;
  /** φ in [0, 1]: how far each row's standard deviation is brought back to the conditional model's; default 0. */
  readonly rescale?: number | undefined;
  /** Default '<conditional> guided'. */
  readonly name?: string | undefined;
}

/**
 * Classifier-free guidance without its part along the prediction.
 *
 * @returns a model of kind 'data' that needs a condition; `conditional`'s own prediction where the weight is 0.
 * @throws DomainError as `classifierFreeGuidance`, and for η that is not finite or r that is not positive; ShapeError
 *   without a condition.
 * @example
 * ```ts
 * import { gaussianMixture, projectedGuidance } from '@diff/score';
 * import { canonicalOu } from '@diff/sde';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const conditional = gaussianMixture({ process: canonicalOu({ T: 5 }), means: [[1, 0], [0, 1]], labels: [0, 1] });
 * const guided = projectedGuidance({ conditional, weight: 4, radius: 10 });
 * const data = await guided.predict(tf.zeros([2, 2]), 0.2, tf.tensor1d([0, 1], 'int32'));
 * ```
 */
export function projectedGuidance({
  weight,
  interval,
  parallel = 0,
  radius = Number.POSITIVE_INFINITY,
  rescale,
  name,
  ...pair
}: ProjectedGuidanceOptions): ScoreModel {
  const { conditional, unconditional } = pair;
  requireModel('projectedGuidance', 'conditional', conditional);
  requireFinite('projectedGuidance', 'parallel', parallel);
  if (typeof radius !== 'number' || !(radius > 0)) {
    throw new DomainError(
      `projectedGuidance: radius must be a positive number, got ${shown(radius)}. Leave it out for no limit.`,
    );
  }
  if (unconditional) requireSameProcess('projectedGuidance', [conditional, unconditional]);
  const { process, eventShape } = conditional;
  const title = name ?? `${conditional.name} guided`;

  function projected({ better, worse }: PredictionPair): tf.Tensor {
    const difference = tf.sub(better, worse);
    const norm = tf.sqrt(rowProducts(difference, difference));
    const shrink = Number.isFinite(radius) ? tf.div(radius, tf.maximum(norm, radius)) : tf.onesLike(norm);
    // A prediction of zero has no direction; nothing is parallel to it.
    const share = tf.divNoNan(rowProducts(difference, better), rowProducts(better, better));
    return combine([
      [shrink, difference],
      [tf.mul(tf.mul(share, shrink), parallel - 1), better],
    ]);
  }

  return extrapolation({
    process,
    kind: 'data',
    eventShape,
    name: title,
    strength: guidanceStrength('projectedGuidance', process, { weight, interval }),
    rescale,
    difference: projected,
    ...conditionalPair(title, pair, 'data'),
  });
}
