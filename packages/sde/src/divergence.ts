/**
 * ∇·a for a = g gᵀ with g depending on x: (∇·a)_i = Σ_j ∂a_ij/∂x_j, the term that the time reversal of a process
 * with state-dependent noise needs (S3 Theorem 2.1).
 *
 * The user's own `divergence` is used where it is given. Otherwise g is differentiated automatically: scalar g by
 * one backward pass, diagonal g by d, matrix g by d Jacobian-vector products, each of them two backward passes (the
 * second through the first: a JVP is the gradient of ⟨Jᵀv, w⟩ in v). Row i of g may depend on row i of x alone.
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

/** Directional derivative of `f` at x along w, by two backward passes. */
function jvp(f: (x: tf.Tensor) => tf.Tensor, x: tf.Tensor, w: tf.Tensor): tf.Tensor {
  const probe = tf.zerosLike(f(x));
  const back = (v: tf.Tensor): tf.Tensor => tf.grad((y: tf.Tensor) => tf.sum(tf.mul(f(y), v)))(x);
  return tf.grad((v: tf.Tensor) => tf.sum(tf.mul(back(v), w)))(probe);
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
    for (let j = 0; j < d; j++) {
      const direction = unit(j, d);
      if (process.noise === 'diagonal') {
        const entry = (y: tf.Tensor): tf.Tensor =>
          tf.sum(tf.mul(tf.add(tf.square(g(y)), tf.mul(y, 0)), direction));
        total = tf.add(total, tf.mul(tf.grad(entry)(x), direction));
      } else {
        // column j of a, differentiated along e_j
        const column = (y: tf.Tensor): tf.Tensor => {
          const a = squared(g(y));
          const col = tf.squeeze(
            tf.slice(a, a.rank === 3 ? [0, 0, j] : [0, j], a.rank === 3 ? [-1, d, 1] : [d, 1]),
            [-1],
          );
          return tf.add(col, tf.mul(y, 0));
        };
        total = tf.add(total, jvp(column, x, tf.tile(direction, [x.shape[0]!, 1])));
      }
    }
    return total;
  });
}
