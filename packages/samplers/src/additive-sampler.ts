/**
 * A stochastic Runge–Kutta method for additive noise as a sampler: one step for each interval of the grid.
 *
 * A step from a time without signal (α = 0, ς = ∞) is that of the exponential integrator with data held.
 */
import type { NoiseLevel } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import {
  type AdditiveTableau,
  additiveStep,
  formedWithNoise,
  namedWithNoise,
  noisePair,
} from './additive-runge-kutta.ts';
import { heldUpdate } from './exponential-integrator.ts';
import { noiseLevelFunction } from './noise-level.ts';
import type { RunPlan, Sampler, StepContext } from './sampler.ts';
import { transition } from './transition.ts';
import { apply, requireFiniteUpdate, resolve, type Update } from './update.ts';

export interface AdditiveOptions {
  /** b ≥ 0, or b(t); default 1. Where b(t) jumps the order is lost for a step. */
  readonly noiseLevel?: NoiseLevel;
}

interface AdditiveMethod {
  readonly name: string;
  readonly tableau: AdditiveTableau;
}

export function additiveSampler(
  { name, tableau }: AdditiveMethod,
  { noiseLevel = 1 }: AdditiveOptions,
): Sampler {
  const b = noiseLevelFunction(name, noiseLevel);
  const firstSignal = (plan: Pick<RunPlan, 'process' | 'kind'>, t: number, r: number): Update =>
    resolve(plan, t, transition(plan.process, t, r), 'data', heldUpdate(plan.process, 'data', t, r, b(t)));
  return {
    name,
    order: 2,
    strongOrder: noiseLevel !== 0 ? 1.5 : undefined,
    stochastic: noiseLevel !== 0,
    nfe: (steps) => steps * tableau.nodes.length,
    check(plan: RunPlan): void {
      for (let i = 0; i + 1 < plan.grid.length; i++) {
        const [t, r] = [plan.grid[i]!, plan.grid[i + 1]!];
        if (plan.process.alpha(t) === 0) {
          requireFiniteUpdate(name, t, r, { ...firstSignal(plan, t, r) });
          continue;
        }
        const { stages, end } = additiveStep(plan, tableau, t, r, b);
        for (const { state } of stages) requireFiniteUpdate(name, t, r, namedWithNoise(state));
        requireFiniteUpdate(name, t, r, namedWithNoise(end));
      }
    },
    async step(context: StepContext): Promise<tf.Tensor> {
      const { process, x, t, next } = context;
      if (process.alpha(t) === 0) {
        return apply(context, firstSignal(context, t, next), await context.predict(x, t));
      }
      const { stages, end } = additiveStep(context, tableau, t, next, b);
      const noisy = [...stages.map((stage) => stage.state), end].some(
        (f) => f.increment !== 0 || f.area !== 0,
      );
      const pair = noisy ? noisePair(context, x.shape, t, next) : [];
      const predictions: tf.Tensor[] = [];
      try {
        for (const { t: time, state } of stages) {
          const still = time === t && state.increment === 0 && state.area === 0;
          const at = still ? x : formedWithNoise(state, x, predictions, pair);
          try {
            predictions.push(await context.predict(at, time));
          } finally {
            if (at !== x) at.dispose();
          }
        }
        return formedWithNoise(end, x, predictions, pair);
      } finally {
        tf.dispose([...pair]);
      }
    },
  };
}
