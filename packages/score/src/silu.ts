/**
 * silu(x) = x·s, s = 1/(1 + e^{−x}), with the gradient y + s(1 − y), y = silu(x).
 *
 * Where the backend has the kernels DiffSilu and DiffSiluGradient it is one pass each way, elsewhere two elementwise
 * kernels and six. Differentiable as often as tfjs's own ops, either way.
 */
import * as tf from '@tensorflow/tfjs-core';

const FUSED = 'DiffSilu';
const FUSED_GRADIENT = 'DiffSiluGradient';

/** A kernel that the active backend is known to have. */
function runFused(kernelName: string, inputs: tf.NamedTensorMap): tf.Tensor {
  return tf.engine().runKernel(kernelName, inputs);
}

/** The gradient comes from x anew, not from s and y: these would be constants to a second derivative. */
const composed = tf.customGrad((x, save) => {
  (save as tf.GradSaveFunc)([x as tf.Tensor]);
  return {
    value: tf.mul(x as tf.Tensor, tf.sigmoid(x as tf.Tensor)),
    gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const x1 = saved[0]!;
      const s = tf.sigmoid(x1);
      const y = tf.mul(x1, s);
      return tf.mul(dy, tf.add(y, tf.sub(s, tf.mul(s, y))));
    },
  };
});

/** silu′(x)·dy with its own gradient: silu″ = s(1 − s)(2 + x(1 − 2s)). */
const slope = tf.customGrad((x, dy, save) => {
  (save as tf.GradSaveFunc)([x as tf.Tensor, dy as tf.Tensor]);
  return {
    value: runFused(FUSED_GRADIENT, { x: x as tf.Tensor, dy: dy as tf.Tensor }),
    gradFunc: (d: tf.Tensor, saved: tf.Tensor[]) => {
      const [x1, dy1] = saved as [tf.Tensor, tf.Tensor];
      const s = tf.sigmoid(x1);
      const rest = tf.sub(1, s);
      const bend = tf.mul(tf.mul(s, rest), tf.add(2, tf.mul(x1, tf.sub(rest, s))));
      const rise = tf.add(s, tf.mul(tf.mul(x1, s), rest));
      return [tf.mul(d, tf.mul(dy1, bend)), tf.mul(d, rise)];
    },
  };
});

const fused = tf.customGrad((x, save) => {
  (save as tf.GradSaveFunc)([x as tf.Tensor]);
  return {
    value: runFused(FUSED, { x: x as tf.Tensor }),
    gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => slope(saved[0]!, dy),
  };
});

/**
 * x·sigmoid(x), elementwise, for networks of your own: one pass where the backend has a kernel for it.
 *
 * @param x any shape, float32.
 * @returns of x's shape, owned by the caller; within 4 ulp on the backend 'simd'.
 * @example
 * ```ts
 * import { silu } from '@diff/score';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const y = silu(tf.tensor1d([-1, 0, 1])); // −0.269, 0, 0.731
 * ```
 */
export function silu(x: tf.Tensor): tf.Tensor {
  return tf.getKernel(FUSED, tf.getBackend()) ? fused(x) : composed(x);
}
