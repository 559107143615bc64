/**
 * Gradient estimation (Permenter and Yuan 2024, "Interpreting and improving diffusion models from an optimization
 * perspective", algorithm 2; ComfyUI's `gradient_estimation`): DDIM's step with the noise prediction carried beyond the last,
 *
 *   z' = (α_r/α_t) z − α_r (ς_t − ς_r) (γ ε̂_i + (1 − γ) ε̂_{i−1}),   ς = σ/α,
 *
 * which takes ε̂ as a noisy gradient of the distance to the data and averages out its error (γ = 2 is the authors' choice;
 * γ = 1 is DDIM). On steps of equal length in ς, γ = 3/2 is the second-order Adams–Bashforth method, `lms({ order: 2 })`.
 *
 * Order 1: it trades the order for a smaller error at few steps. A first step, or one from no signal, is DDIM's.
 */
import { requireFinite } from '@diff/core';
import { heldUpdate } from './exponential-integrator.ts';
import { multistepSampler } from './multistep.ts';
import type { Sampler } from './sampler.ts';

/**
 * The gradient-estimation sampler.
 *
 * @param options.gamma weight γ of the latest noise prediction; default 2.
 * @returns a deterministic sampler of order 1 with one evaluation a step.
 * @throws DomainError for a gamma that is not finite.
 * @example
 * ```ts
 * import { gradientEstimation } from '@diff/samplers';
 * const sampler = gradientEstimation({ gamma: 2 });
 * ```
 */
export function gradientEstimation({ gamma = 2 }: { readonly gamma?: number } = {}): Sampler {
  requireFinite('gradientEstimation', 'gamma', gamma);
  return multistepSampler({
    name: 'gradientEstimation',
    order: 1,
    stochastic: false,
    hold: 'noise',
    memory: 1,
    predictor({ process, grid }, index) {
      const [t, r] = [grid[index]!, grid[index + 1]!];
      if (process.alpha(t) === 0) {
        const { carry, gain } = heldUpdate(process, 'data', t, r, 0);
        return { hold: 'data', carry, gains: [gain], noise: 0 };
      }
      const { carry, gain } = heldUpdate(process, 'noise', t, r, 0);
      const remembers = index > 0 && process.alpha(grid[index - 1]!) > 0;
      return { carry, gains: remembers ? [gamma * gain, (1 - gamma) * gain] : [gain], noise: 0 };
    },
  });
}
