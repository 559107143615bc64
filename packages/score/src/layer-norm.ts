/**
 * Layer normalisation of rows, without gain and shift: y = (x − mean)/√(var + ε), mean and variance over a row (Ba,
 * Kiros, Hinton 2016), with the gradient (dy − mean(dy) − y·mean(dy·y))/√(var + ε) in eight kernels.
 */
import * as tf from '@tensorflow/tfjs-core';

const EPSILON = 1e-5;

const differentiable = tf.customGrad((x, save) => {
  const centred = tf.sub(x as tf.Tensor, tf.mean(x as tf.Tensor, 1, true));
  const scale = tf.rsqrt(tf.add(tf.mean(tf.mul(centred, centred), 1, true), EPSILON));
  const y = tf.mul(centred, scale);
  (save as tf.GradSaveFunc)([y, scale]);
  return {
    value: y,
    gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [y1, scale1] = saved as [tf.Tensor, tf.Tensor];
      const along = tf.mul(y1, tf.mean(tf.mul(dy, y1), 1, true));
      return tf.mul(tf.sub(tf.sub(dy, tf.mean(dy, 1, true)), along), scale1);
    },
  };
});

/** Every row of x [n, d] at mean 0 and variance 1; the result is owned by the caller. */
export function layerNorm(x: tf.Tensor): tf.Tensor {
  return differentiable(x);
}
