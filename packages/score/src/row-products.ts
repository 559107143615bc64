/**
 * ⟨a_i, b_i⟩ of the rows of two tensors of one shape.
 */
import * as tf from '@tensorflow/tfjs-core';

/** Σ over each row of a product, [n]. */
export function rowProducts(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  return tf.sum(tf.reshape(tf.mul(a, b), [a.shape[0]!, -1]), 1);
}
