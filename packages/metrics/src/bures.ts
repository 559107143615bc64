/**
 * The Bures distance between covariances: B²(C₁, C₂) = tr(C₁ + C₂ − 2 (C₁^½ C₂ C₁^½)^½).
 *
 * With symmetric square roots from eigenvalues, C = S², the last trace is the sum of the singular values of S₁S₂:
 * no square root of a product is taken, so singular covariances (fewer samples than dimensions) lose no digits.
 */
import { EigenvalueDecomposition, Matrix, SingularValueDecomposition } from 'ml-matrix';

/** The symmetric square root of a symmetric matrix; eigenvalues below 0 by rounding count as 0. */
export function symmetricRoot(covariance: Matrix): Matrix {
  const { realEigenvalues, eigenvectorMatrix: v } = new EigenvalueDecomposition(covariance, {
    assumeSymmetric: true,
  });
  const largest = Math.max(0, ...realEigenvalues);
  const floor = largest * realEigenvalues.length * Number.EPSILON;
  const roots = realEigenvalues.map((e) => (e > floor ? Math.sqrt(e) : 0));
  return v.mmul(Matrix.diag(roots)).mmul(v.transpose());
}

/** B²(C₁, C₂) ≥ 0 from the covariances and their symmetric roots. */
export function buresSquared(c1: Matrix, c2: Matrix, root1: Matrix, root2: Matrix): number {
  const product = new SingularValueDecomposition(root1.mmul(root2), {
    computeLeftSingularVectors: false,
    computeRightSingularVectors: false,
  });
  const shared = product.diagonal.reduce((a, b) => a + b, 0);
  return Math.max(0, c1.trace() + c2.trace() - 2 * shared);
}
