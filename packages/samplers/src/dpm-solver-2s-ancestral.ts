/**
 * DPM-Solver++ 2S ancestral (k-diffusion's `sample_dpmpp_2s_ancestral`): the second-order single step of
 * DPM-Solver++ (Lu et al. 2022b, Algorithm 1 with r = ½) down to ς_d, then fresh noise up to ς_r, with (ς_d, ς_u) of
 * `ancestralStep`. y = (x − m)/α, ς = σ/α, ς_s = √(ς_t ς_d):
 *
 *   y_s = (ς_s/ς_t) y + (1 − ς_s/ς_t) x̂0_t,   y' = (ς_d/ς_t) y + (1 − ς_d/ς_t) x̂0_s + s ς_u ξ
 *
 * η = 0 is DPM-Solver++ 2S. Order 2, for η > 0 in the law at the grid's times. A step to σ_r = 0 or from α_t = 0 is
 * Euler ancestral's.
 */
import { type AncestralOptions, ancestralStep, checkedEta } from './ancestral-step.ts';
import { midpointScheme } from './midpoint-scheme.ts';
import type { Sampler } from './sampler.ts';
import { stageSampler } from './stage-sampler.ts';
import { transition } from './transition.ts';

/**
 * DPM-Solver++ 2S with ancestral noise on any linear process.
 *
 * @returns a sampler of order 2 with two evaluations a step.
 * @throws DomainError unless 0 ≤ eta ≤ 1 and noiseScale ≥ 0.
 * @example
 * ```ts
 * import { dpmSolver2sAncestral } from '@diff/samplers';
 * const sampler = dpmSolver2sAncestral({ eta: 0.5 });
 * ```
 */
export function dpmSolver2sAncestral({ eta = 1, noiseScale = 1 }: AncestralOptions = {}): Sampler {
  const etaAt = checkedEta('dpmSolver2sAncestral', eta, noiseScale);
  return stageSampler({
    name: 'dpmSolver2sAncestral',
    order: 2,
    strongOrder: eta !== 0 && noiseScale > 0 ? 1 : undefined,
    stochastic: eta !== 0 && noiseScale > 0,
    nfe: (steps) => 2 * steps,
    scheme({ process, grid }, i) {
      const [t, r] = [grid[i]!, grid[i + 1]!];
      const { down, up } = ancestralStep(etaAt(t), transition(process, t, r).h);
      return midpointScheme(process, 'data', t, r, { down, up: noiseScale * up });
    },
  });
}
