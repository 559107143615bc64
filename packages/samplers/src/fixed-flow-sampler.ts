/**
 * A Runge–Kutta method on the probability flow with one step for each interval of the grid.
 *
 * Its last stage may stand at the end of the step, where ε̂ is not defined if no noise is left (ς_r = 0): `ending` is
 * the method of such a step. A step that starts without signal (α_t = 0, ς_t = ∞) is Euler's, α_r x̂0 + σ_r ε̂.
 */
import * as tf from '@tensorflow/tfjs-core';
import { type ButcherTableau, flowStep, formed, named } from './flow-runge-kutta.ts';
import type { RunPlan, Sampler, StepContext } from './sampler.ts';
import { transition } from './transition.ts';
import { apply, requireFiniteUpdate, resolve, type Update } from './update.ts';

interface FixedFlowMethod {
  readonly name: string;
  readonly order: number;
  readonly tableau: ButcherTableau;
  /** For a step that ends at σ = 0; all its nodes are below 1. */
  readonly ending: ButcherTableau;
}

/** The step from a time without signal. */
function firstSignal(plan: Pick<RunPlan, 'process' | 'kind'>, t: number, r: number): Update {
  const step = transition(plan.process, t, r);
  return resolve(plan, t, step, 'data', { carry: step.sigmaR / step.sigmaT, gain: step.alphaR, noise: 0 });
}

export function fixedFlowSampler({ name, order, tableau, ending }: FixedFlowMethod): Sampler {
  const method = (process: RunPlan['process'], r: number): ButcherTableau =>
    process.sigma(r) === 0 ? ending : tableau;
  return {
    name,
    order,
    stochastic: false,
    nfe: (steps) => steps * tableau.nodes.length,
    check(plan: RunPlan): void {
      for (let i = 0; i + 1 < plan.grid.length; i++) {
        const [t, r] = [plan.grid[i]!, plan.grid[i + 1]!];
        if (plan.process.alpha(t) === 0) {
          requireFiniteUpdate(name, t, r, { ...firstSignal(plan, t, r) });
          continue;
        }
        const { stages, end } = flowStep(plan, method(plan.process, r), t, r);
        for (const { state } of stages) requireFiniteUpdate(name, t, r, named(state));
        requireFiniteUpdate(name, t, r, named(end));
      }
    },
    async step(context: StepContext): Promise<tf.Tensor> {
      const { process, x, t, next } = context;
      if (process.alpha(t) === 0) {
        return apply(context, firstSignal(context, t, next), await context.predict(x, t));
      }
      const { stages, end } = flowStep(context, method(process, next), t, next);
      const predictions = [await context.predict(x, t)];
      for (const { t: time, state } of stages.slice(1)) {
        const at = formed(context, state, x, predictions);
        try {
          predictions.push(await context.predict(at, time));
        } finally {
          tf.dispose(at);
        }
      }
      return formed(context, end, x, predictions);
    },
  };
}
