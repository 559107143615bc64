/**
 * Samplers that evaluate the model once a step, at the start of the step, and remember nothing: they are their
 * coefficient function. One `predict` and one `combine` a step.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { RunPlan, Sampler, StepContext } from './sampler.ts';
import { apply, requireFiniteUpdate, type Update } from './update.ts';

export interface OneStepMethod {
  readonly name: string;
  readonly order: number;
  readonly strongOrder?: number | undefined;
  readonly stochastic: boolean;
  /** The update from t to r; `last` tells the final step of the grid. */
  update(plan: Pick<RunPlan, 'process' | 'kind'>, t: number, r: number, last: boolean): Update;
}

export function oneStepSampler({ name, order, strongOrder, stochastic, update }: OneStepMethod): Sampler {
  return {
    name,
    order,
    strongOrder,
    stochastic,
    nfe: (steps) => steps,
    check(plan: RunPlan): void {
      for (let i = 0; i + 1 < plan.grid.length; i++) {
        const [t, r] = [plan.grid[i]!, plan.grid[i + 1]!];
        requireFiniteUpdate(name, t, r, { ...update(plan, t, r, i + 2 === plan.grid.length) });
      }
    },
    async step(context: StepContext): Promise<tf.Tensor> {
      const { x, t, next, index, steps } = context;
      const coefficients = update(context, t, next, index === steps - 1);
      return apply(context, coefficients, await context.predict(x, t));
    },
  };
}
