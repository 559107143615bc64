/**
 * A linear beginning and a quadratic rest (Mochi's "linear_quadratic" schedule): with x_k = 1 − t_k/T running from 0 to 1,
 * M linear steps and Q = N − M others,
 *
 *   k < M   x_k = c k/M            (c: how far the linear part goes in all)
 *   k ≥ M   x_k = c + (c/M)(k − M) + (1 − c − c Q/M) ((k − M)/Q)²
 *
 * so that the two parts meet with the same slope. Made for flows, whose time is σ.
 */
import { DomainError, requireInteger, shown } from '@diff/core';
import { type GridOptions, gridFrom, requireGridOptions } from './grid.ts';

export interface LinearQuadraticGridOptions extends GridOptions {
  /** M, the number of linear steps; default ⌊N/2⌋. */
  readonly linearSteps?: number;
  /** c in (0, 1): the share of the time that the linear steps cover; default 0.025. */
  readonly threshold?: number;
}

/**
 * Linear, then quadratic steps in time; options, result and errors as `uniformGrid`.
 *
 * @example
 * ```ts
 * import { flowMatching, linearQuadraticGrid } from '@diff/sde';
 * const grid = linearQuadraticGrid({ process: flowMatching(), steps: 20, end: 0 });
 * ```
 */
export function linearQuadraticGrid(options: LinearQuadraticGridOptions): readonly number[] {
  requireGridOptions('linearQuadratic', options);
  const { process, steps, end, threshold: c = 0.025 } = options;
  const M = requireInteger('linearQuadratic', 'linearSteps', options.linearSteps ?? Math.floor(steps / 2));
  if (M >= steps) {
    throw new DomainError(
      `linearQuadratic: linearSteps must be less than steps = ${steps}, got ${M}. Leave it out for half of them.`,
    );
  }
  const Q = steps - M;
  const slope = M === 0 ? 0 : c / M;
  const start = M === 0 ? 0 : c;
  const square = 1 - start - slope * Q;
  if (typeof c !== 'number' || !(c > 0 && c < 1) || 2 * square <= -slope * Q) {
    throw new DomainError(
      `linearQuadratic: threshold must lie in (0, 1) and leave time for ${Q} more steps, got ${shown(c)}. 0.025 is usual.`,
    );
  }
  return gridFrom('linearQuadratic', steps, process.T, end, (u) => {
    const k = Math.round(u * steps);
    const x = k < M ? slope * k : start + slope * (k - M) + square * ((k - M) / Q) ** 2;
    return process.T + x * (end - process.T);
  });
}
