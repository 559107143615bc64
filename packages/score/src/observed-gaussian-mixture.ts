/**
 * A Gaussian mixture seen through a noisy linear observation y = A x₀ + r η, η ~ N(0, I): the posterior of x₀ given y is a
 * mixture again, so inverse problems (inpainting, deblurring, compressed sensing) get an exact conditional score to
 * test against. Per component, with S_k = A C_k Aᵀ + r² I and the gain K_k = C_k Aᵀ S_k⁻¹,
 *
 *   w_k′ ∝ w_k N(y; A μ_k, S_k),   μ_k′ = μ_k + K_k(y − A μ_k),   C_k′ = (I − K_k A) C_k (I − K_k A)ᵀ + r² K_k K_kᵀ.
 *
 * The last (Joseph's form) stays positive definite in rounding. Float64 throughout, once.
 */
import { DomainError, requireFinite, requirePositive, ShapeError, shown } from '@diff/core';
import type { ExactModel } from './exact-model.ts';
import { type GaussianMixtureOptions, gaussianMixture, requireRows } from './gaussian-mixture.ts';
import { normalizedWeights } from './mixture-weights.ts';
import { covarianceEigen } from './symmetric-eigen.ts';

export interface ObservedGaussianMixtureOptions extends GaussianMixtureOptions {
  /** A, m rows of d numbers. */
  readonly matrix: readonly (readonly number[])[];
  /** y, m numbers. */
  readonly observation: readonly number[];
  /** r² > 0, the variance of the observation's noise. */
  readonly noiseVariance: number;
}

type Matrix = readonly (readonly number[])[];

const transposed = (m: Matrix): number[][] => m[0]!.map((_, j) => m.map((row) => row[j]!));
const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, i) => sum + value * b[i]!, 0);
const product = (a: Matrix, b: Matrix): number[][] => {
  const columns = transposed(b);
  return a.map((row) => columns.map((column) => dot(row, column)));
};
const plus = (a: Matrix, b: Matrix, factor: number): number[][] =>
  a.map((row, i) => row.map((value, j) => value + factor * b[i]![j]!));
const scaledIdentity = (d: number, s: number): number[][] =>
  Array.from({ length: d }, (_, i) => Array.from({ length: d }, (__, j) => (i === j ? s : 0)));

interface Conditioned {
  readonly logEvidence: number;
  readonly mean: number[];
  readonly covariance: number[][];
}

/** One Gaussian N(μ, C) given y. */
function conditioned(
  where: string,
  mean: readonly number[],
  covariance: Matrix,
  a: Matrix,
  y: readonly number[],
  r2: number,
): Conditioned {
  const across = product(covariance, transposed(a)); // C Aᵀ
  const s = plus(product(a, across), scaledIdentity(y.length, r2), 1);
  const { values, vectors } = covarianceEigen(where, 'A C Aᵀ + r² I', s, y.length);
  const columns = values.map((_, j) => y.map((__, i) => vectors[i * y.length + j]!));
  const inverse = product(
    transposed(columns),
    columns.map((q, j) => q.map((value) => value / values[j]!)),
  );
  const gain = product(across, inverse);
  const residual = y.map((value, i) => value - dot(a[i]!, mean));
  const keep = plus(scaledIdentity(mean.length, 1), product(gain, a), -1);
  const updated = plus(
    product(product(keep, covariance), transposed(keep)),
    product(gain, transposed(gain)),
    r2,
  );
  return {
    logEvidence: columns.reduce(
      (sum, q, j) => sum - 0.5 * (Math.log(2 * Math.PI * values[j]!) + dot(q, residual) ** 2 / values[j]!),
      0,
    ),
    mean: mean.map((value, i) => value + dot(gain[i]!, residual)),
    covariance: updated.map((row, i) => row.map((value, j) => (value + updated[j]![i]!) / 2)),
  };
}

/**
 * The exact model of a Gaussian mixture given a noisy linear observation of it.
 *
 * @returns an exact model of p(x₀ | y) with event shape [d]; it holds no tensors. Labels stay with their components.
 * @throws ShapeError, DomainError as `gaussianMixture`; also for a matrix or observation that does not fit, or a noise
 *   variance that is not positive.
 * @example
 * ```ts
 * import { observedGaussianMixture } from '@diff/score';
 * import { canonicalOu } from '@diff/sde';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * // only the first coordinate was measured: 0.4 ± 0.1
 * const posterior = observedGaussianMixture({
 *   process: canonicalOu({ T: 5 }),
 *   means: [[1, 1], [-1, -1]],
 *   variance: 0.3,
 *   matrix: [[1, 0]],
 *   observation: [0.4],
 *   noiseVariance: 0.01,
 * });
 * const score = await posterior.score(tf.zeros([4, 2]), 0.2);
 * ```
 */
export function observedGaussianMixture({
  matrix,
  observation,
  noiseVariance,
  variance,
  covariances,
  weights,
  name = 'observedGaussianMixture',
  ...options
}: ObservedGaussianMixtureOptions): ExactModel {
  const { means } = options;
  const d = requireRows(name, 'means', means);
  const columns = requireRows(name, 'matrix', matrix);
  if (columns !== d || !Array.isArray(observation) || observation.length !== matrix.length) {
    throw new ShapeError(
      `${name}: matrix and observation must have shapes [m, ${d}] and [m], got [${matrix.length}, ${columns}] and ${shown(observation)}. Pass a row of A for each number observed.`,
    );
  }
  observation.forEach((value: number, i: number) => {
    requireFinite(name, `observation[${i}]`, value);
  });
  const r2 = requirePositive(name, 'noiseVariance', noiseVariance);
  if (covariances && variance !== undefined) {
    throw new DomainError(
      `${name}: variance and covariances must not both be given, got both. Keep the one that you mean.`,
    );
  }
  const prior = normalizedWeights(name, weights, means.length);
  const given = means.map((mean, k) => {
    const width = typeof variance === 'object' ? variance[k] : (variance ?? 1);
    const own =
      covariances?.[k] ?? scaledIdentity(d, requirePositive(name, `the variance of component ${k}`, width));
    covarianceEigen(name, `covariances[${k}]`, own, d);
    return conditioned(name, mean, own, matrix, observation, r2);
  });
  const logs = given.map(({ logEvidence }, k) => Math.log(prior[k]!) + logEvidence);
  const highest = Math.max(...logs);
  return gaussianMixture({
    ...options,
    name,
    weights: logs.map((value) => Math.exp(value - highest)),
    means: given.map(({ mean }) => mean),
    covariances: given.map(({ covariance }) => covariance),
  });
}
