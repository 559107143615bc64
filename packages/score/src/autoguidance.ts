/**
 * Autoguidance (Karras et al. 2024, "Guiding a diffusion model with a bad version of itself", eq. 5): a model is guided
 * away from a weaker one (smaller, trained for less time) for the same condition,
 *
 *   D_w(x, t, c) = D(x, t, c) + w (D(x, t, c) − D_weak(x, t, c)),      the paper's weight is 1 + w,
 *
 * which removes what is unlikely in the eyes of both without narrowing towards the typical sample of c.
 */
import { extrapolation, requireSameProcess } from './extrapolation.ts';
import { type GuidanceStrength, guidanceStrength } from './guidance-strength.ts';
import { requireModel } from './map-data.ts';
import type { ScoreModel } from './model.ts';
import { predictAs } from './predict-as.ts';

export interface AutoguidanceOptions extends GuidanceStrength {
  readonly model: ScoreModel;
  /** A worse model of the same data (same process); it gets the same condition. */
  readonly weaker: ScoreModel;
  /** φ in [0, 1]: how far each row's standard deviation is brought back to the model's; default 0. */
  readonly rescale?: number | undefined;
  /** Default '<model> autoguided'. */
  readonly name?: string | undefined;
}

/**
 * A model guided by a bad version of itself.
 *
 * @returns a model of `model`'s kind; with or without a condition, which goes to both.
 * @throws DomainError as `classifierFreeGuidance`.
 * @example
 * ```ts
 * import { autoguidance, gaussian } from '@diff/score';
 * import { canonicalOu } from '@diff/sde';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const process = canonicalOu({ T: 5 });
 * const model = gaussian({ process, mean: [1, 0], variance: 0.2 });
 * const weaker = gaussian({ process, mean: [0.8, 0], variance: 0.4 }); // blurred and a little off
 * const guided = autoguidance({ model, weaker, weight: 1 });
 * const score = await guided.score(tf.zeros([3, 2]), 0.2);
 * ```
 */
export function autoguidance({
  model,
  weaker,
  weight,
  interval,
  rescale,
  name,
}: AutoguidanceOptions): ScoreModel {
  requireModel('autoguidance', 'model', model);
  requireModel('autoguidance', 'weaker', weaker);
  requireSameProcess('autoguidance', [model, weaker]);
  const { process, kind, eventShape } = model;

  return extrapolation({
    process,
    kind,
    eventShape,
    name: name ?? `${model.name} autoguided`,
    strength: guidanceStrength('autoguidance', process, { weight, interval }),
    rescale,
    better: model.predict,
    async both(x, t, condition) {
      const better = await model.predict(x, t, condition);
      try {
        return { better, worse: await predictAs(kind, weaker, x, t, condition) };
      } catch (error) {
        if (better !== x) better.dispose();
        throw error;
      }
    },
  });
}
