/**
 * ∇·a for a = g gᵀ with g depending on x: (∇·a)_i = Σ_j ∂a_ij/∂x_j, the term that the time reversal of a process
 * with state-dependent noise needs (S3 Theorem 2.1).
 *
 * The user's own `divergence` is used where it is given. Otherwise g is differentiated automatically: scalar g by
 * one backward pass, diagonal g by d, matrix g by d(d + 1)/2, one for each entry of the symmetric a (in high
 * dimension give `divergence` instead). Row i of g may depend on row i of x alone.
 */
import { ShapeError, shown } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import type { GeneralProcess } from './general-process.ts';

/** The unit row vector e_j, [1, d]. */
function unit(j: number, d: number): tf.Tensor {
  return tf.tensor(
    Array.from({ length: d }, (_, i) => (i === j ? 1 : 0)),
    [1, d],
  );
}

/** a = g gᵀ of a matrix g, [n, d, d] or [d, d]. */
export function squared(g: tf.Tensor): tf.Tensor {
  return tf.matMul(g, g, false, true);
}

/**
 * ∇·a at (t, x).
 *
 * @param x [n, d]; @returns [n, d], owned by the caller.
 * @throws ShapeError unless x has rank 2.
 * @example
 * ```ts
 * import { generalSde, noiseDivergence } from '@diff/sde';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * // g(x) = x in each coordinate: a = diag(x²), ∇·a = 2x
 * const process = generalSde({
 *   T: 1,
 *   noise: 'diagonal',
 *   drift: (_, x) => tf.zerosLike(x),
 *   diffusion: (_, x) => tf.clone(x),
 * });
 * const divergence = noiseDivergence(process, 0.5, tf.tensor2d([[1, 2]])); // [[2, 4]]
 * ```
 */
export function noiseDivergence(process: GeneralProcess, t: number, x: tf.Tensor): tf.Tensor {
  if (x.rank !== 2) {
    throw new ShapeError(
      `noiseDivergence: x must have shape [n, d], got ${shown(x)}. Flatten each point into one row.`,
    );
  }
  const { divergence } = process;
  if (divergence) return divergence(t, x);
  if (process.stateIndependent) return tf.zerosLike(x);
  const d = x.shape[1]!;
  const g = (y: tf.Tensor): tf.Tensor => {
    const value = process.diffusion(t, y);
    return typeof value === 'number' ? tf.fill([y.shape[0]!, 1], value) : value;
  };
  return tf.tidy(() => {
    if (process.noise === 'scalar') {
      return tf.grad((y: tf.Tensor) => tf.sum(tf.add(tf.square(g(y)), tf.mul(tf.sum(y), 0))))(x);
    }
    let total: tf.Tensor = tf.zerosLike(x);
    /** Adds ∂_j of the sum over rows of `entry`, as coordinate i. */
    const add = (gradient: tf.Tensor, i: number, j: number): void => {
      total = tf.add(total, tf.mul(tf.slice(gradient, [0, j], [-1, 1]), unit(i, d)));
    };
    const gradientOf = (entry: (y: tf.Tensor) => tf.Tensor): tf.Tensor =>
      tf.grad((y: tf.Tensor) => tf.add(tf.sum(entry(y)), tf.mul(tf.sum(y), 0)))(x); // depends on y in any case
    for (let j = 0; j < d; j++) {
      if (process.noise === 'diagonal') {
        add(
          gradientOf((y) => tf.mul(tf.square(g(y)), unit(j, d))),
          j,
          j,
        );
        continue;
      }
      for (let i = 0; i <= j; i++) {
        const gradient = gradientOf((y) => {
          const a = squared(g(y));
          return a.rank === 3 ? tf.slice(a, [0, i, j], [-1, 1, 1]) : tf.slice(a, [i, j], [1, 1]);
        });
        add(gradient, i, j);
        if (i !== j) add(gradient, j, i);
      }
    }
    return total;
  });
}
