/**
 * Karras et al. 2022, eq. 5: levels ς_k = (ςmax^{1/ρ} + (k/N)(ςmin^{1/ρ} − ςmax^{1/ρ}))^ρ, ς = σ/α. ρ = 7 is usual,
 * ρ = 1 is uniform in ς, ρ → ∞ exponential.
 */
import { requirePositive } from '@diff/core';
import { type NoiseLevelGridOptions, noiseLevelGrid } from './noise-level-grid.ts';

export interface KarrasGridOptions extends NoiseLevelGridOptions {
  /** Exponent ρ > 0; default 7. */
  readonly rho?: number;
}

/**
 * Karras's grid on any process. With end = 0 it is k-diffusion's `get_sigmas_karras(steps)`, last level 0 included.
 *
 * @returns N + 1 strictly descending times.
 * @throws DomainError
 * @example
 * ```ts
 * import { edm, karrasGrid } from '@diff/sde';
 * const grid = karrasGrid({ process: edm(), steps: 40, end: 0, sigmaMin: 0.002, rho: 7 });
 * ```
 */
export function karrasGrid(options: KarrasGridOptions): readonly number[] {
  const { rho = 7 } = options;
  requirePositive('karras', 'rho', rho);
  return noiseLevelGrid('karras', options, (u, most, least) => {
    const [from, to] = [most ** (1 / rho), least ** (1 / rho)];
    return (from + u * (to - from)) ** rho;
  });
}
