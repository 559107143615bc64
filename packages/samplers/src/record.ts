/**
 * Which states of a run are handed out: all, the two ends, or those of a list of steps or of times. Nothing is kept of
 * the others. Times must be times of the grid: the state between two of them is not known, and the nearest one would be
 * another state under the name of the one that was asked for.
 */
import { DomainError, shown } from '@diff/core';

/**
 * `'all'`: the initial noise and every step; `'ends'`: the first and the last state; `{ steps }`: states after so many
 * steps, 0 … N; `{ times }`: states at these times of the grid.
 */
export type Recorded =
  | 'all'
  | 'ends'
  | { readonly steps: readonly number[] }
  | { readonly times: readonly number[] };

/** The two times of the grid around t, for a message. */
function around(grid: readonly number[], t: number): string {
  const below = grid.findIndex((other) => other < t);
  if (below === 0) return `The first is ${grid[0]}`;
  if (below < 0) return `The last is ${grid.at(-1)}`;
  return `Its neighbours are ${grid[below - 1]} and ${grid[below]}`;
}

/**
 * The numbers of the steps whose states are recorded.
 *
 * @throws DomainError for anything that is not a `Recorded`, steps outside 0 … N, or times that are not in the grid.
 */
export function recordedSteps(where: string, record: Recorded, grid: readonly number[]): ReadonlySet<number> {
  const last = grid.length - 1;
  if (record === 'all') return new Set(grid.keys());
  if (record === 'ends') return new Set([0, last]);
  const { steps, times } = (typeof record === 'object' && record !== null ? record : {}) as {
    steps?: unknown;
    times?: unknown;
  };
  if (Array.isArray(steps) === Array.isArray(times)) {
    throw new DomainError(
      `${where}: record must be 'all', 'ends', { steps: [...] } or { times: [...] }, got ${shown(record)}. Say which states to record.`,
    );
  }
  if (Array.isArray(steps)) {
    for (const step of steps as unknown[]) {
      if (typeof step !== 'number' || !Number.isInteger(step) || step < 0 || step > last) {
        throw new DomainError(
          `${where}: record.steps must hold whole numbers from 0 (the initial noise) to ${last} (the end), got ${shown(step)}. Count steps of the grid.`,
        );
      }
    }
    return new Set(steps as number[]);
  }
  return new Set(
    (times as unknown[]).map((t) => {
      const step = grid.indexOf(t as number);
      if (step >= 0) return step;
      const hint = typeof t === 'number' ? `${around(grid, t)}; put` : 'Put';
      throw new DomainError(
        `${where}: record.times must hold times of the grid, got ${shown(t)}. ${hint} the time into the grid, or record by steps.`,
      );
    }),
  );
}
