/** Σ_k r_k δ_k δ_kᵀ of each row: the between-component part of a mixture's covariance. */
import * as tf from '@tensorflow/tfjs-core';

/**
 * @param r weights [n, K]; @param deviations δ [n, K, d].
 * @returns [n, d, d].
 */
export function weightedCovariance(r: tf.Tensor, deviations: tf.Tensor): tf.Tensor3D {
  return tf.matMul(tf.mul(tf.expandDims(r, 2), deviations), deviations, true, false) as tf.Tensor3D;
}

/** s I for each row: [n, d, d]. @param s a number, or a tensor [n]. */
export function scaledIdentities(s: number | tf.Tensor, n: number, d: number): tf.Tensor3D {
  const each = typeof s === 'number' ? tf.fill([n, 1, 1], s) : tf.reshape(s, [n, 1, 1]);
  return tf.mul(each, tf.reshape(tf.eye(d), [1, d, d])) as tf.Tensor3D;
}
