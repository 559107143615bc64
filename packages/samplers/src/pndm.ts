/**
 * PNDM: pseudo numerical methods (Liu et al. 2022). With φ(z, ε̄, t, r) = (α_r/α_t) z − α_r (ς_t − ς_r) ε̄ DDIM's transfer,
 * the first three steps are a pseudo Runge–Kutta method (eq. 11; h = (t + r)/2 the middle time)
 *
 *   ε₁ = ε̂(x, t)               z₁ = φ(z, ε₁, t, h)
 *   ε₂ = ε̂(x₁, h)              z₂ = φ(z, ε₂, t, h)
 *   ε₃ = ε̂(x₂, h)              z₃ = φ(z, ε₃, t, r)
 *   ε₄ = ε̂(x₃, r)              z' = φ(z, (ε₁ + 2ε₂ + 2ε₃ + ε₄)/6, t, r)
 *
 * and all others the linear multistep of `ipndm()` (eq. 12). PLMS starts with one step of Heun's kind instead,
 * z' = φ(z, (ε̂(x, t) + ε̂(φ(z, ε̂, t, r), r))/2, t, r), and lower orders after it.
 *
 * Order 2 on grids that are smooth functions of their index (Theorem 3.1). A step from no signal (α = 0) is DDIM's.
 * One evaluation a step after the start, which takes 12 (PNDM) or 2 (PLMS).
 */
import { conversion } from '@diff/score';
import * as tf from '@tensorflow/tfjs-core';
import { adamsBashforthForm } from './adams-bashforth.ts';
import { heldUpdate } from './exponential-integrator.ts';
import { multistepSampler, remember } from './multistep.ts';
import type { Sampler, StepContext } from './sampler.ts';
import { requireFiniteUpdate, weighted } from './update.ts';

interface Evaluation {
  readonly at: tf.Tensor;
  readonly t: number;
  readonly prediction: tf.Tensor;
}

/** φ(z, Σ wᵢ ε̂ᵢ, t, r), plus m_r. */
function transfer(
  context: StepContext,
  r: number,
  average: readonly (readonly [number, Evaluation])[],
): tf.Tensor {
  const { process, kind, x, t } = context;
  const { carry, gain } = heldUpdate(process, 'noise', t, r, 0);
  const terms: [number, tf.Tensor][] = [[carry, x]];
  let constant = process.mean(r) - carry * process.mean(t);
  for (const [w, { at, t: time, prediction }] of average) {
    const q = conversion(process, time, kind, 'noise');
    terms.push([gain * w * q.x, at], [gain * w * q.p, prediction]);
    constant += gain * w * q.constant;
  }
  return weighted(context, terms, constant, 0);
}

type Start = (context: StepContext, first: Evaluation) => Promise<tf.Tensor>;

/** One step of the pseudo Runge–Kutta method. */
const rungeKutta: Start = async (context, e1) => {
  const { t, next } = context;
  const half = (t + next) / 2;
  const states: tf.Tensor[] = [];
  const evaluate = async (at: tf.Tensor, time: number): Promise<Evaluation> => {
    states.push(at);
    return { at, t: time, prediction: await context.predict(at, time) };
  };
  try {
    const e2 = await evaluate(transfer(context, half, [[1, e1]]), half);
    const e3 = await evaluate(transfer(context, half, [[1, e2]]), half);
    const e4 = await evaluate(transfer(context, next, [[1, e3]]), next);
    return transfer(context, next, [
      [1 / 6, e1],
      [1 / 3, e2],
      [1 / 3, e3],
      [1 / 6, e4],
    ]);
  } finally {
    tf.dispose(states);
  }
};

/** One step of Heun's kind. */
const heunStart: Start = async (context, e1) => {
  const { next } = context;
  const trial = transfer(context, next, [[1, e1]]);
  try {
    const e2 = { at: trial, t: next, prediction: await context.predict(trial, next) };
    return transfer(context, next, [
      [1 / 2, e1],
      [1 / 2, e2],
    ]);
  } finally {
    tf.dispose(trial);
  }
};

const MEMORY = 3;

function started(name: string, start: Start, startSteps: number, extra: number): Sampler {
  const multistep = multistepSampler({
    name,
    order: 2,
    stochastic: false,
    hold: 'noise',
    memory: MEMORY,
    predictor: (plan, index) => adamsBashforthForm(plan, index, MEMORY + 1),
  });
  return {
    ...multistep,
    nfe: (steps) => steps + extra * Math.min(steps, startSteps),
    check(plan) {
      multistep.check?.(plan);
      // A start evaluates at the end of its step too.
      for (let i = 0; i < Math.min(startSteps, plan.grid.length - 1); i++) {
        const [t, r] = [plan.grid[i]!, plan.grid[i + 1]!];
        if (plan.process.alpha(t) === 0) continue;
        requireFiniteUpdate(name, t, r, { ...conversion(plan.process, r, plan.kind, 'noise') });
      }
    },
    async step(context) {
      const { x, t, index, key, history, process } = context;
      if (index >= startSteps || process.alpha(t) === 0) return multistep.step(context);
      const prediction = await context.predict(x, t);
      const result = await start(context, { at: x, t, prediction });
      remember(history, MEMORY, { at: x, prediction, state: x, key });
      return result;
    },
  };
}

/**
 * PNDM: pseudo Runge–Kutta for three steps, then the pseudo linear multistep method.
 *
 * @returns a deterministic sampler of order 2 with one evaluation a step and nine more at the start.
 * @example
 * ```ts
 * import { pndm } from '@diff/samplers';
 * const sampler = pndm();
 * console.log(sampler.nfe(50)); // 59
 * ```
 */
export function pndm(): Sampler {
  return started('pndm', rungeKutta, 3, 3);
}

/**
 * PLMS: the pseudo linear multistep method with one step of Heun's kind at its start.
 *
 * @returns a deterministic sampler of order 2 with one evaluation a step and one more at the start.
 * @example
 * ```ts
 * import { plms } from '@diff/samplers';
 * const sampler = plms();
 * console.log(sampler.nfe(50)); // 51
 * ```
 */
export function plms(): Sampler {
  return started('plms', heunStart, 1, 1);
}
