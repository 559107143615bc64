/**
 * UniPC (Zhao et al. 2023, algorithms 5–8), one evaluation a step: the state that the predictor reached is evaluated,
 * then made again from the state before with that evaluation (corrector), then the predictor goes on from there.
 * With D(s) the polynomial through held predictions, s = (λ − λ_t)/h, in the moments m_n of `dpmSolver`:
 *
 *   predictor UniP-p   D through t and the p − 1 grid times before
 *   corrector UniC-p   D through r, t and the p − 1 grid times before
 *
 * The paper's equations for its weights, R_p a_p = φ_p/B(h), are the conditions for these to be the exact integrals of
 * D, so B(h) drops out; but where D is a line (UniP-2, UniC-1) the paper puts the weight ½ instead (its section 3.5),
 * that is m_1 = B(h)/2 up to sign: 'bh1' B = h, so m_1 = a/2; 'bh2' B = e^h − 1, so m_1 = m_0/2.
 *
 * Order p + 1 by the corrector, p without it (Theorems 3.1 and 3.2). At p = 3 the first step, of order 1 and corrected,
 * has an error O(h³) of its own, small where the run starts with little signal: the fourth order shows where the first
 * steps of the grid are shorter. A last step to σ = 0 is of order 1.
 */
import { DomainError, requireInteger, requireOneOf, shown } from '@diff/core';
import { exponentialForm, usableNodes } from './exponential-form.ts';
import { exponentialMoments } from './exponential-moments.ts';
import { multistepSampler } from './multistep.ts';
import type { RunPlan, Sampler } from './sampler.ts';

export interface UniPcOptions {
  /** p = 1, 2 or 3; default 2. */
  readonly order?: 1 | 2 | 3;
  /** B(h); default 'bh2'. */
  readonly variant?: 'bh1' | 'bh2';
  /** What is interpolated; default 'data'. */
  readonly hold?: 'data' | 'noise';
  /**
   * How many of the first steps are left uncorrected, which helps under strong guidance, or the indices of those that
   * are; default 0.
   */
  readonly uncorrected?: number | readonly number[];
  /** 'auto' (default): of first order only where σ = 0 at the end. 'first': the order falls to 1 at the end. */
  readonly lastStep?: 'auto' | 'first';
}

/**
 * UniPC, the unified predictor–corrector.
 *
 * @returns a deterministic sampler with one evaluation and two `combine`s a step.
 * @throws DomainError for an option outside its choices.
 * @example
 * ```ts
 * import { uniPc } from '@diff/samplers';
 * const sampler = uniPc({ order: 2, variant: 'bh2' });
 * ```
 */
export function uniPc({
  order = 2,
  variant = 'bh2',
  hold = 'data',
  uncorrected = 0,
  lastStep = 'auto',
}: UniPcOptions = {}): Sampler {
  if (order !== 1 && order !== 2 && order !== 3) {
    throw new DomainError(`uniPc: order must be 1, 2 or 3, got ${shown(order)}. Use 2.`);
  }
  requireOneOf('uniPc', 'variant', variant, ['bh1', 'bh2']);
  requireOneOf('uniPc', 'hold', hold, ['data', 'noise']);
  requireOneOf('uniPc', 'lastStep', lastStep, ['auto', 'first']);
  const listed = Array.isArray(uncorrected) ? [...(uncorrected as readonly number[])] : undefined;
  for (const index of listed ?? [uncorrected]) requireInteger('uniPc', 'uncorrected', index);
  const stays = (step: number): boolean => listed?.includes(step) ?? step < Number(uncorrected);

  function moments(a: number, count: number): number[] {
    const exact = exponentialMoments(a, count);
    return count === 2 ? [exact[0]!, (variant === 'bh1' ? a : exact[0]!) / 2] : exact;
  }

  /** The order of the step that begins at `index`, of its predictor and of the corrector after it. */
  function orderOf(plan: RunPlan, index: number): number {
    const left = plan.grid.length - 1 - index;
    return usableNodes(plan, index, lastStep === 'first' ? Math.min(order, left) : order);
  }

  return multistepSampler({
    name: `uniPc(${order}, ${variant})`,
    order: order + 1,
    stochastic: false,
    hold,
    memory: order,
    predictor(plan, index) {
      const nodes = Array.from({ length: orderOf(plan, index) }, (_, j) => index - j);
      return exponentialForm(plan, { hold, noiseLevel: 0, from: index, to: index + 1, nodes, moments });
    },
    corrector(plan, index) {
      // From no signal, h = ∞: the step before cannot be corrected.
      if (stays(index - 1) || plan.process.alpha(plan.grid[index - 1]!) === 0) return undefined;
      const nodes = Array.from({ length: orderOf(plan, index - 1) + 1 }, (_, j) => index - j);
      return exponentialForm(plan, { hold, noiseLevel: 0, from: index - 1, to: index, nodes, moments });
    },
  });
}
