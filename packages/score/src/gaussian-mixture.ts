/**
 * Mixtures of Gaussians, the test bed of the field: score, density, posterior mean and covariance are exact at
 * every time under every linear process.
 *
 *   X₀ ~ Σ_k w_k N(μ_k, C_k)   ⇒   X_t ~ Σ_k w_k N(α μ_k + m, α² C_k + σ² I)
 *
 * With one variance for all components the law streams through `softmaxMean` (thousands of components are fine);
 * with variances or covariances of their own it works in the components' eigenbases. With labels the model can be
 * conditioned: label c selects the components that carry it, −1 all of them.
 */
import { DomainError, requireFinite, ShapeError, shown } from '@diff/core';
import type { LinearProcess } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { type Component, componentLaw } from './component-law.ts';
import { defineExactModel, type ExactLaw, type ExactModel } from './exact-model.ts';
import { lawsByLabel } from './laws-by-label.ts';
import { normalizedWeights } from './mixture-weights.ts';
import type { PredictionKind } from './prediction-kind.ts';
import { softmaxLaw } from './softmax-law.ts';
import { covarianceEigen } from './symmetric-eigen.ts';

/** Numbers in the means up to which it pays to scale them on the host at every evaluation. */
const FEW = 4096;

export interface GaussianMixtureOptions {
  readonly process: LinearProcess;
  /** μ, K rows of d numbers. */
  readonly means: readonly (readonly number[])[];
  /** Non-negative, any positive sum; default equal. */
  readonly weights?: readonly number[];
  /** Isotropic: one variance ≥ 0 for all components, or one > 0 each. Default 1 where `covariances` is not given. */
  readonly variance?: number | readonly number[];
  /** Full covariances, K symmetric positive definite d × d matrices, instead of `variance`. */
  readonly covariances?: readonly (readonly (readonly number[])[])[];
  /** A label ≥ 0 for each component; then the model takes conditions. */
  readonly labels?: readonly number[];
  /** What `predict` returns; default 'velocity'. */
  readonly kind?: PredictionKind;
  /** Default 'gaussianMixture'. */
  readonly name?: string;
}

/** Throws unless rows are K ≥ 1 lists of d ≥ 1 finite numbers; returns d. */
export function requireRows(where: string, name: string, rows: readonly (readonly number[])[]): number {
  const d = Array.isArray(rows) && Array.isArray(rows[0]) ? rows[0].length : 0;
  if (d === 0 || rows.some((row) => !Array.isArray(row) || row.length !== d)) {
    throw new ShapeError(
      `${where}: ${name} must be at least one list of numbers, all of one length, got ${shown(rows)}. Pass [[x, y], …], a row per component.`,
    );
  }
  rows.forEach((row, k) => {
    row.forEach((value, j) => {
      requireFinite(where, `${name}[${k}][${j}]`, value);
    });
  });
  return d;
}

function componentsOf(
  where: string,
  { means, variance, covariances }: GaussianMixtureOptions,
  d: number,
): readonly Component[] {
  if (covariances) {
    if (covariances.length !== means.length) {
      throw new ShapeError(
        `${where}: covariances must have length ${means.length} (one per mean), got ${covariances.length}. Pass one matrix each.`,
      );
    }
    return means.map((mean, k) => {
      const { values, vectors } = covarianceEigen(where, `covariances[${k}]`, covariances[k]!, d);
      return { mean, eigenvalues: values, basis: vectors };
    });
  }
  const each = variance as readonly number[];
  if (each.length !== means.length) {
    throw new ShapeError(
      `${where}: variance must be a number or a list of ${means.length} (one per mean), got ${each.length}. Pass one each.`,
    );
  }
  return means.map((mean, k) => {
    const s2 = requireFinite(where, `variance[${k}]`, each[k]);
    if (!(s2 > 0)) {
      throw new DomainError(
        `${where}: variance[${k}] must be positive, got ${s2}. Use one variance of 0 for all, or pointMasses.`,
      );
    }
    return { mean, eigenvalues: mean.map(() => s2) };
  });
}

/**
 * The exact model of a Gaussian mixture.
 *
 * @returns an exact model with event shape [d]; it holds no tensors.
 * @throws ShapeError, DomainError for ragged means, negative weights or ones without a positive sum, covariances that are not
 *   symmetric positive definite, and at evaluation for x, t or labels that do not fit.
 * @example
 * ```ts
 * import { gaussianMixture } from '@diff/score';
 * import { canonicalOu } from '@diff/sde';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const model = gaussianMixture({
 *   process: canonicalOu({ T: 5 }),
 *   means: [[2, 0], [-2, 0]],
 *   weights: [0.3, 0.7],
 *   covariances: [[[1, 0.5], [0.5, 1]], [[0.2, 0], [0, 0.4]]],
 * });
 * const x = tf.tensor2d([[0.1, -0.4]]);
 * const score = await model.score(x, 0.3);          // ∇ log p_t(x), [1, 2]
 * const logDensity = model.logDensity(x, 0.3);      // log p_t(x), [1]
 * const covariance = model.posteriorCovariance(x, 0.3); // Cov[X₀ | X_t = x], [1, 2, 2]
 * ```
 */
export function gaussianMixture(options: GaussianMixtureOptions): ExactModel {
  const { process, means, labels, kind = 'velocity', name = 'gaussianMixture' } = options;
  const { covariances, variance = covariances ? undefined : 1 } = options;
  const d = requireRows(name, 'means', means);
  if (covariances && variance !== undefined) {
    throw new DomainError(
      `${name}: variance and covariances must not both be given, got both. Keep the one that you mean.`,
    );
  }
  const weights = normalizedWeights(name, options.weights, means.length);
  let lawOfSome: (rows: readonly number[] | undefined, own: Float64Array) => ExactLaw;
  if (typeof variance === 'number') {
    if (!(requireFinite(name, 'variance', variance) >= 0)) {
      throw new DomainError(
        `${name}: variance must not be negative, got ${variance}. Pass the square of a standard deviation.`,
      );
    }
    lawOfSome = (rows, own) => {
      const chosen = rows ? rows.map((k) => means[k]!) : means;
      const packed = Float32Array.from(chosen.flat());
      const centres = (): tf.Tensor2D => tf.tensor2d(packed, [chosen.length, d]);
      return softmaxLaw({
        where: name,
        dimension: d,
        count: chosen.length,
        centres,
        ...(packed.length <= FEW ? { hostCentres: packed } : {}),
        weights: own,
        variance,
      });
    };
  } else {
    const components = componentsOf(name, { ...options, ...(variance ? { variance } : {}) }, d);
    lawOfSome = (rows, own) =>
      componentLaw({
        dimension: d,
        components: rows ? rows.map((k) => components[k]!) : components,
        weights: own,
      });
  }
  return defineExactModel({
    process,
    name,
    kind,
    eventShape: [d],
    law: lawOfSome(undefined, weights),
    ...(labels ? { lawOf: lawsByLabel(name, labels, weights, lawOfSome) } : {}),
  });
}
