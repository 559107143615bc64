/**
 * SRA1 (Rößler 2010, "Runge–Kutta methods for the strong approximation of solutions of SDEs", table 6.1) on the reverse
 * process of noise level b, in the terms of `additiveStep`; the increment √V ξ, the area √(V/12) η:
 *
 *   y₂ = y + ¾ Δ (1 + b²) ε̂(y) + (3/2) b (½ √V ξ + √(V/12) η)      at ς_t + ¾ Δ
 *   y' = y + Δ (1 + b²) (⅓ ε̂(y) + ⅔ ε̂(y₂)) + b √V ξ
 *
 * Strong order 1.5, weak order 2, on a shared path (`brownian`); order 2 at b = 0. The grid may end at 0.
 */
import type { AdditiveTableau } from './additive-runge-kutta.ts';
import { type AdditiveOptions, additiveSampler } from './additive-sampler.ts';
import type { Sampler } from './sampler.ts';

const TABLEAU: AdditiveTableau = {
  nodes: [0, 3 / 4],
  drift: [[], [3 / 4]],
  increment: [0, 3 / 4],
  area: [0, 3 / 2],
  weights: [1 / 3, 2 / 3],
};

/**
 * SRA1, of strong order 1.5, for the reverse process of any noise level.
 *
 * For fine grids. At b = 1 errors grow in every step whose ς = σ/α falls by more than a factor of 7/3, and without bound beyond
 * 5, while ς is above the spread of the data: below some 20 evaluations on a Karras grid from 80 to 0.01, results are of no
 * use. `seeds2`, or `dpmSolver` with a noise level, bear such steps.
 *
 * @returns a sampler with two evaluations a step.
 * @throws DomainError for a negative noise level.
 * @example
 * ```ts
 * import { sra1 } from '@diff/samplers';
 * const sampler = sra1({ noiseLevel: 0.5 });
 * ```
 */
export function sra1(options: AdditiveOptions = {}): Sampler {
  return additiveSampler({ name: 'sra1', tableau: TABLEAU }, options);
}
