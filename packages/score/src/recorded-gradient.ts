/**
 * The gradient of user code that may throw, with what else that code has made.
 */
import * as tf from '@tensorflow/tfjs-core';

/**
 * ∇ of the first of f's tensors, a scalar, at x, and the others, which outlive tfjs's recording; inside a tidy.
 */
export function recordedGradient(
  x: tf.Tensor,
  f: (x: tf.Tensor) => readonly [tf.Tensor, ...tf.Tensor[]],
): [gradient: tf.Tensor, ...others: tf.Tensor[]] {
  let kept: tf.Tensor[] = [];
  let failure: { readonly error: unknown } | undefined;
  try {
    const gradient = tf.grad((at: tf.Tensor) => {
      // An error that escapes while tfjs records leaves its tape open, with all that it holds.
      try {
        const [value, ...others] = f(at);
        kept = others.map((other) => tf.keep(tf.clone(other)));
        return value;
      } catch (error) {
        failure = { error };
        return tf.sum(at);
      }
    })(x);
    if (failure) throw failure.error;
    // As the tidy's own they go with it.
    return [gradient, ...kept.map((one) => tf.clone(one))];
  } finally {
    tf.dispose(kept);
  }
}
