/**
 * Times in geometric progression, t_k = T (end/T)^{k/N}: each step takes the same share of the time that is left
 * (S2: geometrically decreasing steps with early stopping remove the smoothness assumption).
 */
import { DomainError } from '@diff/core';
import { type GridOptions, gridFrom, requireGridOptions } from './grid.ts';

/**
 * Times in geometric progression; `end` must be above 0. Options, result and errors as `uniformGrid`.
 *
 * @example
 * ```ts
 * import { geometricGrid, variancePreserving } from '@diff/sde';
 * const grid = geometricGrid({ process: variancePreserving(), steps: 40, end: 1e-3 });
 * ```
 */
export function geometricGrid(options: GridOptions): readonly number[] {
  requireGridOptions('geometric', options);
  const { process, steps, end } = options;
  if (end === 0) {
    throw new DomainError(
      'geometric: end must be above 0, got 0. A geometric progression never reaches 0; stop early, at 1e-3 say.',
    );
  }
  const logRatio = Math.log(end / process.T);
  return gridFrom('geometric', steps, process.T, end, (u) => process.T * Math.exp(u * logRatio));
}
