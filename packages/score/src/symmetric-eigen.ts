/**
 * Eigenvalues and eigenvectors of a small symmetric matrix by cyclic Jacobi rotations, in float64.
 *
 * Each rotation zeroes one off-diagonal pair; sweeps converge quadratically and small eigenvalues of positive
 * definite matrices come out with high relative accuracy (Golub & Van Loan, Matrix Computations, §8.5). Costs
 * O(d³) per sweep: meant for d up to some hundreds, once per covariance.
 */
import { DomainError } from '@diff/core';

export interface SymmetricEigen {
  /** λ_j, in no particular order. */
  readonly values: readonly number[];
  /** Row-major Q [d, d]; column j belongs to values[j]. C = Q diag(λ) Qᵀ. */
  readonly vectors: Float64Array;
}

const MOST_SWEEPS = 60;

/** Diagonalises the symmetric matrix `rows` [d, d] (the caller has checked that it is square and symmetric). */
export function symmetricEigen(rows: readonly (readonly number[])[]): SymmetricEigen {
  const d = rows.length;
  const a = Float64Array.from(rows.flat());
  const q = Float64Array.from({ length: d * d }, (_, i) => (i % (d + 1) === 0 ? 1 : 0));
  for (let sweep = 0; sweep < MOST_SWEEPS; sweep++) {
    let rotations = 0;
    for (let i = 0; i < d; i++) {
      for (let j = i + 1; j < d; j++) {
        const off = a[i * d + j]!;
        const scale = Math.sqrt(Math.abs(a[i * d + i]! * a[j * d + j]!));
        if (Math.abs(off) <= 1e-17 * scale || off === 0) continue;
        rotations++;
        rotate(a, q, d, i, j);
      }
    }
    if (rotations === 0) break;
  }
  return { values: Array.from({ length: d }, (_, i) => a[i * d + i]!), vectors: q };
}

/** A ← JᵀAJ and Q ← QJ with the rotation J in the plane (i, j) that zeroes A_ij. */
function rotate(a: Float64Array, q: Float64Array, d: number, i: number, j: number): void {
  const theta = (a[j * d + j]! - a[i * d + i]!) / (2 * a[i * d + j]!);
  const tan = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.hypot(theta, 1));
  const cos = 1 / Math.hypot(tan, 1);
  const sin = tan * cos;
  for (let k = 0; k < d; k++) {
    const ki = a[k * d + i]!;
    const kj = a[k * d + j]!;
    a[k * d + i] = cos * ki - sin * kj;
    a[k * d + j] = sin * ki + cos * kj;
  }
  for (let k = 0; k < d; k++) {
    const ik = a[i * d + k]!;
    const jk = a[j * d + k]!;
    a[i * d + k] = cos * ik - sin * jk;
    a[j * d + k] = sin * ik + cos * jk;
    const qi = q[k * d + i]!;
    const qj = q[k * d + j]!;
    q[k * d + i] = cos * qi - sin * qj;
    q[k * d + j] = sin * qi + cos * qj;
  }
  a[i * d + j] = 0;
  a[j * d + i] = 0;
}

/**
 * Diagonalises a covariance.
 *
 * @param where and `name` are for messages, e.g. 'gaussianMixture' and 'covariances[1]'.
 * @throws DomainError unless the matrix is square [d, d], symmetric and positive definite.
 */
export function covarianceEigen(
  where: string,
  name: string,
  rows: readonly (readonly number[])[],
  d: number,
): SymmetricEigen {
  if (!Array.isArray(rows) || rows.length !== d || rows.some((r) => !Array.isArray(r) || r.length !== d)) {
    throw new DomainError(
      `${where}: ${name} must be a ${d} × ${d} matrix, got ${Array.isArray(rows) ? `${rows.length} rows of lengths ${rows.map((r) => r?.length).join(', ')}` : String(rows)}. Pass a list of ${d} rows.`,
    );
  }
  const scale = Math.max(...rows.flat().map(Math.abs));
  if (!Number.isFinite(scale)) {
    throw new DomainError(`${where}: ${name} must hold finite numbers, got ${scale}. Mend the entry.`);
  }
  for (let i = 0; i < d; i++) {
    for (let j = 0; j < i; j++) {
      const gap = Math.abs(rows[i]![j]! - rows[j]![i]!);
      if (gap > 1e-9 * scale) {
        throw new DomainError(
          `${where}: ${name} must be symmetric, got ${rows[i]![j]} at [${i}][${j}] and ${rows[j]![i]} at [${j}][${i}]. Pass (C + Cᵀ)/2.`,
        );
      }
    }
  }
  const eigen = symmetricEigen(rows);
  const least = Math.min(...eigen.values);
  if (!(least > 1e-14 * scale)) {
    throw new DomainError(
      `${where}: ${name} must be positive definite, got an eigenvalue of ${least}. Add a small multiple of the identity.`,
    );
  }
  return eigen;
}
