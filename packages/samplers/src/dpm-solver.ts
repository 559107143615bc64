/**
 * DPM-Solver and DPM-Solver++, multistep (Lu et al. 2022a, 2022b; the SDE versions as in diffusers and k-diffusion).
 * With z = x − m, h = λ(r) − λ(t), D the held prediction at t, D' the one at the step before, ρ = h'/h with h' the
 * length of that step in λ, E = (D − D')/ρ, and noise level b, k = 1 + b²:
 *
 *   data (++)  z' = (σ_r/σ_t) e^{−b²h} z + α_r (1 − e^{−kh}) D + α_r c E + σ_r √(1 − e^{−2b²h}) ξ
 *              c = ½ (1 − e^{−kh})  'midpoint',   c = 1 − (1 − e^{−kh})/(kh)  'taylor' (diffusers calls it heun)
 *   noise      z' = (α_r/α_t) z − k σ_r (e^h − 1) D − σ_r c E + b σ_r √(e^{2h} − 1) ξ
 *              c = (k/2)(e^h − 1)   'midpoint',   c = k ((e^h − 1)/h − 1)  'taylor'
 *
 * 'taylor' integrates the linear extrapolation of D exactly; 'midpoint' is the usual choice. Order 1 leaves E out.
 * The first step has no D' and is of order 1. So is a last step to σ_r = 0, where h = ∞ (with data held it returns D);
 * `lastStep: 'first'` makes the last step of order 1 always, which steadies runs of fewer than about 15 steps.
 *
 * Order 2 for b = 0; weak order 1 for b > 0. One evaluation a step, one `combine`.
 */
import { DomainError, requireOneOf, shown } from '@diff/core';
import { conversion } from '@diff/score';
import * as tf from '@tensorflow/tfjs-core';
import { heldUpdate } from './exponential-integrator.ts';
import { noiseLevelFunction } from './noise-level.ts';
import type { RunPlan, Sampler, StepContext } from './sampler.ts';
import { decayed, transition } from './transition.ts';
import { requireFiniteUpdate, resolve, type Update, weighted } from './update.ts';

export interface DpmSolverOptions {
  /** 1 or 2; default 2. */
  readonly order?: 1 | 2;
  /** Uses the evaluations of earlier steps; the only form there is. */
  readonly multistep?: true;
  /** What is extrapolated: 'data' is DPM-Solver++ (default), 'noise' is DPM-Solver. */
  readonly hold?: 'data' | 'noise';
  /** How the second-order term is weighted; default 'midpoint'. */
  readonly correction?: 'midpoint' | 'taylor';
  /** b ≥ 0, constant; default 0. 1 gives SDE-DPM-Solver(++); k-diffusion's eta is b². */
  readonly noiseLevel?: number;
  /** 'auto' (default): of first order only where σ = 0 at the end. 'first': always of first order. */
  readonly lastStep?: 'auto' | 'first';
}

interface Difference {
  /** Weight of D − D' in z'. */
  readonly weight: number;
  readonly x: number;
  readonly prediction: number;
  readonly constant: number;
}

const HISTORY = 'dpmSolver';
interface Memory {
  readonly x: tf.Tensor;
  readonly prediction: tf.Tensor;
}

/**
 * DPM-Solver++(2M) and its relatives.
 *
 * @returns a sampler with one evaluation a step.
 * @throws DomainError for an option outside its choices.
 * @example
 * ```ts
 * import { dpmSolver } from '@diff/samplers';
 * const sampler = dpmSolver({ order: 2, multistep: true });
 * ```
 */
