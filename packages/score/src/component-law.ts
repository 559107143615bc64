/**
 * The law Σ_k w_k N(μ_k, C_k) with covariances of their own, C_k = Q_k diag(λ_k) Q_kᵀ, diagonalised once in
 * float64. In the eigenbasis every time is scalar:
 *
 *   z_k = Q_kᵀ(x − m − αμ_k),   v_kj = α²λ_kj + σ²,   ℓ_k = ln w_k − ½ Σ_j (ln(2π v_kj) + z_kj²/v_kj),   r = softmax ℓ
 *
 *   log p_t  logsumexp_k ℓ_k
 *   score    −Σ_k r_k Q_k(z_k/v_k)
 *   D_k      μ_k + α Q_k(λ_k z_k/v_k),   data Σ_k r_k D_k = D,   noise −σ score,   velocity −ασ score − σ D
 *   Cov      Σ_k r_k (Q_k diag(σ²λ_k/v_k) Q_kᵀ + (D_k − D)(D_k − D)ᵀ)
 *
 * (MATH: exact scores, `p_t = Σ w_k N(α μ_k + m, α² C_k + σ² I)`.) The score does not pass through the posterior
 * mean, so it keeps its digits as σ → 0. Memory n × K × d, in blocks of rows.
 */
import { fold, type Key, normal } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import type { ExactLaw } from './exact-model.ts';
import { type Marginal, type Marginals, perLevel } from './marginal.ts';
import { drawComponents } from './mixture-weights.ts';
import type { PredictionKind } from './prediction-kind.ts';
import { weightedCovariance } from './weighted-covariance.ts';

/** One component: mean [d], eigenvalues λ [d] and row-major eigenvectors Q [d, d] (undefined for the identity). */
export interface Component {
  readonly mean: readonly number[];
  readonly eigenvalues: readonly number[];
  readonly basis?: Float64Array | undefined;
}

export interface ComponentLawDefinition {
  readonly dimension: number;
  readonly components: readonly Component[];
  /** Normalised weights [K]. */
  readonly weights: Float64Array;
}

/** A function of the level, shaped to broadcast over [K, n, d]. */
function overRows(levels: Marginals, of: (level: Marginal) => number): number | tf.Tensor {
  const value = perLevel(levels, of);
  return typeof value === 'number' ? value : tf.reshape(value, [1, -1, 1]);
}

