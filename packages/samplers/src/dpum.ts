/**
 * DPUM, diffusion predictor with underdamped corrector (Chen, Chewi, Lee, Li, Lu, Salim 2023, Algorithm 1; MATH §5). For
 * each interval [r, t] of the grid
 *
 *   predictor   `predictorSteps` equal steps of the probability flow with the score held,
 *               z' = (α_r/α_t) z + ½ G·score
 *   corrector   underdamped Langevin at r with a fresh velocity, `correctorSteps` steps, exact for a held score
 *
 * In the paper an interval is 1/L long and the corrector runs for the time 1/√L, L the smoothness of the scores; near the
 * data, where L grows, intervals shrink geometrically: `geometricGrid`, `logSnrGrid`, and an end above 0. The corrector
 * turns the flow's error in Wasserstein distance into one in total variation, which makes √d out of d in the number
 * of steps.
 *
 * Order 1 in the predictor's step; what the corrector adds is O(h²) in its own, for a fixed number of corrector steps.
 */
import { requireInteger } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { innerStep } from './inner-step.ts';
import type { StepSize } from './langevin-corrector.ts';
import { predictorCorrector } from './predictor-corrector.ts';
import { probabilityFlow } from './probability-flow.ts';
import type { Sampler, StepContext } from './sampler.ts';
import { underdampedLangevinCorrector } from './underdamped-langevin-corrector.ts';

export interface DpumOptions {
  /** Predictor steps in each interval of the grid; default 1. */
  readonly predictorSteps?: number;
  /** Corrector steps after each interval; default 1. */
  readonly correctorSteps?: number;
  /** Time of one corrector step, in units of x, or a function of t; default σ(t)/(4·correctorSteps). */
  readonly stepSize?: StepSize;
  /** Friction γ, or γ(t); default 2/σ(t). */
  readonly friction?: StepSize;
}

/** t = u₀ > … > u_n = r in n equal steps. */
function divided(t: number, r: number, n: number): number[] {
  return Array.from({ length: n + 1 }, (_, i) => (i === n ? r : t + (i / n) * (r - t)));
}

function substeps(predictor: Sampler, count: number): Sampler {
  if (count === 1) return predictor;
  return {
    ...predictor,
    nfe: (steps) => predictor.nfe(steps * count),
    check(plan): void {
      const grid = plan.grid.slice(1).flatMap((r, i) => divided(plan.grid[i]!, r, count).slice(0, -1));
      predictor.check?.({ ...plan, grid: [...grid, plan.grid.at(-1)!] });
    },
    async step(context: StepContext): Promise<tf.Tensor> {
      const times = divided(context.t, context.next, count);
      let x = context.x;
      try {
        for (let i = 0; i < count; i++) {
          const moved = await innerStep(predictor, { ...context, x, t: times[i]!, next: times[i + 1]! });
          if (x !== context.x) x.dispose();
          x = moved;
        }
        return x;
      } catch (error) {
        if (x !== context.x) tf.dispose(x);
        throw error;
      }
    },
  };
}

/**
 * Probability flow with underdamped Langevin correction.
 *
 * @returns a stochastic sampler of order 1 with predictorSteps + correctorSteps evaluations a step.
 * @throws DomainError for counts that are not positive integers, a step size or friction that is not positive.
 * @example
 * ```ts
 * import { dpum } from '@diff/samplers';
 * const sampler = dpum({ predictorSteps: 2, correctorSteps: 2 });
 * console.log(sampler.nfe(10)); // 40
 * ```
 */
export function dpum({
  predictorSteps = 1,
  correctorSteps = 1,
  stepSize,
  friction,
}: DpumOptions = {}): Sampler {
  requireInteger('dpum', 'predictorSteps', predictorSteps, 1);
  requireInteger('dpum', 'correctorSteps', correctorSteps, 1);
  const corrector = underdampedLangevinCorrector({
    steps: correctorSteps,
    ...(stepSize === undefined ? {} : { stepSize }),
    ...(friction === undefined ? {} : { friction }),
  });
  const predictor = substeps(probabilityFlow({ hold: 'score' }), predictorSteps);
  return { ...predictorCorrector({ predictor, corrector }), name: 'dpum' };
}
