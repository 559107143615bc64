/**
 * Noise levels at the quantiles of a Laplace distribution of ln ς (Hang et al. 2024, "Improved noise schedule for
 * diffusion training"; k-diffusion's `get_sigmas_laplace`): with u from 0 to 1,
 *
 *   ln ς = μ − b sign(½ − u) ln(1 − 2|½ − u| + 10⁻⁵),   ς kept within [ςmin, ςmax]
 *
 * Many steps near ς = e^μ. As in k-diffusion's other grids a last step goes on to ς = 0 where ς(end) = 0.
 */
import { requireFinite, requirePositive } from '@diff/core';
import { type NoiseLevelGridOptions, noiseLevelGrid } from './noise-level-grid.ts';

export interface LaplaceGridOptions extends NoiseLevelGridOptions {
  /** μ, where the levels are densest; default 0. */
  readonly mu?: number;
  /** b > 0, how far they spread; default ½. */
  readonly spread?: number;
}

/**
 * Noise levels at Laplace quantiles; options, result and errors as `karrasGrid`.
 *
 * @example
 * ```ts
 * import { edm, laplaceGrid } from '@diff/sde';
 * const grid = laplaceGrid({ process: edm({ T: 80 }), steps: 20, end: 0, sigmaMin: 0.02 });
 * ```
 */
export function laplaceGrid(options: LaplaceGridOptions): readonly number[] {
  const { mu = 0, spread = 0.5 } = options;
  requireFinite('laplace', 'mu', mu);
  requirePositive('laplace', 'spread', spread);
  return noiseLevelGrid('laplace', options, (u, most, least) => {
    const logTail = Math.log(1 - 2 * Math.abs(0.5 - u) + 1e-5);
    const level = Math.exp(mu - spread * Math.sign(0.5 - u) * logTail);
    return Math.min(most, Math.max(least, level));
  });
}
