/**
 * Noise levels ς = σ/α in geometric progression (k-diffusion's exponential grid), or, with ρ ≠ 1, polyexponential:
 * ς = exp(ln ςmin + (1 − k/N)^ρ (ln ςmax − ln ςmin)). With end > 0 and ρ = 1 it equals `logSnrGrid`.
 */
import { requirePositive } from '@diff/core';
import { type NoiseLevelGridOptions, noiseLevelGrid } from './noise-level-grid.ts';

export interface ExponentialGridOptions extends NoiseLevelGridOptions {
  /** Exponent of the polyexponential grid; default 1. */
  readonly rho?: number;
}

/**
 * Geometric noise levels; options, result and errors as `karrasGrid`.
 *
 * @example
 * ```ts
 * import { edm, exponentialGrid } from '@diff/sde';
 * const grid = exponentialGrid({ process: edm({ T: 80 }), steps: 40, end: 0, sigmaMin: 0.002 });
 * ```
 */
export function exponentialGrid(options: ExponentialGridOptions): readonly number[] {
  const { rho = 1 } = options;
  requirePositive('exponential', 'rho', rho);
  return noiseLevelGrid('exponential', options, (u, most, least) => {
    const [from, to] = [Math.log(most), Math.log(least)];
    return Math.exp(to + (1 - u) ** rho * (from - to));
  });
}
