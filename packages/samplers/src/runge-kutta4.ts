/**
 * The classical Runge–Kutta method (Kutta 1901) on the probability flow in y = (x − m)/α, ς = σ/α, dy/dς = ε̂:
 * stages at ς_t, twice in the middle, and at ς_r, weights 1/6, 1/3, 1/3, 1/6.
 *
 * Order 4. A step that ends without noise (ς_r = 0), where ε̂_r is not defined, is Ralston's third-order method (1962),
 * whose nodes are 0, 1/2, 3/4: three evaluations, and as its error there is O(Δ⁴) the order of a run stays 4.
 */
import { fixedFlowSampler } from './fixed-flow-sampler.ts';
import type { ButcherTableau } from './flow-runge-kutta.ts';
import type { Sampler } from './sampler.ts';

const CLASSICAL: ButcherTableau = {
  nodes: [0, 1 / 2, 1 / 2, 1],
  stages: [[], [1 / 2], [0, 1 / 2], [0, 0, 1]],
  weights: [1 / 6, 1 / 3, 1 / 3, 1 / 6],
};

const RALSTON: ButcherTableau = {
  nodes: [0, 1 / 2, 3 / 4],
  stages: [[], [1 / 2], [0, 3 / 4]],
  weights: [2 / 9, 1 / 3, 4 / 9],
};

/**
 * The classical Runge–Kutta method on the probability flow.
 *
 * @returns a deterministic sampler of order 4 with four evaluations a step.
 * @example
 * ```ts
 * import { rungeKutta4 } from '@diff/samplers';
 * const sampler = rungeKutta4();
 * console.log(sampler.nfe(10)); // 40 at most: a last step to 0 takes three
 * ```
 */
export function rungeKutta4(): Sampler {
  return fixedFlowSampler({ name: 'rungeKutta4', order: 4, tableau: CLASSICAL, ending: RALSTON });
}
