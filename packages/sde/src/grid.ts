/**
 * Time grids: forward times T = t_0 > t_1 > … > t_N = end ≥ 0, strictly descending (MATH: reverse steps go from
 * t_k to t_{k+1}). Steps are found by index, never by comparing times. `end` > 0 is early stopping; `end` = 0 goes
 * all the way to the data, and the sampler must know how to take that last step.
 */
import { DomainError, requireInteger, shown } from '@diff/core';
import type { LinearProcess } from './process.ts';

/** What every grid needs. */
export interface GridOptions {
  /** The process; the grid begins at its horizon T. */
  readonly process: LinearProcess;
  /** Number of steps N ≥ 1; the grid holds N + 1 times. */
  readonly steps: number;
  /** The last time, 0 ≤ end < T. */
  readonly end: number;
}

/**
 * Throws unless `grid` is a list of at least two finite times ≥ 0, strictly descending; returns it.
 *
 * @example
 * ```ts
 * import { checkGrid } from '@diff/sde';
 * const grid = checkGrid('my sampler', [1, 0.5, 0.1]);
 * ```
 */
export function checkGrid(where: string, grid: readonly number[]): readonly number[] {
  if (!Array.isArray(grid) || grid.length < 2) {
    throw new DomainError(
      `${where}: grid must be a list of at least two times, got ${shown(grid)}. Make one with uniformGrid, karrasGrid, ….`,
    );
  }
  grid.forEach((t: unknown, i) => {
    if (typeof t !== 'number' || !Number.isFinite(t) || t < 0) {
      throw new DomainError(
        `${where}: grid must hold finite times of at least 0, got ${shown(t)} at index ${i}. Correct that entry.`,
      );
    }
    if (i > 0 && t >= grid[i - 1]!) {
      throw new DomainError(
        `${where}: grid must be strictly descending, got ${grid[i - 1]} and then ${t} at index ${i}. Times run from noise (T) down to data.`,
      );
    }
  });
  return grid;
}

/** Checks `steps` and `end` of a grid function. */
export function requireGridOptions(where: string, { process, steps, end }: GridOptions): void {
  requireInteger(
    where,
    'steps',
    steps,
    1,
    'Each step is one move from noise towards data; 20 to 100 is usual.',
  );
  if (typeof end !== 'number' || !(end >= 0 && end < process.T)) {
    throw new DomainError(
      `${where}: end must lie in [0, ${process.T}), got ${shown(end)}. It is the last time, 0 or a little above; sampling begins at T = ${process.T}.`,
    );
  }
}

/**
 * The grid t_k = at(k/N) with its two ends set exactly, frozen and checked.
 *
 * @param at maps 0 … 1 to times from `start` to `end`.
 */
export function gridFrom(
  where: string,
  steps: number,
  start: number,
  end: number,
  at: (share: number) => number,
): readonly number[] {
  const grid = Array.from({ length: steps + 1 }, (_, k) =>
    k === 0 ? start : k === steps ? end : at(k / steps),
  );
  return Object.freeze(checkGrid(where, grid) as number[]);
}
