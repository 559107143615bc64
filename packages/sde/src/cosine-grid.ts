/**
 * Equal steps in the angle φ = atan(σ/α): α : σ runs through equal arcs of the quarter circle, as it does in equal
 * steps of time under the cosine schedule. So a model of any schedule can be sampled as if its schedule were the
 * cosine one. Defined for end = 0 (φ = 0) and for α(T) = 0 (φ = π/2) alike.
 */
import { type GridOptions, gridFrom, requireGridOptions } from './grid.ts';

/**
 * Equal steps in atan(σ/α); options, result and errors as `uniformGrid`.
 *
 * @example
 * ```ts
 * import { cosineGrid, variancePreserving } from '@diff/sde';
 * const grid = cosineGrid({ process: variancePreserving(), steps: 40, end: 0 });
 * ```
 */
export function cosineGrid(options: GridOptions): readonly number[] {
  requireGridOptions('cosine', options);
  const { process, steps, end } = options;
  const [from, to] = [process.T, end].map((t) => Math.atan2(process.sigma(t), process.alpha(t)));
  return gridFrom('cosine', steps, process.T, end, (u) =>
    process.timeOfLambda(-Math.log(Math.tan(from! + u * (to! - from!)))),
  );
}
