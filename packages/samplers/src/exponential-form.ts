/**
 * The exponential multistep formula that DPM-Solver, UniPC, DEIS and SA-Solver share. With z = x − m, step
 * h = λ(r) − λ(t), noise level b, k = 1 + b², and D the polynomial in λ through held predictions D_j:
 *
 *   data    z_r = (σ_r/σ_t) e^{−b²h} z_t + α_r k ∫ e^{−k(λ_r − λ)} D dλ + σ_r √(1 − e^{−2b²h}) ξ
 *   noise   z_r = (α_r/α_t) z_t − σ_r k ∫ e^{λ_r − λ} D dλ + b σ_r √(e^{2h} − 1) ξ
 *
 * (Lu et al. 2022b eq. 8; Xue et al. 2023, SA-Solver, eqs 9 and 14.) In s = (λ − λ_t)/h the integrals are the moments
 * m_n(kh), and m_n(−h) for noise. Where h = ∞ only a constant D makes sense, and the formula is that of order 1.
 */
import { heldUpdate } from './exponential-integrator.ts';
import { exponentialMoments, interpolationWeights } from './exponential-moments.ts';
import type { MultistepForm } from './multistep.ts';
import type { RunPlan } from './sampler.ts';
import { transition } from './transition.ts';

export interface FormOptions {
  readonly hold: 'data' | 'noise';
  /** Noise level b over this step. */
  readonly noiseLevel: number;
  /** Indices into the grid: where the step begins and ends. */
  readonly from: number;
  readonly to: number;
  /** Indices of the predictions that D goes through. */
  readonly nodes: readonly number[];
  /** m_0 … m_{count−1} at a; default the exact ones. */
  readonly moments?: (a: number, count: number) => readonly number[];
}

/** The form of one step; `gains[i]` belongs to `nodes[i]`. */
export function exponentialForm(
  { process, grid }: RunPlan,
  { hold, noiseLevel: b, from, to, nodes, moments = exponentialMoments }: FormOptions,
): MultistepForm {
  const [t, r] = [grid[from]!, grid[to]!];
  if (process.alpha(t) === 0) {
    const { carry, gain, noise } = heldUpdate(process, 'data', t, r, b);
    return { hold: 'data', carry, gains: [gain], noise };
  }
  const { carry, gain, noise } = heldUpdate(process, hold, t, r, b);
  if (nodes.length === 1) return { carry, gains: [gain], noise };
  const { h, alphaR, sigmaR } = transition(process, t, r);
  const k = 1 + b * b;
  const places = nodes.map((i) => (process.lambda(grid[i]!) - process.lambda(t)) / h);
  const [scale, a] = hold === 'data' ? [alphaR, k * h] : [k * sigmaR, -h];
  const weights = interpolationWeights(places, moments(a, nodes.length));
  return { carry, gains: weights.map((w) => scale * w), noise };
}

/**
 * How many of the `wanted` latest predictions at grid[index], grid[index − 1], … can be used in the step that begins
 * at `index`: those that exist and have a finite λ; one if the step itself is infinite in λ.
 */
export function usableNodes({ process, grid }: RunPlan, index: number, wanted: number): number {
  const signal = (i: number): boolean => process.alpha(grid[i]!) > 0;
  if (process.sigma(grid[index + 1]!) === 0 || !signal(index)) return 1;
  let count = 1;
  while (count < wanted && count <= index && signal(index - count)) count++;
  return count;
}
