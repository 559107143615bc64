/**
 * The grid of Benton, De Bortoli, Doucet & Deligiannidis 2023 (S1 Theorem 3.2), whose bound on the discretization
 * error needs steps γ_k = t_k − t_{k+1} with
 *
 *   γ_k ≤ κ min(1, t_{k+1})          (t forward time; S1 writes T − t_{k+1} in reverse time)
 *
 * Half of the steps are uniform on [1, T], half geometric on [end, 1] with ratio 1/(1 + κ). The bound is
 * KL ≲ ε² + κ²dN + κdT + d e^{−2T}, for the canonical process dX = −X dt + √2 dB.
 */
import { DomainError, requirePositive, shown } from '@diff/core';
import { checkGrid, type GridOptions, requireGridOptions } from './grid.ts';

export interface BbddGridOptions extends GridOptions {
  /** A κ that the grid must not exceed; default: none, ask `stepKappa(grid)` what it is. */
  readonly kappa?: number;
}

/**
 * The smallest κ for which a grid meets γ_k ≤ κ min(1, t_{k+1}) at every step; ∞ when the grid ends at 0.
 *
 * @throws DomainError unless the grid is strictly descending.
 * @example
 * ```ts
 * import { canonicalOu, stepKappa, uniformGrid } from '@diff/sde';
 * const kappa = stepKappa(uniformGrid({ process: canonicalOu({ T: 4 }), steps: 100, end: 0.01 })); // 3.99: its last steps are too large
 * ```
 */
export function stepKappa(grid: readonly number[]): number {
  checkGrid('stepKappa', grid);
  return grid.slice(1).reduce((kappa, r, k) => Math.max(kappa, (grid[k]! - r) / Math.min(1, r)), 0);
}

/**
 * Half the steps uniform on [1, T], half geometric on [end, 1]; an odd step goes to the geometric half, and when
 * T = 1 all steps do.
 *
 * @returns N + 1 strictly descending times; `stepKappa` of them is the κ of the bound.
 * @throws DomainError; when `kappa` is given and the steps are too few, it says how many are enough.
 * @example
 * ```ts
 * import { bbddGrid, canonicalOu, stepKappa } from '@diff/sde';
 * const grid = bbddGrid({ process: canonicalOu({ T: 4 }), steps: 100, end: 1e-3 });
 * const kappa = stepKappa(grid);
 * ```
 */
export function bbddGrid(options: BbddGridOptions): readonly number[] {
  requireGridOptions('bbdd', options);
  const { process, steps, end, kappa } = options;
  const { T } = process;
  if (T < 1) {
    throw new DomainError(
      `bbdd: the horizon T must be at least 1, got ${T}. The grid is stated for dX = −X dt + √2 dB with T ≥ 1.`,
    );
  }
  if (!(end > 0 && end < 1)) {
    throw new DomainError(
      `bbdd: end must lie in (0, 1), got ${shown(end)}. The geometric half runs from 1 down to end > 0; 1e-3 is usual.`,
    );
  }
  const uniform = T > 1 ? Math.floor(steps / 2) : 0;
  if (T > 1 && uniform === 0) {
    throw new DomainError(
      'bbdd: steps must be at least 2 when T > 1, got 1. Half of them lie above time 1 and half below.',
    );
  }
  const geometric = steps - uniform;
  const grid: number[] = [];
  for (let k = 0; k < uniform; k++) grid.push(T - (k / uniform) * (T - 1));
  for (let k = 0; k < geometric; k++) grid.push(end ** (k / geometric));
  grid.push(end);
  if (kappa !== undefined) {
    requirePositive('bbdd', 'kappa', kappa);
    const reached = stepKappa(grid);
    if (reached > kappa * (1 + 1e-12)) {
      const enough = Math.ceil(2 * Math.max((T - 1) / kappa, Math.log(1 / end) / Math.log1p(kappa)));
      throw new DomainError(
        `bbdd: every step must be at most kappa·min(1, t) with kappa = ${kappa}, got ${reached} with ${steps} steps. ${enough + (enough % 2)} steps are enough.`,
      );
    }
  }
  return Object.freeze(checkGrid('bbdd', grid) as number[]);
}