export function dpmSolver({
  order = 2,
  multistep = true,
  hold = 'data',
  correction = 'midpoint',
  noiseLevel = 0,
  lastStep = 'auto',
}: DpmSolverOptions = {}): Sampler {
  if (order !== 1 && order !== 2) {
    throw new DomainError(`dpmSolver: order must be 1 or 2, got ${shown(order)}. Use 2.`);
  }
  if (multistep !== true) {
    throw new DomainError(
      `dpmSolver: multistep must be true, got ${shown(multistep)}. Leave it out, or use heun() for a one-step method of order 2.`,
    );
  }
  requireOneOf('dpmSolver', 'hold', hold, ['data', 'noise']);
  requireOneOf('dpmSolver', 'correction', correction, ['midpoint', 'taylor']);
  requireOneOf('dpmSolver', 'lastStep', lastStep, ['auto', 'first']);
  const b = noiseLevelFunction('dpmSolver', noiseLevel)(0);
  const k = 1 + b * b;
  const name = `dpmSolver${hold === 'data' ? '++' : ''}(${order}M)`;

  function first(plan: Pick<RunPlan, 'process' | 'kind'>, t: number, r: number): Update {
    const held = heldUpdate(plan.process, hold, t, r, b);
    return resolve(plan, t, transition(plan.process, t, r), hold, held);
  }

  /** The second-order term of step `index`, or undefined where the step is of first order. */
  function difference(plan: RunPlan, index: number): Difference | undefined {
    const { process, kind, grid } = plan;
    const last = index === grid.length - 2;
    if (order === 1 || index === 0 || (last && lastStep === 'first')) return undefined;
    const [before, t, r] = [grid[index - 1]!, grid[index]!, grid[index + 1]!];
    const { alphaR, alphaT, sigmaT, sigmaR, h } = transition(process, t, r);
    const length = transition(process, before, t).h;
    if (sigmaR === 0 || length === Number.POSITIVE_INFINITY) return undefined;
    // Weights of a constant D, and of the part of D that grows linearly over the step.
    const whole = hold === 'data' ? alphaR * decayed(k, h) : -k * (alphaR / alphaT) * sigmaT * decayed(1, h);
    const linear = hold === 'data' ? alphaR - whole / (k * h) : whole / h + k * sigmaR;
    const c = correction === 'midpoint' ? whole / 2 : linear;
    const q = conversion(process, before, kind, hold);
    return { weight: (c * h) / length, x: q.x, prediction: q.p, constant: q.constant };
  }

  /** The update at t with the weight of E on D folded in. */
  function current(plan: RunPlan, index: number, second: Difference | undefined): Update {
    const [t, r] = [plan.grid[index]!, plan.grid[index + 1]!];
    const update = first(plan, t, r);
    if (!second) return update;
    const q = conversion(plan.process, t, plan.kind, hold);
    return {
      x: update.x + second.weight * q.x,
      prediction: update.prediction + second.weight * q.p,
      constant: update.constant + second.weight * (q.constant - second.constant),
      noise: update.noise,
    };
  }

  return {
    name,
    order: b === 0 ? order : 1,
    stochastic: b > 0,
    nfe: (steps) => steps,
    check(plan: RunPlan): void {
      for (let i = 0; i + 1 < plan.grid.length; i++) {
        const second = difference(plan, i);
        const update = current(plan, i, second);
        const [t, r] = [plan.grid[i]!, plan.grid[i + 1]!];
        requireFiniteUpdate(name, t, r, { ...update });
        if (second) requireFiniteUpdate(name, t, r, { ...second });
      }
    },
    async step(context: StepContext): Promise<tf.Tensor> {
      const { x, t, index, steps, history } = context;
      const second = difference(context, index);
      const update = current(context, index, second);
      const prediction = await context.predict(x, t);
      const earlier = history.get(HISTORY) as Memory | undefined;
      const terms: [number, tf.Tensor][] = [
        [update.x, x],
        [update.prediction, prediction],
      ];
      if (second && earlier) {
        terms.push([-second.weight * second.x, earlier.x]);
        terms.push([-second.weight * second.prediction, earlier.prediction]);
      }
      const result = weighted(context, terms, update.constant, update.noise);
      if (order === 2 && index < steps - 1) {
        history.set(HISTORY, { x: tf.clone(x), prediction: tf.clone(prediction) });
        tf.dispose([earlier?.x, earlier?.prediction].filter((v) => v !== undefined));
      }
      return result;
    },
  };
}
