/**
 * The law of a point drawn uniformly from one of K spheres c_k + r_k S^{d−1}, seen through Gaussian noise:
 *
 *   q_k = x − m − αc_k,  κ_k = α r_k |q_k|/σ²
 *   ℓ_k = ln w_k − (d/2) ln(2πσ²) − (|q_k| − αr_k)²/(2σ²) + (ln C(κ_k) − κ_k),   r = softmax ℓ,  log p_t = logsumexp ℓ
 *   D_k = c_k + r_k A(κ_k) q_k/|q_k|                                              (d = 3: A = L, Langevin)
 *   Cov = Σ_k r_k (r_k² Cov[u | κ_k] + (D_k − D)(D_k − D)ᵀ)
 *   Cov[u | κ] = (A/κ)(I − ûûᵀ) + (1 − A² − (d−1)A/κ) ûûᵀ
 *
 * (MATH: exact scores, uniform on a sphere.) A and C are in `spherePosterior`.
 */
import { fold, type Key, normal } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import type { ExactLaw } from './exact-model.ts';
import { fromPosteriorMean, requireNoise } from './from-posterior-mean.ts';
import { type Marginal, type Marginals, perLevel } from './marginal.ts';
import { drawComponents } from './mixture-weights.ts';
import { spherePosterior } from './sphere-posterior.ts';
import { weightedCovariance } from './weighted-covariance.ts';

/** A sphere c + r S^{d−1} of R^d. */
export interface Sphere {
  /** c, d numbers. */
  readonly center: readonly number[];
  /** r > 0. */
  readonly radius: number;
}

/** Lengths below this count as it: keeps q/|q| and its derivative finite at the centre, where both drop out. */
const LEAST_LENGTH = 1e-15;

export function sphereLaw(where: string, spheres: readonly Sphere[], weights: Float64Array): ExactLaw {
  const count = spheres.length;
  const d = spheres[0]!.center.length;
  const packedCenters = Float32Array.from(spheres.flatMap((s) => s.center));
  const packedRadii = Float32Array.from(spheres, (s) => s.radius);
  const logWeights = Float32Array.from(weights, Math.log);

  /** A function of the level, to broadcast over [n, K] (rank 2) or [n, K, d] (rank 3). */
  const over = (levels: Marginals, rank: number, of: (l: Marginal) => number): number | tf.Tensor => {
    const value = perLevel(levels, of);
    return typeof value === 'number' ? value : tf.reshape(value, [-1, ...Array<number>(rank - 1).fill(1)]);
  };

  const evaluate = (x: tf.Tensor2D, levels: Marginals) => {
    requireNoise(where, levels);
    const centers = tf.tensor3d(packedCenters, [1, count, d]);
    const radii = tf.tensor2d(packedRadii, [1, count]);
    const q = tf.sub(
      tf.sub(
        tf.expandDims(x, 1),
        over(levels, 3, (l) => l.mean),
      ),
      tf.mul(
        centers,
        over(levels, 3, (l) => l.alpha),
      ),
    );
    const length = tf.sqrt(tf.maximum(tf.sum(tf.square(q), 2), LEAST_LENGTH ** 2));
    const unit = tf.div(q, tf.expandDims(length, 2));
    const kappa = tf.mul(
      tf.mul(length, radii),
      over(levels, 2, (l) => l.alpha / l.sigma ** 2),
    );
    const posterior = spherePosterior(kappa, d);
    const offShell = tf.div(
      tf.sub(
        length,
        tf.mul(
          radii,
          over(levels, 2, (l) => l.alpha),
        ),
      ),
      over(levels, 2, (l) => l.sigma),
    );
    const logits = tf.add(
      tf.sub(
        tf.add(tf.tensor2d(logWeights, [1, count]), posterior.logNormalizer),
        tf.mul(0.5, tf.square(offShell)),
      ),
      over(levels, 2, (l) => -0.5 * d * Math.log(2 * Math.PI * l.sigma ** 2)),
    );
    const each = tf.add(centers, tf.mul(unit, tf.expandDims(tf.mul(posterior.meanLength, radii), 2)));
    return { ...posterior, unit, radii, logits, each };
  };
  const mean = ({ logits, each }: { logits: tf.Tensor; each: tf.Tensor }): tf.Tensor =>
    tf.sum(tf.mul(tf.expandDims(tf.softmax(logits), 2), each), 1);

  return {
    rowElements: count * d,
    covarianceRowElements: count * d * d,
    predict: (kind, x, levels) => fromPosteriorMean(kind, x, levels, mean(evaluate(x, levels))),
    logDensity: (x, levels) => tf.logSumExp(evaluate(x, levels).logits, 1),
    posteriorCovariance(x, levels) {
      const parts = evaluate(x, levels);
      const r = tf.softmax(parts.logits);
      const between = weightedCovariance(r, tf.sub(parts.each, tf.expandDims(mean(parts), 1)));
      const across = parts.acrossVariance;
      const along = tf.relu(tf.sub(tf.sub(1, tf.square(parts.meanLength)), tf.mul(d - 1, across)));
      const scale = tf.mul(r, tf.square(parts.radii));
      const radial = weightedCovariance(tf.mul(scale, tf.sub(along, across)), parts.unit);
      const round = tf.mul(
        tf.reshape(tf.sum(tf.mul(scale, across), 1), [-1, 1, 1]),
        tf.reshape(tf.eye(d), [1, d, d]),
      );
      return tf.add(tf.add(between, radial), round);
    },
    async sample(key: Key, n: number, firstRow: number) {
      const chosen = await drawComponents(fold(key, 0), n, weights, firstRow);
      return tf.tidy(() => {
        const rows = tf.tensor1d(chosen, 'int32');
        const direction = normal(fold(key, 1), [n, d], { firstRow });
        const length = tf.sqrt(tf.sum(tf.square(direction), 1, true));
        const radius = tf.gather(tf.tensor2d(packedRadii, [count, 1]), rows);
        const center = tf.gather(tf.tensor2d(packedCenters, [count, d]), rows);
        return tf.add(center, tf.mul(direction, tf.div(radius, tf.maximum(length, LEAST_LENGTH))));
      });
    },
  };
}
