/**
 * ShARK, shifted additive-noise Runge–Kutta (Foster, dos Reis and Strange 2024, "High order splitting methods for SDEs
 * satisfying a commutativity condition", eq. 6.1), on the reverse process of noise level b, in the terms of `additiveStep`:
 *
 *   y₁ = y + b √(V/12) η
 *   y₂ = y₁ + ⅚ (Δ (1 + b²) ε̂(y₁) + b √V ξ)                          at ς_t + ⅚ Δ
 *   y' = y + Δ (1 + b²) (⅖ ε̂(y₁) + ⅗ ε̂(y₂)) + b √V ξ
 *
 * The shift by the area makes both evaluations follow the path. Strong order 1.5 with a smaller error constant than
 * `sra1`, weak order 2, on a shared path (`brownian`); order 2 at b = 0. The grid may end at 0.
 */
import type { AdditiveTableau } from './additive-runge-kutta.ts';
import { type AdditiveOptions, additiveSampler } from './additive-sampler.ts';
import type { Sampler } from './sampler.ts';

/** The tableau as data. */
export const SHARK: AdditiveTableau = {
  nodes: [0, 5 / 6],
  drift: [[], [5 / 6]],
  increment: [0, 5 / 6],
  area: [1, 1],
  weights: [2 / 5, 3 / 5],
};

/**
 * ShARK, of strong order 1.5, for the reverse process of any noise level.
 *
 * For fine grids. At b = 1 errors grow in every step whose ς = σ/α falls by more than a factor of 11/5, and without bound beyond
 * 4, while ς is above the spread of the data: below some 20 evaluations on a Karras grid from 80 to 0.01, results are of no
 * use. `seeds2`, or `dpmSolver` with a noise level, bear such steps.
 *
 * @returns a sampler with two evaluations a step.
 * @throws DomainError for a negative noise level.
 * @example
 * ```ts
 * import { shark } from '@diff/samplers';
 * const sampler = shark({ noiseLevel: 1 });
 * ```
 */
export function shark(options: AdditiveOptions = {}): Sampler {
  return additiveSampler({ name: 'shark', tableau: SHARK }, options);
}
