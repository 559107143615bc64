/**
 * DEIS, multistep (Zhang & Chen 2023, "tAB-DEIS", eq. 14, with the polynomial in log ρ, as in diffusers). In y = (x − m)/α
 * and ρ = σ/α the probability flow reads dy/dρ = ε̂, and
 *
 *   y_r = y_t + ∫ P dρ,   P the polynomial in log ρ = −λ through the ε̂ at t and at the p − 1 grid times before.
 *
 * With ρ = e^{−λ} this is the exponential formula of `dpmSolver({ hold: 'noise', correction: 'taylor' })`, with exact
 * moments at every order: order 1 is DDIM, and order 2 the noise-held DPM-Solver.
 *
 * Order p after first steps of lower order (see `dpmSolver`). Needs α > 0 at the start unless the model predicts data
 * or velocity, and keeps ε̂, which a step to σ = 0 does not forgive: such a step is of order 1.
 */
import { DomainError, requireOneOf, shown } from '@diff/core';
import { exponentialForm, usableNodes } from './exponential-form.ts';
import { multistepSampler } from './multistep.ts';
import type { Sampler } from './sampler.ts';

export interface DeisOptions {
  /** p = 1, 2 or 3; default 3. */
  readonly order?: 1 | 2 | 3;
  /** 'auto' (default): of first order only where σ = 0 at the end. 'first': the order falls to 1 at the end. */
  readonly lastStep?: 'auto' | 'first';
}

/**
 * Diffusion exponential integrator with an extrapolated noise prediction.
 *
 * @returns a deterministic sampler with one evaluation a step.
 * @throws DomainError for an option outside its choices.
 * @example
 * ```ts
 * import { deis } from '@diff/samplers';
 * const sampler = deis({ order: 3 });
 * ```
 */
export function deis({ order = 3, lastStep = 'auto' }: DeisOptions = {}): Sampler {
  if (order !== 1 && order !== 2 && order !== 3) {
    throw new DomainError(`deis: order must be 1, 2 or 3, got ${shown(order)}. Use 3.`);
  }
  requireOneOf('deis', 'lastStep', lastStep, ['auto', 'first']);
  return multistepSampler({
    name: `deis(${order})`,
    order,
    stochastic: false,
    hold: 'noise',
    memory: order - 1,
    predictor(plan, index) {
      const left = plan.grid.length - 1 - index;
      const count = usableNodes(plan, index, lastStep === 'first' ? Math.min(order, left) : order);
      const nodes = Array.from({ length: count }, (_, j) => index - j);
      return exponentialForm(plan, { hold: 'noise', noiseLevel: 0, from: index, to: index + 1, nodes });
    },
  });
}
