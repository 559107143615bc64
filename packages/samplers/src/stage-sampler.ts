/**
 * One-step methods with inner stages, as data. From x_0 at t_0 = t a method makes states x_1 … x_s in turn, each from
 * x_0 and from the held quantities Q_0 … Q_{i−1} of the states before it, and x_s is the result:
 *
 *   z_i = carry_i z_0 + Σ_{j<i} gain_ij Q_j + noise_i ξ_i,   z_i = x_i − m(t_i),   Q_j = Q(x_j, t_j)
 *
 * Explicit Runge–Kutta and exponential methods have this form. One `predict` and one `combine` a stage; the last
 * stage draws with the step's own key, an inner stage i with the key folded by i.
 */
import { fold, type Key, normal } from '@diff/core';
import { conversion } from '@diff/score';
import * as tf from '@tensorflow/tfjs-core';
import type { RunPlan, Sampler, StepContext } from './sampler.ts';
import { requireFiniteUpdate, weighted } from './update.ts';

/** How one state comes out of the state at t and the predictions so far. */
interface Stage {
  /** Time at which the new state is evaluated next; of the last stage, the end of the step. */
  readonly to: number;
  readonly carry: number;
  /** Weights of Q_0, Q_1, …. */
  readonly gains: readonly number[];
  readonly noise?: number;
  /** Weights of the earlier stages' ξ, where the stages follow one path; `noise` is then of what the path does after them. */
  readonly shared?: readonly number[];
}

export interface Scheme {
  readonly hold: 'noise' | 'data';
  readonly stages: readonly Stage[];
}

export interface StagedMethod {
  readonly name: string;
  readonly order: number;
  readonly strongOrder?: number | undefined;
  readonly stochastic: boolean;
  nfe(steps: number): number;
  /** The scheme of step `index` of the plan. */
  scheme(plan: RunPlan, index: number): Scheme;
}

interface Row {
  /** Weights of x_0, x_1, … and of the predictions made there. */
  readonly x: readonly number[];
  readonly prediction: readonly number[];
  readonly constant: number;
  readonly noise: number;
  readonly shared: readonly number[];
}

/** A scheme in terms of states and of what the model predicts. */
function rowsOf({ process, kind }: RunPlan, t: number, { hold, stages }: Scheme): Row[] {
  const times = [t, ...stages.map((stage) => stage.to)];
  return stages.map(({ to, carry, gains, noise = 0, shared = [] }) => {
    const x = gains.map((_, j) => (j === 0 ? carry : 0));
    const prediction = gains.map(() => 0);
    let constant = process.mean(to) - carry * process.mean(t);
    for (const [j, gain] of gains.entries()) {
      if (gain === 0) continue;
      const q = conversion(process, times[j]!, kind, hold);
      x[j]! += gain * q.x;
      prediction[j]! += gain * q.p;
      constant += gain * q.constant;
    }
    return { x, prediction, constant, noise, shared };
  });
}

/** ξ of a stage that later ones share, from one time to another. */
function unitNoise({ x, firstRow, brownian }: StepContext, key: Key, from: number, to: number): tf.Tensor {
  if (!brownian) return normal(key, x.shape, { firstRow });
  return tf.tidy(() =>
    tf.div(brownian.increment(from, to, x.shape, firstRow), Math.sqrt(Math.abs(from - to))),
  );
}

export function stageSampler({ name, order, strongOrder, stochastic, nfe, scheme }: StagedMethod): Sampler {
  return {
    name,
    order,
    strongOrder,
    stochastic,
    nfe,
    check(plan: RunPlan): void {
      for (let i = 0; i + 1 < plan.grid.length; i++) {
        const [t, r] = [plan.grid[i]!, plan.grid[i + 1]!];
        for (const row of rowsOf(plan, t, scheme(plan, i))) {
          requireFiniteUpdate(name, t, r, {
            ...Object.fromEntries(row.x.map((value, j) => [`x${j}`, value])),
            ...Object.fromEntries(row.prediction.map((value, j) => [`prediction${j}`, value])),
            constant: row.constant,
            noise: row.noise,
            ...Object.fromEntries(row.shared.map((value, j) => [`shared${j}`, value])),
          });
        }
      }
    },
    async step(context: StepContext): Promise<tf.Tensor> {
      const { t, index, key, firstRow, brownian } = context;
      const method = scheme(context, index);
      const rows = rowsOf(context, t, method);
      const states = [context.x];
      const predictions: tf.Tensor[] = [];
      const follows = rows.some((row) => row.shared.some((weight) => weight !== 0));
      const draws: tf.Tensor[] = [];
      try {
        for (const [i, row] of rows.entries()) {
          const from = i === 0 ? t : method.stages[i - 1]!.to;
          const { to } = method.stages[i]!;
          predictions.push(await context.predict(states[i]!, from));
          const terms: (readonly [number, tf.Tensor])[] = [
            ...row.x.map((weight, j) => [weight, states[j]!] as const),
            ...row.prediction.map((weight, j) => [weight, predictions[j]!] as const),
          ];
          const last = i === rows.length - 1;
          const own = last ? key : fold(key, i);
          const draw = { key: own, firstRow, brownian, t: follows ? from : t, next: to };
          if (!follows || last) {
            terms.push(...row.shared.map((weight, j) => [weight, draws[j]!] as const));
            states.push(weighted(draw, terms, row.constant, row.noise));
            continue;
          }
          draws.push(unitNoise(context, own, from, to));
          terms.push(...[...row.shared, row.noise].map((weight, j) => [weight, draws[j]!] as const));
          states.push(weighted(draw, terms, row.constant, 0));
        }
        return states.pop()!;
      } finally {
        tf.dispose(states.slice(1));
        tf.dispose(draws);
      }
    },
  };
}
