/**
 * Noise levels ς = σ/α at the quantiles of a beta distribution (Lee et al. 2024, "Beta sampling is all you need"):
 *
 *   ς_k = ςmin + Q(1 − k/N) (ςmax − ςmin),   Q the quantile function of Beta(a, b)
 *
 * With a = b = 0.6 the steps are small at both ends. As in k-diffusion's grids a last step goes on to ς = 0 where
 * ς(end) = 0. (diffusers' `use_beta_sigmas`; ComfyUI's scheduler "beta" takes the same quantiles of the *time*, see
 * `over`.)
 */
import { requireOneOf, requirePositive } from '@diff/core';
import { betaQuantile } from './beta-quantile.ts';
import { gridFrom, requireGridOptions } from './grid.ts';
import { type NoiseLevelGridOptions, noiseLevelGrid } from './noise-level-grid.ts';

export interface BetaGridOptions extends NoiseLevelGridOptions {
  /** First shape parameter a > 0; default 0.6. */
  readonly a?: number;
  /** Second shape parameter b > 0; default 0.6. */
  readonly b?: number;
  /** What runs through the quantiles: the noise level (default) or the time, from T to `end`. */
  readonly over?: 'noiseLevel' | 'time';
}

/**
 * Noise levels (or times) at quantiles of a beta distribution; options, result and errors as `karrasGrid`.
 *
 * @example
 * ```ts
 * import { betaGrid, edm } from '@diff/sde';
 * const grid = betaGrid({ process: edm({ T: 80 }), steps: 20, end: 0, sigmaMin: 0.002 });
 * ```
 */
export function betaGrid(options: BetaGridOptions): readonly number[] {
  const { a = 0.6, b = 0.6, over = 'noiseLevel' } = options;
  requirePositive('beta', 'a', a);
  requirePositive('beta', 'b', b);
  requireOneOf('beta', 'over', over, ['noiseLevel', 'time']);
  if (over === 'noiseLevel') {
    return noiseLevelGrid(
      'beta',
      options,
      (u, most, least) => least + betaQuantile(1 - u, a, b) * (most - least),
    );
  }
  requireGridOptions('beta', options);
  const { process, steps, end } = options;
  return gridFrom('beta', steps, process.T, end, (u) => end + betaQuantile(1 - u, a, b) * (process.T - end));
}
