/**
 * The coefficients of an Euler–Maruyama loop, x' = A x + B score + C ξ, for contestants that have no `sample()`.
 *
 * A = 1 − Δ f(t),  B = ½ Δ (1 + b²) g(t)²,  C = b g(t) √Δ;  with α(t) and σ(t)² beside them.
 */
import type { LinearProcess } from '@diff/sde';
import type { HostTensor } from './bench-case.ts';

/** Columns of the table. */
export const COLUMNS = 5;

/** [steps, 5]: A, B, C, α, σ² of each step. */
export function loopTable(process: LinearProcess, grid: readonly number[], b: number): HostTensor {
  const rows = grid.slice(0, -1).map((t, i) => {
    const delta = t - grid[i + 1]!;
    const g = process.diffusion(t);
    return [
      1 - delta * process.drift(t),
      0.5 * delta * (1 + b * b) * g * g,
      b * g * Math.sqrt(delta),
      process.alpha(t),
      process.sigma(t) ** 2,
    ];
  });
  return { shape: [rows.length, COLUMNS], values: Float32Array.from(rows.flat()) };
}
