/**
 * One Metropolis-adjusted Langevin step (Besag 1994; Roberts and Tweedie 1996), for all rows at once and on the device:
 *
 *   y  = x + ε score(x) + √(2ε) ξ
 *   x' = y with probability min(1, p(y) q(x|y) / (p(x) q(y|x))), else x          q(y|x) = N(y; x + ε score(x), 2ε I)
 *
 * The way back from y needs the noise ξ' = −(ξ + a), a = √(ε/2) (score(x) + score(y)), so that
 *
 *   log of the ratio = log p(y) − log p(x) − Σ a (ξ + a/2)
 *
 * without a difference of large numbers. ξ is drawn with the step's key, the uniform number of a row with that key
 * folded by 1, so a row's way does not depend on its batch.
 */
import { combine, fold, type Key, normal, uniform } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';

/** Where the chains are, and what is known there. */
export interface MalaState {
  readonly x: tf.Tensor;
  readonly score: tf.Tensor;
  /** [n]. */
  readonly logDensity: tf.Tensor;
}

export interface MalaStepOptions {
  readonly epsilon: number;
  readonly key: Key;
  readonly firstRow: number;
  /** Score and log-density at a proposal; new tensors. */
  score(x: tf.Tensor): Promise<tf.Tensor>;
  logDensity(x: tf.Tensor): Promise<tf.Tensor>;
}

/** The next state, and 1 for rows that moved, 0 for others, [n]; new tensors. `from` stays its owner's. */
export async function malaStep(
  from: MalaState,
  { epsilon, key, firstRow, score, logDensity }: MalaStepOptions,
): Promise<{ readonly state: MalaState; readonly accepted: tf.Tensor1D }> {
  const n = from.x.shape[0]!;
  const noise = normal(key, from.x.shape, { firstRow });
  const made: tf.Tensor[] = [noise];
  try {
    const x = combine([
      [1, from.x],
      [epsilon, from.score],
      [Math.sqrt(2 * epsilon), noise],
    ]);
    made.push(x);
    const there = await score(x);
    made.push(there);
    const density = await logDensity(x);
    made.push(density);
    return tf.tidy(() => {
      const a = tf.mul(tf.add(from.score, there), Math.sqrt(epsilon / 2));
      const back = tf.sum(tf.reshape(tf.mul(a, tf.add(noise, tf.mul(a, 0.5))), [n, -1]), 1);
      const ratio = tf.sub(tf.sub(density, from.logDensity), back);
      const u = tf.reshape(uniform(fold(key, 1), [n, 1], { firstRow }), [n]);
      const moves = tf.less(tf.log(u), ratio);
      const rows = tf.reshape(moves, [n, ...from.x.shape.slice(1).map(() => 1)]);
      return {
        state: {
          x: tf.where(rows, x, from.x),
          score: tf.where(rows, there, from.score),
          logDensity: tf.where(moves, density, from.logDensity),
        },
        accepted: tf.cast(moves, 'float32') as tf.Tensor1D,
      };
    });
  } finally {
    tf.dispose(made);
  }
}
