/**
 * silu(x) = x·s, s = 1/(1 + e^{−x}), with the gradient y + s(1 − y), y = silu(x), in four elementwise kernels:
 * composed of tfjs ops it would take seven.
 */
import * as tf from '@tensorflow/tfjs-core';

const differentiable = tf.customGrad((x, save) => {
  const s = tf.sigmoid(x as tf.Tensor);
  const y = tf.mul(x as tf.Tensor, s);
  (save as tf.GradSaveFunc)([s, y]);
  return {
    value: y,
    gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [s1, y1] = saved as [tf.Tensor, tf.Tensor];
      return tf.mul(dy, tf.add(y1, tf.sub(s1, tf.mul(s1, y1))));
    },
  };
});

/** x·sigmoid(x), elementwise; the result is owned by the caller. */
export function silu(x: tf.Tensor): tf.Tensor {
  return differentiable(x);
}
