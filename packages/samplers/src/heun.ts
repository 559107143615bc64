/**
 * Heun's method on the probability flow in the variables y = (x − m)/α, ς = σ/α, in which it reads dy/dς = ε̂
 * (Karras et al. 2022, Algorithm 1 without churn, whose σ is this ς):
 *
 *   x̃  = m_r + (α_r/α_t)(x − m_t) + α_r (ς_r − ς_t) ε̂_t                 Euler, the same as DDIM
 *   x' = m_r + (α_r/α_t)(x − m_t) + ½ α_r (ς_r − ς_t)(ε̂_t + ε̂_r(x̃))     trapezoid
 *
 * Order 2. A step that ends without noise (ς_r = 0), where ε̂_r is not defined, or starts without signal (ς_t = ∞) is
 * the Euler step alone, α_r x̂0 + σ_r ε̂: two evaluations a step, one in such an end step. Two `combine`s.
 */
import { conversion } from '@diff/score';
import * as tf from '@tensorflow/tfjs-core';
import type { RunPlan, Sampler, StepContext } from './sampler.ts';
import { decayed, transition } from './transition.ts';
import { apply, requireFiniteUpdate, resolve, type Update, weighted } from './update.ts';

interface HeunUpdate {
  readonly euler: Update;
  /** Weights of x, p_t, x̃, p_r and the constant; undefined where ς is 0 or ∞ at one end. */
  readonly trapezoid?: { x: number; atT: number; trial: number; atR: number; constant: number };
}

function coefficients(plan: Pick<RunPlan, 'process' | 'kind'>, t: number, r: number): HeunUpdate {
  const { process, kind } = plan;
  const step = transition(process, t, r);
  if (step.h === Number.POSITIVE_INFINITY) {
    const held = { carry: step.sigmaR / step.sigmaT, gain: step.alphaR, noise: 0 };
    return { euler: resolve(plan, t, step, 'data', held) };
  }
  const carry = step.alphaR / step.alphaT;
  const gain = -carry * step.sigmaT * decayed(1, step.h);
  const half = resolve(plan, t, step, 'noise', { carry, gain: gain / 2, noise: 0 });
  const atR = conversion(process, r, kind, 'noise');
  return {
    euler: resolve(plan, t, step, 'noise', { carry, gain, noise: 0 }),
    trapezoid: {
      x: half.x,
      atT: half.prediction,
      trial: 0.5 * gain * atR.x,
      atR: 0.5 * gain * atR.p,
      constant: half.constant + 0.5 * gain * atR.constant,
    },
  };
}

/**
 * Heun's second-order method on the probability flow (EDM's deterministic sampler).
 *
 * @returns a deterministic sampler of order 2 with two evaluations a step.
 * @example
 * ```ts
 * import { heun } from '@diff/samplers';
 * const sampler = heun();
 * console.log(sampler.nfe(20)); // 40 at most: a last step to 0 takes one
 * ```
 */
export function heun(): Sampler {
  return {
    name: 'heun',
    order: 2,
    stochastic: false,
    nfe: (steps) => 2 * steps,
    check(plan: RunPlan): void {
      for (let i = 0; i + 1 < plan.grid.length; i++) {
        const [t, r] = [plan.grid[i]!, plan.grid[i + 1]!];
        const { euler, trapezoid } = coefficients(plan, t, r);
        requireFiniteUpdate('heun', t, r, { ...euler });
        if (trapezoid) requireFiniteUpdate('heun', t, r, trapezoid);
      }
    },
    async step(context: StepContext): Promise<tf.Tensor> {
      const { x, t, next } = context;
      const { euler, trapezoid } = coefficients(context, t, next);
      const atT = await context.predict(x, t);
      const trial = apply(context, euler, atT);
      if (!trapezoid) return trial;
      try {
        const atR = await context.predict(trial, next);
        const w = trapezoid;
        const terms: [number, tf.Tensor][] = [
          [w.x, x],
          [w.atT, atT],
          [w.trial, trial],
          [w.atR, atR],
        ];
        return weighted(context, terms, w.constant, 0);
      } finally {
        tf.dispose(trial);
      }
    },
  };
}
