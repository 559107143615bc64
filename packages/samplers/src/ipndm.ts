/**
 * iPNDM (Liu et al. 2022, eq. 12, started with lower orders instead of Runge–Kutta as by Zhang & Chen 2023, §4):
 *
 *   z' = (α_r/α_t) z − α_r (ς_t − ς_r) ε̄,   ς = σ/α,   ε̄ = (55 ε̂_i − 59 ε̂_{i−1} + 37 ε̂_{i−2} − 9 ε̂_{i−3})/24
 *
 * and (23, −16, 5)/12, (3, −1)/2 and 1 in the first steps or at lower `order`s. The weights are those of equal steps:
 * order 2 for order ≥ 2, on grids that are smooth functions of their index. One evaluation a step, one `combine`.
 */
import { DomainError, shown } from '@diff/core';
import { adamsBashforthForm } from './adams-bashforth.ts';
import { multistepSampler } from './multistep.ts';
import type { Sampler } from './sampler.ts';

/**
 * iPNDM with up to four noise predictions.
 *
 * @param options.order how many predictions it averages, 1 to 4; default 4. 1 is DDIM.
 * @returns a deterministic sampler with one evaluation a step.
 * @throws DomainError for another order.
 * @example
 * ```ts
 * import { ipndm } from '@diff/samplers';
 * const sampler = ipndm();
 * ```
 */
export function ipndm({ order = 4 }: { readonly order?: 1 | 2 | 3 | 4 } = {}): Sampler {
  if (![1, 2, 3, 4].includes(order)) {
    throw new DomainError(`ipndm: order must be 1, 2, 3 or 4, got ${shown(order)}. Use 4.`);
  }
  return multistepSampler({
    name: `ipndm(${order})`,
    order: Math.min(order, 2),
    stochastic: false,
    hold: 'noise',
    memory: order - 1,
    predictor: (plan, index) => adamsBashforthForm(plan, index, order),
  });
}
