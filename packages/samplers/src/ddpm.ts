/**
 * DDPM's ancestral step (Ho, Jain, Abbeel 2020, eqs 6, 7): the posterior of X_r given X_t and X₀ = x̂0,
 *
 *   x' = m_r + (σ_r/σ_t) e^{−h} z + α_r (1 − e^{−2h}) x̂0 + s ξ
 *
 * which is the data-held exponential integrator at b = 1. `variance: 'posterior'` (their β̃) is s² = σ_r² (1 − e^{−2h});
 * `'forward'` (their β) is s² = 1 − (α_t/α_r)² of a variance-preserving chain, in general σ_t² − (α_t/α_r)² σ_r², the
 * variance of X_t given X_r. No noise is drawn in a step that ends at σ_r = 0, where the result is x̂0.
 *
 * score_sde's AncestralSamplingPredictor is 'forward' on VP and 'posterior' on VE; its `denoise` is `finalNoise: false`.
 *
 * Weak order 1; with 'forward' variance only in the limit of small steps.
 */
import { requireOneOf } from '@diff/core';
import { heldUpdate } from './exponential-integrator.ts';
import { oneStepSampler } from './one-step-sampler.ts';
import type { Sampler } from './sampler.ts';
import { decayed, transition } from './transition.ts';
import { resolve } from './update.ts';

export interface DdpmOptions {
  /** Variance of the step: of X_r given X_t and X₀ (default), or of X_t given X_r. */
  readonly variance?: 'posterior' | 'forward';
  /** Draw noise in the last step too; default true. False ends on the mean of the last step. */
  readonly finalNoise?: boolean;
}

/**
 * The ancestral sampler of DDPM on any linear process and any grid.
 *
 * @returns a stochastic sampler of weak order 1 with one evaluation a step.
 * @throws DomainError for another variance.
 * @example
 * ```ts
 * import { ddpm } from '@diff/samplers';
 * const sampler = ddpm({ variance: 'forward' });
 * ```
 */
export function ddpm({ variance = 'posterior', finalNoise = true }: DdpmOptions = {}): Sampler {
  requireOneOf('ddpm', 'variance', variance, ['posterior', 'forward']);
  return oneStepSampler({
    name: 'ddpm',
    order: 1,
    strongOrder: 1,
    stochastic: true,
    update(plan, t, r, last) {
      const step = transition(plan.process, t, r);
      const held = heldUpdate(plan.process, 'data', t, r, 1);
      // σ_t² − (α_t/α_r)² σ_r² = σ_t² (1 − e^{−2h})
      const forward = step.sigmaR === 0 ? 0 : step.sigmaT * Math.sqrt(decayed(2, step.h));
      const noise = variance === 'forward' ? forward : held.noise;
      return resolve(plan, t, step, 'data', { ...held, noise: last && !finalNoise ? 0 : noise });
    },
  });
}
