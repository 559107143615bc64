/**
 * The quantile of every row, on the device: with v_0 ≤ … ≤ v_{d−1} and p = q (d − 1),
 *
 *   v_⌊p⌋ + (p − ⌊p⌋)(v_⌈p⌉ − v_⌊p⌋),
 *
 * the linear interpolation of numpy and torch. Only the d − ⌊p⌋ greatest are sorted out, which is few for q near 1.
 */
import * as tf from '@tensorflow/tfjs-core';

/** @param rows [n, d ≥ 1]; @param q in [0, 1]; @returns [n, 1], a constant to gradients. */
export function rowQuantile(rows: tf.Tensor2D, q: number): tf.Tensor {
  const quantile = tf.customGrad((x: tf.Tensor | tf.GradSaveFunc) => {
    const values = x as tf.Tensor2D;
    const d = values.shape[1];
    const position = q * (d - 1);
    const lower = Math.floor(position);
    const upper = Math.ceil(position);
    const greatest = tf.topk(values, d - lower).values;
    /** The value of that rank from below. */
    const ranked = (rank: number): tf.Tensor => tf.slice(greatest, [0, d - 1 - rank], [-1, 1]);
    const value =
      upper === lower
        ? ranked(lower)
        : tf.add(ranked(lower), tf.mul(position - lower, tf.sub(ranked(upper), ranked(lower))));
    return { value, gradFunc: () => tf.zerosLike(values) };
  });
  return quantile(rows);
}
