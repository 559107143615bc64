/**
 * GITS, geometry-inspired time scheduling (Chen et al. 2024, "On the trajectory regularity of ODE-based diffusion
 * sampling"): noise levels ς = σ/α for 2 to 20 steps of Stable Diffusion 1.5, found by dynamic programming with the
 * authors' coefficient 1.20, as published. More steps interpolate ln ς of the 20 linearly in the index. As in
 * k-diffusion's grids the last level becomes that of `end`.
 */
import { DomainError } from '@diff/core';
import { logInterpolated } from './align-your-steps-grid.ts';
import { checkGrid, type GridOptions, requireGridOptions } from './grid.ts';
import { timesAt } from './levels-to-times.ts';

/** The levels that occur. */
const LEVELS = [
  14.61464119, 7.49001646, 6.77309084, 5.85520077, 4.65472794, 3.46139455, 3.07277966, 2.95596409, 2.84484982,
  2.45070267, 2.36326075, 2.19988537, 2.12350607, 2.05039096, 1.98035145, 1.84880662, 1.67050016, 1.61558151,
  1.56271636, 1.51179266, 1.36964464, 1.24153244, 1.20157266, 1.162866, 1.08895338, 0.95350921, 0.92192322,
  0.86115354, 0.83188516, 0.803307, 0.74807048, 0.72133851, 0.69515091, 0.64427125, 0.59516323, 0.57119018,
  0.52423614, 0.50118381, 0.4783645, 0.45573691, 0.41087446, 0.38853383, 0.36617002, 0.34370604, 0.32104823,
  0.29807833, 0.27464288, 0.25053367, 0.22545385, 0.19894916, 0.17026083, 0.13792117, 0.09824532, 0.02916753,
] as const;

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** For 2, 3, … 20 steps: the places of their levels in `LEVELS`, as digits. */
const ROWS =
  '0Tr 0Iar 0AQgr 08LYlr 03DPdor 039LXjqr 039KTdlqr 038HPYgnqr 038GOUbinqr 037FLSYekoqr 036EKPWbgloqr 025AIOTYdhloqr 0259HNRXbfjmoqr 0146CJOSXbfjmoqr 0146CJOSXbeilnpqr 0146CJOSXbehkmopqr 0146BHMQVZdgjlnopqr 0146BHLPUYcfikmnopqr 0146BHLPUYbehjlmnopqr'.split(
    ' ',
  );

/**
 * The published levels on any process with at least ς = 14.61; options, result and errors as `karrasGrid`.
 *
 * @example
 * ```ts
 * import { ddpmBetas, gitsGrid, variancePreserving } from '@diff/sde';
 * const process = variancePreserving({ schedule: 'table', betas: ddpmBetas({ schedule: 'scaledLinear' }), T: 1000 });
 * const grid = gitsGrid({ process, steps: 8, end: 0 });
 * ```
 */
export function gitsGrid(options: GridOptions): readonly number[] {
  requireGridOptions('gits', options);
  const { process, steps, end } = options;
  if (steps < 2) {
    throw new DomainError('gits: steps must be at least 2, got 1. The published tables begin there.');
  }
  const row = [...ROWS[Math.min(steps, 20) - 2]!].map((digit) => LEVELS[DIGITS.indexOf(digit)]!);
  const levels = steps <= 20 ? row : logInterpolated(row, steps + 1);
  return Object.freeze(checkGrid('gits', timesAt('gits', process, levels.slice(0, steps), end)) as number[]);
}
