/**
 * The step that PNDM, PLMS and iPNDM share (Liu et al. 2022, eqs 11 and 12): DDIM's transfer of an average of the last
 * noise predictions, with the weights of Adams and Bashforth for equal steps,
 *
 *   z' = (α_r/α_t) z − α_r (ς_t − ς_r) Σ_j w_j ε̂_{i−j},   ς = σ/α.
 *
 * The transfer is not linear in the steps' variable, which keeps the method at order 2 whatever the weights, and only
 * on grids that are smooth functions of their index.
 */
import { heldUpdate } from './exponential-integrator.ts';
import type { MultistepForm } from './multistep.ts';
import type { RunPlan } from './sampler.ts';

const WEIGHTS: readonly (readonly number[])[] = [
  [1],
  [3 / 2, -1 / 2],
  [23 / 12, -16 / 12, 5 / 12],
  [55 / 24, -59 / 24, 37 / 24, -9 / 24],
];

/** The form of step `index` with at most `order` predictions; from no signal (α = 0) it is DDIM's step in x̂0. */
export function adamsBashforthForm({ process, grid }: RunPlan, index: number, order: number): MultistepForm {
  const [t, r] = [grid[index]!, grid[index + 1]!];
  if (process.alpha(t) === 0) {
    const { carry, gain } = heldUpdate(process, 'data', t, r, 0);
    return { hold: 'data', carry, gains: [gain], noise: 0 };
  }
  const { carry, gain } = heldUpdate(process, 'noise', t, r, 0);
  return { carry, gains: WEIGHTS[Math.min(order, index + 1) - 1]!.map((w) => gain * w), noise: 0 };
}
