/**
 * DDIM (Song, Meng, Ermon 2021, eqs 12 and 16), from t to r:
 *
 *   s = η σ_r √(1 − e^{−2h}),   x' = m_r + α_r x̂0 + √(σ_r² − s²) ε̂ + s ξ
 *
 * In the paper's symbols s = η √((1 − ᾱ_r)/(1 − ᾱ_t)) √(1 − ᾱ_t/ᾱ_r). η = 0 is the probability flow with ε̂ or x̂0
 * held; η = 1 is DDPM's posterior step, `ddpm()`. In between it is the data-held exponential integrator whose noise
 * level depends on the step, 1 − e^{−2b²h} = η² (1 − e^{−2h}). At r = 0 it ends on x̂0 without noise.
 *
 * Order 1.
 */
import { type AncestralOptions, checkedEta } from './ancestral-step.ts';
import { oneStepSampler } from './one-step-sampler.ts';
import type { Sampler } from './sampler.ts';
import { decayed, transition } from './transition.ts';
import { resolve } from './update.ts';

/**
 * DDIM with stochasticity η.
 *
 * @param options.eta in [0, 1], or η(t), taken at the start of each step; default 0, deterministic.
 * @returns a sampler of order 1 with one evaluation a step.
 * @throws DomainError unless 0 ≤ η ≤ 1.
 * @example
 * ```ts
 * import { ddim } from '@diff/samplers';
 * const sampler = ddim({ eta: 0 });
 * ```
 */
export function ddim({ eta = 0 }: Pick<AncestralOptions, 'eta'> = {}): Sampler {
  const etaAt = checkedEta('ddim', eta, 1);
  return oneStepSampler({
    name: eta === 0 ? 'ddim' : `ddim(eta ${typeof eta === 'number' ? eta : 'of t'})`,
    order: 1,
    strongOrder: eta !== 0 ? 1 : undefined,
    stochastic: eta !== 0,
    update(plan, t, r) {
      const step = transition(plan.process, t, r);
      const { sigmaT, alphaT, alphaR, sigmaR, h } = step;
      const share = etaAt(t) ** 2 * decayed(2, h);
      // ε̂ = (z − α_t x̂0)/σ_t turns α_r x̂0 + √(σ_r² − s²) ε̂ into carry·z + gain·x̂0.
      const carry = (sigmaR * Math.sqrt(1 - share)) / sigmaT;
      const gain = share === 0 ? alphaR * decayed(1, h) : alphaR - carry * alphaT;
      return resolve(plan, t, step, 'data', { carry, gain, noise: sigmaR * Math.sqrt(share) });
    },
  });
}
