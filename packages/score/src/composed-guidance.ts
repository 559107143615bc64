/**
 * Several conditions at once, as a product of experts (Liu et al. 2022, "Compositional visual generation with composable
 * diffusion models", eq. 11; Du et al. 2023):
 *
 *   s(x, t) = s₀(x, t) + Σ_i w_i (s_i(x, t) − s₀(x, t)),      the score of p₀ Π_i (p_i/p₀)^{w_i} at t = 0.
 *
 * A negative weight negates a condition. At t > 0 the product of the smoothed densities is not the smoothed product, so
 * this is its usual stand-in; for Gaussians of one covariance it is exact.
 */
import { combine, DomainError, requireFinite, shown } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { requireSameProcess } from './extrapolation.ts';
import { requireModel } from './map-data.ts';
import { type Condition, defineModel, type ScoreModel } from './model.ts';
import { predictAs } from './predict-as.ts';

/** One condition: a model, what it is conditioned on, and its weight. */
export interface Expert {
  readonly model: ScoreModel;
  /** w_i; default 1. */
  readonly weight?: number | undefined;
  /**
   * What this model is given, made from the condition of the run and the number of rows; default: the condition itself.
   * A new tensor is disposed of after use.
   */
  readonly condition?:
    | ((condition: Condition | undefined, rows: number) => Condition | undefined)
    | undefined;
}

export interface ComposedGuidanceOptions {
  /** The model s₀ without conditions. */
  readonly unconditional: ScoreModel;
  /** At least one. */
  readonly experts: readonly Expert[];
  /** Default '<unconditional> composed'. */
  readonly name?: string | undefined;
}

/**
 * A model guided by several conditions.
 *
 * @returns a model of `unconditional`'s kind; one evaluation of it and one of each expert.
 * @throws DomainError without experts, for weights that are not finite, or models of different processes.
 * @example
 * ```ts
 * import { composedGuidance, gaussianMixture } from '@diff/score';
 * import { canonicalOu } from '@diff/sde';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const model = gaussianMixture({ process: canonicalOu({ T: 5 }), means: [[1, 0], [0, 1]], labels: [0, 1] });
 * const label = (value: number) => (_: unknown, rows: number) => tf.fill([rows], value, 'int32');
 * const both = composedGuidance({
 *   unconditional: model,
 *   experts: [
 *     { model, condition: label(0) },
 *     { model, condition: label(1), weight: -0.5 }, // and not this one
 *   ],
 * });
 * const score = await both.score(tf.zeros([3, 2]), 0.2);
 * ```
 */
export function composedGuidance({ unconditional, experts, name }: ComposedGuidanceOptions): ScoreModel {
  requireModel('composedGuidance', 'unconditional', unconditional);
  if (!Array.isArray(experts) || experts.length === 0) {
    throw new DomainError(
      `composedGuidance: experts must be a list of at least one { model, weight }, got ${shown(experts)}. Name the conditions.`,
    );
  }
  const terms = experts.map((expert: Expert, i) => {
    requireModel('composedGuidance', `experts[${i}].model`, expert?.model);
    const weight = requireFinite('composedGuidance', `experts[${i}].weight`, expert.weight ?? 1);
    const condition = expert.condition ?? ((given: Condition | undefined) => given);
    return { model: expert.model, weight, condition };
  });
  requireSameProcess('composedGuidance', [unconditional, ...terms.map(({ model }) => model)]);
  const { process, kind, eventShape } = unconditional;
  const rest = 1 - terms.reduce((sum, { weight }) => sum + weight, 0);

  return defineModel({
    process,
    kind,
    name: name ?? `${unconditional.name} composed`,
    eventShape,
    async predict(x, t, condition) {
      const sum: [number, tf.Tensor][] = [];
      try {
        sum.push([rest, await predictAs(kind, unconditional, x, t)]);
        for (const term of terms) {
          const own = term.condition(condition, x.shape[0]!);
          try {
            sum.push([term.weight, await predictAs(kind, term.model, x, t, own)]);
          } finally {
            if (own !== condition) own?.dispose();
          }
        }
        return combine(sum);
      } finally {
        tf.dispose(sum.map(([, p]) => p).filter((p) => p !== x));
      }
    },
  });
}
