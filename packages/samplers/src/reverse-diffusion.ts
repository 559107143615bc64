/**
 * Reverse diffusion (Song et al. 2021, appendix E, eq. 46): the forward chain's own step from r to t,
 *
 *   z_t = a z_r + √Q ξ,   a = α_t/α_r,   Q = σ_t² − a² σ_r²          (z = x − m)
 *
 * run backwards with the same coefficients, at noise level b:
 *
 *   z' = (2 − a) z + ½(1 + b²) Q score + b √Q ξ
 *
 * For the DDPM chain a = √(1 − β), Q = β; for SMLD a = 1, Q = σ_t² − σ_r²: score_sde's ReverseDiffusionPredictor, and
 * with b = 0 its `probability_flow`. Its *ancestral* predictor is `ddpm`, with 'forward' variance on VP and 'posterior'
 * variance on VE.
 *
 * Weak order 1 (order 1 at b = 0). Finite down to r = 0, where noise √Q is still added in the last step unless
 * `finalNoise` is false (the library's `denoise`). Needs a signal at t and a step on which a stays near 1.
 */
import type { NoiseLevel } from '@diff/sde';
import { noiseLevelFunction } from './noise-level.ts';
import { oneStepSampler } from './one-step-sampler.ts';
import type { Sampler } from './sampler.ts';
import { decayed, transition } from './transition.ts';
import { resolve } from './update.ts';

export interface ReverseDiffusionOptions {
  /** b ≥ 0, or b(t), taken at the start of each step; default 1. */
  readonly noiseLevel?: NoiseLevel;
  /** Draw noise in the last step too; default true. False ends on the mean of the last step. */
  readonly finalNoise?: boolean;
}

/**
 * The reverse-diffusion predictor on any linear process and any grid.
 *
 * @returns a sampler of order 1 with one evaluation a step.
 * @throws DomainError for a negative noise level.
 * @example
 * ```ts
 * import { langevinCorrector, predictorCorrector, reverseDiffusion } from '@diff/samplers';
 * const sampler = predictorCorrector({
 *   predictor: reverseDiffusion({ finalNoise: false }),
 *   corrector: langevinCorrector({ signalToNoise: 0.16 }),
 * });
 * ```
 */
export function reverseDiffusion({
  noiseLevel = 1,
  finalNoise = true,
}: ReverseDiffusionOptions = {}): Sampler {
  const b = noiseLevelFunction('reverseDiffusion', noiseLevel);
  return oneStepSampler({
    name: 'reverseDiffusion',
    order: 1,
    strongOrder: noiseLevel !== 0 ? 1 : undefined,
    stochastic: noiseLevel !== 0,
    update(plan, t, r, last) {
      const [step, level] = [transition(plan.process, t, r), b(t)];
      // Q = σ_t² − (α_t/α_r)² σ_r² = σ_t² (1 − e^{−2h})
      const variance = step.sigmaT ** 2 * decayed(2, step.h);
      return resolve(plan, t, step, 'score', {
        carry: 2 - step.alphaT / step.alphaR,
        gain: 0.5 * (1 + level ** 2) * variance,
        noise: last && !finalNoise ? 0 : level * Math.sqrt(variance),
      });
    },
  });
}
