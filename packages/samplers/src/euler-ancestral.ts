/**
 * Euler ancestral (k-diffusion's `sample_euler_ancestral`): an Euler step in ς = σ/α down to ς_d, then fresh noise.
 * With z = x − m and (ς_d, ς_u) of `ancestralStep`,
 *
 *   z' = (α_r ς_d/σ_t) z + α_r (1 − ς_d/ς_t) x̂0 + s α_r ς_u ξ
 *
 * With noise scale s = 1 this is DDIM with the same η: `ddim({ eta })`; η = 1 is DDPM's posterior step. Finite at
 * α_t = 0; a step to σ_r = 0 is x̂0 without noise.
 *
 * Weak order 1; with s ≠ 1 it does not converge to the data law.
 */
import { type AncestralOptions, ancestralStep, checkedEta } from './ancestral-step.ts';
import { oneStepSampler } from './one-step-sampler.ts';
import type { Sampler } from './sampler.ts';
import { transition } from './transition.ts';
import { resolve } from './update.ts';

/**
 * Euler ancestral sampling on any linear process.
 *
 * @returns a sampler of weak order 1 with one evaluation a step.
 * @throws DomainError unless 0 ≤ eta ≤ 1 and noiseScale ≥ 0.
 * @example
 * ```ts
 * import { eulerAncestral } from '@diff/samplers';
 * const sampler = eulerAncestral({ eta: 1, noiseScale: 1.003 });
 * ```
 */
export function eulerAncestral({ eta = 1, noiseScale = 1 }: AncestralOptions = {}): Sampler {
  const etaAt = checkedEta('eulerAncestral', eta, noiseScale);
  return oneStepSampler({
    name: 'eulerAncestral',
    order: 1,
    strongOrder: eta !== 0 && noiseScale > 0 ? 1 : undefined,
    stochastic: eta !== 0 && noiseScale > 0,
    update(plan, t, r) {
      const step = transition(plan.process, t, r);
      const { alphaT, sigmaT, alphaR, sigmaR, h } = step;
      const { down, up } = ancestralStep(etaAt(t), h);
      const carry = (sigmaR * down) / sigmaT;
      const gain = alphaR - carry * alphaT;
      return resolve(plan, t, step, 'data', { carry, gain, noise: noiseScale * sigmaR * up });
    },
  });
}
