/**
 * Strategic stochastic sampling of trajectory consistency models, TCD (Zheng et al. 2024, algorithm 4), from t to r:
 *
 *   s  = (1 − γ) r
 *   x̃  = m_s + α_s x̂0 + σ_s ε̂                                              the model's jump along the flow to s
 *   x' = m_r + (α_r/α_s)(x̃ − m_s) + √(σ_r² − (α_r σ_s/α_s)²) ξ             and back by the forward process
 *
 * γ = 0 is DDIM, γ = 1 multistep consistency sampling (`lcm()`). For a model that jumps along the flow; with an
 * ordinary one the jump is a DDIM step, and the method is of order 1 at γ = 0. At γ > 0 the jump does not shrink with
 * the step and there is no order: 0. One evaluation a step, one `combine`.
 */
import { DomainError, shown } from '@diff/core';
import { oneStepSampler } from './one-step-sampler.ts';
import type { Sampler } from './sampler.ts';
import { transition } from './transition.ts';
import { resolve } from './update.ts';

/**
 * Trajectory consistency sampling.
 *
 * @param options.gamma how far each step jumps beyond its end before noise brings it back, in [0, 1]; default 0.3
 *   (diffusers calls it eta).
 * @returns a sampler with one evaluation a step.
 * @throws DomainError unless 0 ≤ γ ≤ 1.
 * @example
 * ```ts
 * import { tcd } from '@diff/samplers';
 * const sampler = tcd({ gamma: 0.3 });
 * ```
 */
export function tcd({ gamma = 0.3 }: { readonly gamma?: number } = {}): Sampler {
  if (typeof gamma !== 'number' || !(gamma >= 0 && gamma <= 1)) {
    throw new DomainError(
      `tcd: gamma must lie in [0, 1], got ${shown(gamma)}. Use 0 for the deterministic method, 1 for consistency sampling.`,
    );
  }
  return oneStepSampler({
    name: `tcd(gamma ${gamma})`,
    order: gamma === 0 ? 1 : 0,
    stochastic: gamma > 0,
    update(plan, t, r) {
      const { process } = plan;
      const s = (1 - gamma) * r;
      const step = transition(process, t, s);
      const back = process.alpha(r) / process.alpha(s);
      // ε̂ = (z − α_t x̂0)/σ_t; −expm1(−h) keeps the digits of α_s − α_t σ_s/σ_t.
      const gain = step.h === Number.POSITIVE_INFINITY ? 1 : -Math.expm1(-step.h);
      const variance = process.sigma(r) ** 2 - (back * step.sigmaR) ** 2;
      return resolve(plan, t, { meanT: step.meanT, meanR: process.mean(r) }, 'data', {
        carry: (back * step.sigmaR) / step.sigmaT,
        gain: back * step.alphaR * gain,
        noise: gamma === 0 ? 0 : Math.sqrt(Math.max(0, variance)),
      });
    },
  });
}
