/**
 * SA-Solver: stochastic Adams methods (Xue et al. 2023, eqs 14 and 17, algorithm 1), one evaluation a step. In the
 * exponential formula of `dpmSolver`, with a noise level b(t) (the paper's τ) held over each step:
 *
 *   predictor   D through the predictions at t and at the s − 1 grid times before
 *   corrector   D through those at r, t, … (ŝ in all), from the state before and with the same noise ξ
 *
 * all with exact moments. 'fewSteps' is the authors' change where D is a line, m_1 = a/2 (an O(h³) term, data held).
 * ŝ = 0 leaves the corrector out. At b = 0 and s = 1 it is DDIM, at s = 2 DPM-Solver++(2M) 'taylor'.
 *
 * The strong error is O(b h + h^s), or h^ŝ with the corrector (Theorem 5.1): order 1 where b > 0, max(s, ŝ) at b = 0 as
 * far as the first steps of lower order allow (see `dpmSolver`). The weak order with noise is 2 at least where max(s, ŝ)
 * is, as in `dpmSolver`. A last step to σ = 0 is of order 1.
 */
import { DomainError, requireOneOf, shown } from '@diff/core';
import type { NoiseLevel } from '@diff/sde';
import { exponentialForm, usableNodes } from './exponential-form.ts';
import { exponentialMoments } from './exponential-moments.ts';
import { multistepSampler } from './multistep.ts';
import { noiseLevelFunction } from './noise-level.ts';
import type { RunPlan, Sampler } from './sampler.ts';

export interface SaSolverOptions {
  /** s = 1, 2, 3 or 4; default 2. */
  readonly predictorOrder?: 1 | 2 | 3 | 4;
  /** ŝ = 0 (no corrector), 1, 2, 3 or 4; default 2. */
  readonly correctorOrder?: 0 | 1 | 2 | 3 | 4;
  /** b ≥ 0, or b(t), taken at the start of each step; default 1. */
  readonly noiseLevel?: NoiseLevel;
  /** What is interpolated; default 'data'. */
  readonly hold?: 'data' | 'noise';
  /** The weights of a line; default 'exact'. 'fewSteps' needs data held. */
  readonly secondOrder?: 'exact' | 'fewSteps';
  /** 'auto' (default): of first order only where σ = 0 at the end. 'first': the order falls to 1 at the end. */
  readonly lastStep?: 'auto' | 'first';
}

/**
 * SA-Solver: a stochastic Adams predictor–corrector.
 *
 * @returns a sampler with one evaluation and two `combine`s a step.
 * @throws DomainError for an option outside its choices.
 * @example
 * ```ts
 * import { saSolver } from '@diff/samplers';
 * // Noise in the middle of the run only.
 * const sampler = saSolver({ noiseLevel: (t) => (t > 0.2 && t < 0.8 ? 1 : 0) });
 * ```
 */
export function saSolver({
  predictorOrder = 2,
  correctorOrder = 2,
  noiseLevel = 1,
  hold = 'data',
  secondOrder = 'exact',
  lastStep = 'auto',
}: SaSolverOptions = {}): Sampler {
  if (![1, 2, 3, 4].includes(predictorOrder)) {
    throw new DomainError(
      `saSolver: predictorOrder must be 1, 2, 3 or 4, got ${shown(predictorOrder)}. Use 2.`,
    );
  }
  if (![0, 1, 2, 3, 4].includes(correctorOrder)) {
    throw new DomainError(
      `saSolver: correctorOrder must be 0, 1, 2, 3 or 4, got ${shown(correctorOrder)}. Use 2, or 0 for no corrector.`,
    );
  }
  requireOneOf('saSolver', 'hold', hold, ['data', 'noise']);
  requireOneOf('saSolver', 'secondOrder', secondOrder, hold === 'data' ? ['exact', 'fewSteps'] : ['exact']);
  requireOneOf('saSolver', 'lastStep', lastStep, ['auto', 'first']);
  const b = noiseLevelFunction('saSolver', noiseLevel);

  function moments(a: number, count: number): number[] {
    const exact = exponentialMoments(a, count);
    return count === 2 && secondOrder === 'fewSteps' ? [exact[0]!, a / 2] : exact;
  }

  /** How many of `wanted` predictions, the latest at grid[index], the step that begins there takes. */
  function count(plan: RunPlan, index: number, wanted: number): number {
    const left = plan.grid.length - 1 - index;
    return usableNodes(plan, index, lastStep === 'first' ? Math.min(wanted, left) : wanted);
  }

  const most = Math.max(predictorOrder, correctorOrder);
  return multistepSampler({
    name: `saSolver(${predictorOrder}, ${correctorOrder})`,
    order: noiseLevel === 0 ? most : Math.min(most, 2),
    strongOrder: noiseLevel !== 0 ? 1 : undefined,
    stochastic: noiseLevel !== 0,
    hold,
    memory: most - (correctorOrder > 0 ? 0 : 1),
    predictor(plan, index) {
      const nodes = Array.from({ length: count(plan, index, predictorOrder) }, (_, j) => index - j);
      const level = b(plan.grid[index]!);
      return exponentialForm(plan, { hold, noiseLevel: level, from: index, to: index + 1, nodes, moments });
    },
    corrector(plan, index) {
      const from = index - 1;
      if (correctorOrder === 0 || plan.process.alpha(plan.grid[from]!) === 0) return undefined;
      const before = correctorOrder === 1 ? 0 : count(plan, from, correctorOrder - 1);
      const nodes = Array.from({ length: before + 1 }, (_, j) => index - j);
      const level = b(plan.grid[from]!);
      return exponentialForm(plan, { hold, noiseLevel: level, from, to: index, nodes, moments });
    },
  });
}
