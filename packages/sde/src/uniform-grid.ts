/** Equal steps in time: t_k = T + (k/N)(end − T). */
import { type GridOptions, gridFrom, requireGridOptions } from './grid.ts';

/**
 * Equal steps in time.
 *
 * @returns N + 1 strictly descending times, T first, `end` last.
 * @throws DomainError
 * @example
 * ```ts
 * import { canonicalOu, uniformGrid } from '@diff/sde';
 * const grid = uniformGrid({ process: canonicalOu({ T: 5 }), steps: 50, end: 0 });
 * ```
 */
export function uniformGrid(options: GridOptions): readonly number[] {
  requireGridOptions('uniform', options);
  const { process, steps, end } = options;
  return gridFrom('uniform', steps, process.T, end, (u) => process.T + u * (end - process.T));
}
