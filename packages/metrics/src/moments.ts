/**
 * Mean and covariance of weighted rows, accumulated in float64 in two passes (mean first), so a large mean costs no
 * digits of the covariance.
 */
import { Matrix } from 'ml-matrix';
import type { Rows } from './finite-rows.ts';

export interface Moments {
  readonly mean: Float64Array;
  readonly covariance: Matrix;
}

/**
 * @param counts weight of each row, a whole number; default 1.
 * @param ddof the covariance is divided by Σ counts − ddof.
 */
export function moments({ values, n, d }: Rows, ddof: 0 | 1, counts?: ArrayLike<number>): Moments {
  const mean = new Float64Array(d);
  let total = 0;
  for (let i = 0; i < n; i++) {
    const c = counts ? counts[i]! : 1;
    total += c;
    for (let a = 0; a < d; a++) mean[a]! += c * values[i * d + a]!;
  }
  for (let a = 0; a < d; a++) mean[a]! /= total;
  const lower = new Float64Array(d * d);
  const row = new Float64Array(d);
  for (let i = 0; i < n; i++) {
    const c = counts ? counts[i]! : 1;
    if (c === 0) continue;
    for (let a = 0; a < d; a++) row[a] = values[i * d + a]! - mean[a]!;
    for (let a = 0; a < d; a++) {
      const scaled = c * row[a]!;
      for (let b = 0; b <= a; b++) lower[a * d + b]! += scaled * row[b]!;
    }
  }
  const covariance = Matrix.zeros(d, d);
  for (let a = 0; a < d; a++) {
    for (let b = 0; b <= a; b++) {
      const value = lower[a * d + b]! / (total - ddof);
      covariance.set(a, b, value);
      covariance.set(b, a, value);
    }
  }
  return { mean, covariance };
}
