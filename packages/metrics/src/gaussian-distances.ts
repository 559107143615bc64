/**
 * Closed forms between Gaussians p = N(m₁, C₁) and q = N(m₂, C₂), in float64.
 *
 *   W₂²(p, q)  = |m₁ − m₂|² + tr(C₁ + C₂ − 2 (C₁^½ C₂ C₁^½)^½)
 *   KL(p‖q)    = ½ [tr(C₂⁻¹C₁) + (m₂ − m₁)ᵀC₂⁻¹(m₂ − m₁) − d + ln(det C₂/det C₁)], in nats
 *   I(p‖q)     = E_p|∇ln p − ∇ln q|² = |C₂⁻¹(m₁ − m₂)|² + tr((C₂⁻¹ − C₁⁻¹) C₁ (C₂⁻¹ − C₁⁻¹))
 */
import { DomainError, ShapeError, shown } from '@diff/core';
import { CholeskyDecomposition, EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { buresSquared, symmetricRoot } from './bures.ts';

/** N(mean, covariance). */
export interface Gaussian {
  /** [d] */
  readonly mean: readonly number[];
  /** [d][d], symmetric and positive semidefinite. */
  readonly covariance: readonly (readonly number[])[];
}

interface Checked {
  readonly mean: Matrix;
  readonly covariance: Matrix;
}

function checked(where: string, name: string, { mean, covariance }: Gaussian): Checked {
  const d = mean.length;
  if (d === 0 || covariance.length !== d || covariance.some((row) => row.length !== d)) {
    throw new ShapeError(
      `${where}: ${name} must have a mean of d numbers and a covariance of d × d, got ${d} and ${covariance.length} × ${covariance[0]?.length ?? 0}. Pass matching ones.`,
    );
  }
  const bad = [...mean, ...covariance.flat()].find((v) => !Number.isFinite(v));
  if (bad !== undefined) {
    throw new DomainError(`${where}: ${name} must be finite, got ${shown(bad)}. Pass finite numbers.`);
  }
  const matrix = new Matrix(covariance.map((row) => [...row]));
  const size = Math.max(...covariance.flat().map(Math.abs));
  if (Matrix.sub(matrix, matrix.transpose()).abs().max() > 1e-9 * size) {
    throw new DomainError(
      `${where}: ${name}.covariance must be symmetric, got one that is not. Pass (C + Cᵀ)/2.`,
    );
  }
  const { realEigenvalues } = new EigenvalueDecomposition(matrix, { assumeSymmetric: true });
  const least = Math.min(...realEigenvalues);
  if (least < -1e-9 * size) {
    throw new DomainError(
      `${where}: ${name}.covariance must be positive semidefinite, got the eigenvalue ${least}. Pass a covariance.`,
    );
  }
  return { mean: Matrix.columnVector([...mean]), covariance: matrix };
}

function both(where: string, p: Gaussian, q: Gaussian): readonly [Checked, Checked] {
  const pair = [checked(where, 'p', p), checked(where, 'q', q)] as const;
  if (p.mean.length !== q.mean.length) {
    throw new ShapeError(
      `${where}: p and q must have the same dimension, got ${p.mean.length} and ${q.mean.length}. Pass two of one space.`,
    );
  }
  return pair;
}

function cholesky(where: string, name: string, covariance: Matrix): CholeskyDecomposition {
  const factor = new CholeskyDecomposition(covariance);
  if (!factor.isPositiveDefinite()) {
    throw new DomainError(
      `${where}: ${name}.covariance must be positive definite, got a singular one. Add a small multiple of the identity.`,
    );
  }
  return factor;
}

const logDeterminant = (factor: CholeskyDecomposition): number =>
  2 * factor.lowerTriangularMatrix.diag().reduce((s, v) => s + Math.log(v), 0);

/**
 * W₂²(p, q), squared distance; covariances may be singular.
 *
 * @example
 * ```ts
 * import { gaussianW2Squared } from '@diff/metrics';
 * const [p, q] = [{ mean: [0], covariance: [[1]] }, { mean: [3], covariance: [[4]] }];
 * gaussianW2Squared(p, q); // 10
 * ```
 */
export function gaussianW2Squared(p: Gaussian, q: Gaussian): number {
  const [a, b] = both('gaussianW2Squared', p, q);
  const shift = Matrix.sub(a.mean, b.mean).norm('frobenius') ** 2;
  const roots = [symmetricRoot(a.covariance), symmetricRoot(b.covariance)] as const;
  return shift + buresSquared(a.covariance, b.covariance, ...roots);
}

/**
 * KL(p‖q) in nats; both covariances must be positive definite.
 *
 * @example
 * ```ts
 * import { gaussianKl } from '@diff/metrics';
 * const [p, q] = [{ mean: [0], covariance: [[1]] }, { mean: [3], covariance: [[4]] }];
 * gaussianKl(p, q); // ¾ + ln 2
 * ```
 */
export function gaussianKl(p: Gaussian, q: Gaussian): number {
  const [a, b] = both('gaussianKl', p, q);
  const ofP = cholesky('gaussianKl', 'p', a.covariance);
  const ofQ = cholesky('gaussianKl', 'q', b.covariance);
  const shift = Matrix.sub(b.mean, a.mean);
  const trace = ofQ.solve(a.covariance).trace();
  const quadratic = shift.transpose().mmul(ofQ.solve(shift)).get(0, 0);
  const d = p.mean.length;
  return (trace + quadratic - d + logDeterminant(ofQ) - logDeterminant(ofP)) / 2;
}

/**
 * Relative Fisher information E_p|∇ln p − ∇ln q|²; both covariances must be positive definite.
 *
 * @example
 * ```ts
 * import { gaussianRelativeFisher } from '@diff/metrics';
 * const [p, q] = [{ mean: [0], covariance: [[1]] }, { mean: [3], covariance: [[4]] }];
 * gaussianRelativeFisher(p, q); // 1.125
 * ```
 */
export function gaussianRelativeFisher(p: Gaussian, q: Gaussian): number {
  const where = 'gaussianRelativeFisher';
  const [a, b] = both(where, p, q);
  const identity = Matrix.eye(p.mean.length);
  const precisionP = cholesky(where, 'p', a.covariance).solve(identity);
  const precisionQ = cholesky(where, 'q', b.covariance).solve(identity);
  const shift = precisionQ.mmul(Matrix.sub(a.mean, b.mean)).norm('frobenius') ** 2;
  const gap = Matrix.sub(precisionQ, precisionP);
  return shift + gap.mmul(a.covariance).mmul(gap).trace();
}
