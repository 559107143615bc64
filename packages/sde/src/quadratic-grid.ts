/**
 * Equal steps in √t: t_k = (√T + (k/N)(√end − √T))², finer near the data (Song, Meng & Ermon, "Denoising diffusion
 * implicit models", 2021, appendix D.2: the quadratic sub-sequence of time steps).
 */
import { type GridOptions, gridFrom, requireGridOptions } from './grid.ts';

/**
 * Equal steps in √t; options, result and errors as `uniformGrid`.
 *
 * @example
 * ```ts
 * import { quadraticGrid, variancePreserving } from '@diff/sde';
 * const grid = quadraticGrid({ process: variancePreserving(), steps: 40, end: 0 });
 * ```
 */
export function quadraticGrid(options: GridOptions): readonly number[] {
  requireGridOptions('quadratic', options);
  const { process, steps, end } = options;
  const [from, to] = [Math.sqrt(process.T), Math.sqrt(end)];
  return gridFrom('quadratic', steps, process.T, end, (u) => (from + u * (to - from)) ** 2);
}
