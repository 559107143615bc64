/**
 * Equal steps in atan ς, ς = σ/α: ς_k = tan(atan ςmax + (k/N)(atan ςmin − atan ςmax)), known as "kl_optimal" (Sabour,
 * Fidler & Kreis 2024, §3: the steps that are best for Gaussian data of variance 1). It is `cosineGrid` with a least level
 * and a last step from there to ς = 0 where ς(end) = 0.
 */
import { type NoiseLevelGridOptions, noiseLevelGrid } from './noise-level-grid.ts';

/**
 * Equal steps in atan ς; options, result and errors as `karrasGrid`.
 *
 * @example
 * ```ts
 * import { arctangentGrid, edm } from '@diff/sde';
 * const grid = arctangentGrid({ process: edm({ T: 14.6 }), steps: 20, end: 0, sigmaMin: 0.03 });
 * ```
 */
export function arctangentGrid(options: NoiseLevelGridOptions): readonly number[] {
  return noiseLevelGrid('arctangent', options, (u, most, least) => {
    const [from, to] = [Math.atan(most), Math.atan(least)];
    return Math.tan(from + u * (to - from));
  });
}
