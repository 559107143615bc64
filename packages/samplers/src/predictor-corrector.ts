/**
 * Predictor–corrector sampling (Song et al. 2021, Algorithm 1; MATH §5): a sampler's step from t to r, then a corrector
 * at r; or, as the score_sde code orders it, a corrector at t and then the step.
 *
 * The order is the predictor's where the corrector's own bias falls as fast: steps that shrink like those of the grid leave
 * O(h) with a velocity that is kept and O(h²) with a fresh one. A corrector mends a law, it does not raise the order. It does
 * nothing at a time without noise, so a grid may end at 0 wherever the predictor's may.
 */
import { DomainError, fold, requireOneOf, shown } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Corrector } from './corrector.ts';
import type { RunPlan, Sampler, StepContext } from './sampler.ts';

export interface PredictorCorrectorOptions {
  readonly predictor: Sampler;
  readonly corrector: Corrector;
  /** Which comes first in a step; default 'predictor'. */
  readonly first?: 'predictor' | 'corrector';
}

/**
 * A predictor and a corrector as one sampler.
 *
 * @returns a stochastic sampler of the predictor's order, or the corrector's where that is lower.
 * @throws DomainError if either part is missing.
 * @example
 * ```ts
 * import { ddim, langevinCorrector, predictorCorrector } from '@diff/samplers';
 * const sampler = predictorCorrector({
 *   predictor: ddim(),
 *   corrector: langevinCorrector({ signalToNoise: 0.16 }),
 * });
 * ```
 */
export function predictorCorrector({
  predictor,
  corrector,
  first = 'predictor',
}: PredictorCorrectorOptions): Sampler {
  if (typeof predictor?.step !== 'function') {
    throw new DomainError(
      `predictorCorrector: predictor must be a sampler, got ${shown(predictor)}. Pass for example ddim().`,
    );
  }
  if (typeof corrector?.correct !== 'function') {
    throw new DomainError(
      `predictorCorrector: corrector must be a corrector, got ${shown(corrector)}. Pass for example langevinCorrector({ signalToNoise: 0.16 }).`,
    );
  }
  requireOneOf('predictorCorrector', 'first', first, ['predictor', 'corrector']);
  return {
    name: `${predictor.name}+${corrector.name}`,
    order: Math.min(predictor.order, corrector.order ?? predictor.order),
    stochastic: true,
    nfe: (steps) => predictor.nfe(steps) + steps * corrector.nfe,
    check(plan: RunPlan): void {
      predictor.check?.(plan);
      const times = first === 'predictor' ? plan.grid.slice(1) : plan.grid.slice(0, -1);
      for (const t of times) corrector.check?.(plan, t);
    },
    async step(context: StepContext): Promise<tf.Tensor> {
      const predict = (x: tf.Tensor): Promise<tf.Tensor> =>
        predictor.step({ ...context, x, key: fold(context.key, 0) });
      const correct = (x: tf.Tensor, t: number): Promise<tf.Tensor> =>
        corrector.correct({ ...context, x, t, key: fold(context.key, 1), brownian: undefined });
      const { x, t, next } = context;
      const middle = await (first === 'predictor' ? predict(x) : correct(x, t));
      try {
        return await (first === 'predictor' ? correct(middle, next) : predict(middle));
      } finally {
        tf.dispose(middle);
      }
    },
  };
}
