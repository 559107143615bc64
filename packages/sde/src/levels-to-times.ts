/** Times of a process at given noise levels ς = σ/α, for the grids that are tables of levels. */
import { DomainError, shown } from '@diff/core';
import { checkGrid } from './grid.ts';
import type { LinearProcess } from './process.ts';

/** Options of `gridOfLevels`. */
export interface GridOfLevelsOptions {
  readonly process: LinearProcess;
  /** Noise levels σ/α from noise to data, strictly descending; the first at most σ(T)/α(T). */
  readonly levels: readonly number[];
  /** A last time after those of the levels; default: the time of the last level is the end. */
  readonly end?: number;
}

/**
 * The grid whose times have the given noise levels: sigmas from elsewhere, on any process.
 *
 * @returns the times, descending; a level of 0 is the time 0.
 * @throws DomainError where a level is not one of the process, or the levels do not descend.
 * @example
 * ```ts
 * import { gridOfLevels, variancePreserving } from '@diff/sde';
 * const grid = gridOfLevels({ process: variancePreserving(), levels: [14.6, 6.5, 2.7, 1, 0.4, 0.15, 0] });
 * ```
 */
export function gridOfLevels({ process, levels, end }: GridOfLevelsOptions): readonly number[] {
  if (!Array.isArray(levels) || !levels.every((s: unknown) => typeof s === 'number' && s >= 0)) {
    throw new DomainError(
      `gridOfLevels: levels must be a list of numbers of at least 0, got ${shown(levels)}. Give σ/α from noise to data.`,
    );
  }
  return Object.freeze(checkGrid('gridOfLevels', timesAt('gridOfLevels', process, levels, end)) as number[]);
}

/** Times at levels, and `end` where it is given; a first level within 10⁻⁶ of that of T is T. */
export function timesAt(
  where: string,
  process: LinearProcess,
  levels: readonly number[],
  end?: number,
): readonly number[] {
  const most = process.sigma(process.T) / process.alpha(process.T);
  if (levels[0]! > most * (1 + 1e-6)) {
    throw new DomainError(
      `${where}: levels must be at most σ(T)/α(T) = ${most}, got ${shown(levels[0])}. Take a process with a longer horizon.`,
    );
  }
  const times = levels.map((level) =>
    level >= most * (1 - 1e-6) ? process.T : process.timeOfLambda(-Math.log(level)),
  );
  return end === undefined ? times : [...times, end];
}
