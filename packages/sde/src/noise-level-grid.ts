/**
 * Grids that are stated in noise levels ς = σ/α = e^{−λ}, as k-diffusion's are, for any process.
 *
 * ς(end) > 0: N steps between ς(T) and ς(end).  ς(end) = 0, that is end = 0 in most processes: N − 1 steps from ς(T)
 * down to `sigmaMin` and one last step to 0, k-diffusion's "append zero".  `sigmaMax` and `sigmaMin` replace the ends' own levels; the grid then begins at
 * the time where ς = sigmaMax instead of T.
 */
import { DomainError, requirePositive, shown } from '@diff/core';
import { checkGrid, type GridOptions, requireGridOptions } from './grid.ts';

export interface NoiseLevelGridOptions extends GridOptions {
  /** Largest ς = σ/α; default ς(T). */
  readonly sigmaMax?: number;
  /** Smallest ς above 0, where ς(end) = 0 only; default 0.002 (Karras et al. 2022). */
  readonly sigmaMin?: number;
}

/** @param level ς as a function of the share 0 … 1 of the way from `most` to `least`. */
export function noiseLevelGrid(
  where: string,
  options: NoiseLevelGridOptions,
  level: (share: number, most: number, least: number) => number,
): readonly number[] {
  requireGridOptions(where, options);
  const { process, steps, end } = options;
  const levelAt = (t: number): number => process.sigma(t) / process.alpha(t);
  const own = levelAt(process.T);
  const last = levelAt(end);
  const sigmaMax = options.sigmaMax ?? own;
  requirePositive(where, 'sigmaMax', sigmaMax, 'Pass sigmaMax, at most σ(T)/α(T).');
  if (sigmaMax > own * (1 + 1e-9)) {
    throw new DomainError(
      `${where}: sigmaMax must be at most σ(T)/α(T) = ${own}, got ${shown(sigmaMax)}. Take a process with a longer horizon, or a smaller sigmaMax.`,
    );
  }
  if (last > 0 && options.sigmaMin !== undefined) {
    throw new DomainError(
      `${where}: sigmaMin must be left out unless σ/α is 0 at end, got sigmaMin = ${shown(options.sigmaMin)} with end = ${end}. The last level is that of end, ${last}.`,
    );
  }
  const sigmaMin = last > 0 ? last : (options.sigmaMin ?? 0.002);
  requirePositive(where, 'sigmaMin', sigmaMin);
  if (sigmaMin >= sigmaMax) {
    throw new DomainError(
      `${where}: sigmaMin must be less than sigmaMax = ${sigmaMax}, got ${sigmaMin}. Levels run from sigmaMax down to sigmaMin.`,
    );
  }
  const start = options.sigmaMax === undefined ? process.T : process.timeOfLambda(-Math.log(sigmaMax));
  const moves = last > 0 ? steps : steps - 1;
  const grid = [start];
  for (let k = 1; k <= moves; k++) {
    grid.push(process.timeOfLambda(-Math.log(level(k / moves, sigmaMax, sigmaMin))));
  }
  grid[steps] = end;
  return Object.freeze(checkGrid(where, grid) as number[]);
}
