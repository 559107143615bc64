/**
 * DPM2 of Karras et al. 2022 (k-diffusion's `sample_dpm_2`; diffusers' KDPM2): the midpoint method on dy/dς = ε̂ with
 * the geometric midpoint ς_s = √(ς_t ς_r), in which it is DPM-Solver-2. y = (x − m)/α, ς = σ/α:
 *
 *   y_s = y + (ς_s − ς_t) ε̂_t,   y' = y + (ς_r − ς_t) ε̂_s(y_s)
 *
 * Order 2, two evaluations a step; a step to σ_r = 0 or from α_t = 0, where there is no such midpoint, is the Euler
 * step.
 */
import { midpointScheme } from './midpoint-scheme.ts';
import type { Sampler } from './sampler.ts';
import { stageSampler } from './stage-sampler.ts';

/**
 * DPM2 on any linear process.
 *
 * @returns a deterministic sampler of order 2 with two evaluations a step.
 * @example
 * ```ts
 * import { dpm2 } from '@diff/samplers';
 * const sampler = dpm2();
 * console.log(sampler.nfe(10)); // 20 at most: a last step to 0 takes one
 * ```
 */
export function dpm2(): Sampler {
  return stageSampler({
    name: 'dpm2',
    order: 2,
    stochastic: false,
    nfe: (steps) => 2 * steps,
    scheme: ({ process, grid }, i) => midpointScheme(process, 'noise', grid[i]!, grid[i + 1]!),
  });
}
