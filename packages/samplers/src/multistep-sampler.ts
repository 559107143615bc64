/**
 * Multistep methods as data: the step from t_i to t_{i+1} uses the held quantities of this step and of those before,
 *
 *   z_{i+1} = carry z_i + Σ_j gain_j Q_{i−j} + noise ξ,   z = x − m
 *
 * One `predict` and one `combine` a step. The run's history keeps as many earlier states and predictions as the
 * method looks back on.
 */
import { conversion } from '@diff/score';
import * as tf from '@tensorflow/tfjs-core';
import type { RunPlan, Sampler, StepContext } from './sampler.ts';
import { requireFiniteUpdate, weighted } from './update.ts';

interface MultistepUpdate {
  readonly hold: 'noise' | 'data';
  readonly carry: number;
  /** Weights of Q_i, Q_{i−1}, …; at most min(i, depth) + 1 of them. */
  readonly gains: readonly number[];
  readonly noise?: number;
}

export interface MultistepMethod {
  readonly name: string;
  readonly order: number;
  readonly strongOrder?: number | undefined;
  readonly stochastic: boolean;
  /** How many earlier evaluations a step uses. */
  readonly depth: number;
  update(plan: RunPlan, index: number): MultistepUpdate;
}

interface Evaluation {
  readonly x: tf.Tensor;
  readonly prediction: tf.Tensor;
}

const HISTORY = 'multistep';

interface Weights {
  /** Weights of x_i, x_{i−1}, … and of the predictions made there. */
  readonly x: readonly number[];
  readonly prediction: readonly number[];
  readonly constant: number;
  readonly noise: number;
}

function weightsOf(plan: RunPlan, index: number, update: MultistepUpdate): Weights {
  const { process, kind, grid } = plan;
  const { hold, carry, gains, noise = 0 } = update;
  const x = gains.map((_, j) => (j === 0 ? carry : 0));
  const prediction = gains.map(() => 0);
  let constant = process.mean(grid[index + 1]!) - carry * process.mean(grid[index]!);
  for (const [j, gain] of gains.entries()) {
    if (gain === 0) continue;
    const q = conversion(process, grid[index - j]!, kind, hold);
    x[j]! += gain * q.x;
    prediction[j]! += gain * q.p;
    constant += gain * q.constant;
  }
  return { x, prediction, constant, noise };
}

export function multistepSampler({
  name,
  order,
  strongOrder,
  stochastic,
  depth,
  update,
}: MultistepMethod): Sampler {
  return {
    name,
    order,
    strongOrder,
    stochastic,
    nfe: (steps) => steps,
    check(plan: RunPlan): void {
      for (let i = 0; i + 1 < plan.grid.length; i++) {
        const { x, prediction, constant, noise } = weightsOf(plan, i, update(plan, i));
        requireFiniteUpdate(name, plan.grid[i]!, plan.grid[i + 1]!, {
          ...Object.fromEntries(x.map((value, j) => [`x${j}`, value])),
          ...Object.fromEntries(prediction.map((value, j) => [`prediction${j}`, value])),
          constant,
          noise,
        });
      }
    },
    async step(context: StepContext): Promise<tf.Tensor> {
      const { x, t, index, steps, history } = context;
      const weights = weightsOf(context, index, update(context, index));
      const now = { x, prediction: await context.predict(x, t) };
      const earlier = (history.get(HISTORY) ?? []) as readonly Evaluation[];
      const seen = [now, ...earlier];
      const terms = [
        ...weights.x.map((weight, j) => [weight, seen[j]!.x] as const),
        ...weights.prediction.map((weight, j) => [weight, seen[j]!.prediction] as const),
      ];
      const result = weighted(context, terms, weights.constant, weights.noise);
      if (depth > 0 && index < steps - 1) {
        const kept = { x: tf.clone(x), prediction: tf.clone(now.prediction) };
        history.set(HISTORY, [kept, ...earlier.slice(0, depth - 1)]);
        for (const old of earlier.slice(depth - 1)) tf.dispose([old.x, old.prediction]);
      }
      return result;
    },
  };
}