export function componentLaw({ dimension: d, components, weights }: ComponentLawDefinition): ExactLaw {
  const count = components.length;
  const pack = (rows: readonly ArrayLike<number>[]): Float32Array =>
    Float32Array.from(rows.flatMap((row) => Array.from(row)));
  const means = pack(components.map((c) => c.mean));
  const eigenvalues = pack(components.map((c) => c.eigenvalues));
  const identity = Float64Array.from({ length: d * d }, (_, i) => (i % (d + 1) === 0 ? 1 : 0));
  const bases = components.some((c) => c.basis)
    ? pack(components.map((c) => c.basis ?? identity))
    : undefined;
  const logWeights = Float32Array.from(weights, Math.log);

  /** q qᵀ of every eigenvector q of every component, [K·d, d²]. */
  const projections = (): Float32Array => {
    const out = new Float32Array(count * d * d * d);
    components.forEach(({ basis = identity }, k) => {
      for (let j = 0; j < d; j++) {
        for (let a = 0; a < d; a++) {
          for (let b = 0; b < d; b++) {
            out[((k * d + j) * d + a) * d + b] = basis[a * d + j]! * basis[b * d + j]!;
          }
        }
      }
    });
    return out;
  };

  /** Coordinates [K, n, d] into every component's eigenbasis, or back. */
  const rotate = (z: tf.Tensor, back: boolean): tf.Tensor =>
    bases ? tf.matMul(z, tf.tensor3d(bases, [count, d, d]), false, back) : z;

  const evaluate = (
    x: tf.Tensor2D,
    levels: Marginals,
  ): { z: tf.Tensor; v: tf.Tensor; lambda: tf.Tensor; mu: tf.Tensor; logits: tf.Tensor } => {
    const mu = tf.tensor3d(means, [count, 1, d]);
    const lambda = tf.tensor3d(eigenvalues, [count, 1, d]);
    const offset = tf.sub(
      tf.expandDims(x, 0),
      overRows(levels, (l) => l.mean),
    );
    const z = rotate(
      tf.sub(
        offset,
        tf.mul(
          mu,
          overRows(levels, (l) => l.alpha),
        ),
      ),
      false,
    );
    const v = tf.add(
      tf.mul(
        lambda,
        overRows(levels, (l) => l.alpha * l.alpha),
      ),
      overRows(levels, (l) => l.sigma * l.sigma),
    );
    const perCoordinate = tf.add(tf.div(tf.square(z), v), tf.log(tf.mul(v, 2 * Math.PI)));
    const logits = tf.sub(tf.tensor2d(logWeights, [count, 1]), tf.mul(tf.sum(perCoordinate, 2), 0.5));
    return { z, v, lambda, mu, logits };
  };
  /** The components' posterior means D_k [K, n, d]. */
  const componentMeans = ({ z, v, lambda, mu }: ReturnType<typeof evaluate>, levels: Marginals): tf.Tensor =>
    tf.add(
      mu,
      rotate(
        tf.mul(
          tf.mul(
            tf.div(lambda, v),
            overRows(levels, (l) => l.alpha),
          ),
          z,
        ),
        true,
      ),
    );

  return {
    rowElements: count * d,
    covarianceRowElements: count * d * d,
    logDensity: (x, levels) => tf.logSumExp(evaluate(x, levels).logits, 0),
    predict(kind: PredictionKind, x, levels) {
      const parts = evaluate(x, levels);
      const r = tf.expandDims(tf.softmax(tf.transpose(parts.logits)), 2);
      const averaged = (each: tf.Tensor): tf.Tensor => tf.sum(tf.mul(r, tf.transpose(each, [1, 0, 2])), 1);
      const pull = (): tf.Tensor => averaged(rotate(tf.div(parts.z, parts.v), true));
      const data = (): tf.Tensor => averaged(componentMeans(parts, levels));
      const times = (y: tf.Tensor, of: (l: Marginal) => number): tf.Tensor => {
        const w = perLevel(levels, of);
        return tf.mul(y, typeof w === 'number' ? w : tf.expandDims(w, 1));
      };
      switch (kind) {
        case 'score':
          return tf.neg(pull());
        case 'noise':
          return times(pull(), (l) => l.sigma);
        case 'data':
          return data();
        case 'velocity':
          return tf.sub(
            times(pull(), (l) => l.alpha * l.sigma),
            times(data(), (l) => l.sigma),
          );
      }
    },
    posteriorCovariance(x, levels) {
      const parts = evaluate(x, levels);
      const r = tf.softmax(tf.transpose(parts.logits));
      const each = tf.transpose(componentMeans(parts, levels), [1, 0, 2]);
      const mean = tf.sum(tf.mul(tf.expandDims(r, 2), each), 1, true);
      const variances = tf.mul(
        tf.div(parts.lambda, parts.v),
        overRows(levels, (l) => l.sigma * l.sigma),
      );
      const weighed = tf.mul(tf.expandDims(r, 2), tf.transpose(variances, [1, 0, 2]));
      const within = tf.matMul(
        tf.reshape(weighed, [-1, count * d]),
        tf.tensor2d(projections(), [count * d, d * d]),
      );
      return tf.add(weightedCovariance(r, tf.sub(each, mean)), tf.reshape(within, [-1, d, d]));
    },
    async sample(key: Key, n: number, firstRow: number) {
      const chosen = await drawComponents(fold(key, 0), n, weights, firstRow);
      return tf.tidy(() => {
        const rows = tf.tensor1d(chosen, 'int32');
        const deviation = tf.gather(tf.sqrt(tf.tensor2d(eigenvalues, [count, d])), rows);
        const own = tf.mul(deviation, normal(fold(key, 1), [n, d], { firstRow }));
        const turned = bases
          ? tf.reshape(
              tf.matMul(
                tf.reshape(own, [n, 1, d]),
                tf.gather(tf.tensor3d(bases, [count, d, d]), rows),
                false,
                true,
              ),
              [n, d],
            )
          : own;
        return tf.add(tf.gather(tf.tensor2d(means, [count, d]), rows), turned);
      });
    },
  };
}
