/**
 * Equal steps in λ = ln(α/σ): t_k = λ⁻¹(λ(T) + (k/N)(λ(end) − λ(T))), the natural grid of exponential integrators in
 * λ (DPM-Solver). With end > 0 it is the exponential grid: equal steps in λ are equal ratios of σ/α.
 */
import { DomainError } from '@diff/core';
import { type GridOptions, gridFrom, requireGridOptions } from './grid.ts';

/**
 * Equal steps in the log signal-to-noise ratio; λ must be finite at both ends.
 *
 * @returns as `uniformGrid`.
 * @throws DomainError
 * @example
 * ```ts
 * import { logSnrGrid, variancePreserving } from '@diff/sde';
 * const grid = logSnrGrid({ process: variancePreserving(), steps: 20, end: 1e-3 });
 * ```
 */
export function logSnrGrid(options: GridOptions): readonly number[] {
  requireGridOptions('logSnr', options);
  const { process, steps, end } = options;
  const [from, to] = [process.lambda(process.T), process.lambda(end)];
  if (to === Number.POSITIVE_INFINITY) {
    throw new DomainError(
      `logSnr: end must have a finite log-SNR, got end = ${end}, where it is infinite. Stop early, at 1e-3 say, or take karrasGrid or exponentialGrid, whose last step goes to 0.`,
    );
  }
  if (from === Number.NEGATIVE_INFINITY) {
    throw new DomainError(
      `logSnr: the log-SNR must be finite at T = ${process.T}, got −Infinity, as alpha(T) = 0. Take cosineGrid or uniformGrid for this process.`,
    );
  }
  return gridFrom('logSnr', steps, process.T, end, (u) => process.timeOfLambda(from + u * (to - from)));
}
