/**
 * DPM2 ancestral (k-diffusion's `sample_dpm_2_ancestral`; diffusers' KDPM2Ancestral): DPM2's midpoint step down to
 * ς_d, then fresh noise up to ς_r, with (ς_d, ς_u) of `ancestralStep`:
 *
 *   ς_s = √(ς_t ς_d),   y_s = y + (ς_s − ς_t) ε̂_t,   y' = y + (ς_d − ς_t) ε̂_s + s ς_u ξ
 *
 * η = 0 is `dpm2()`. Order 2, for η > 0 in the law at the grid's times. A step to σ_r = 0 or from α_t = 0 is Euler
 * ancestral's.
 */
import { type AncestralOptions, ancestralStep, checkedEta } from './ancestral-step.ts';
import { midpointScheme } from './midpoint-scheme.ts';
import type { Sampler } from './sampler.ts';
import { stageSampler } from './stage-sampler.ts';
import { transition } from './transition.ts';

/**
 * DPM2 with ancestral noise on any linear process.
 *
 * @returns a sampler of order 2 with two evaluations a step.
 * @throws DomainError unless 0 ≤ eta ≤ 1 and noiseScale ≥ 0.
 * @example
 * ```ts
 * import { dpm2Ancestral } from '@diff/samplers';
 * const sampler = dpm2Ancestral({ eta: 0.5 });
 * ```
 */
export function dpm2Ancestral({ eta = 1, noiseScale = 1 }: AncestralOptions = {}): Sampler {
  const etaAt = checkedEta('dpm2Ancestral', eta, noiseScale);
  return stageSampler({
    name: 'dpm2Ancestral',
    order: 2,
    strongOrder: eta !== 0 && noiseScale > 0 ? 1 : undefined,
    stochastic: eta !== 0 && noiseScale > 0,
    nfe: (steps) => 2 * steps,
    scheme({ process, grid }, i) {
      const [t, r] = [grid[i]!, grid[i + 1]!];
      const { down, up } = ancestralStep(etaAt(t), transition(process, t, r).h);
      return midpointScheme(process, 'noise', t, r, { down, up: noiseScale * up });
    },
  });
}
