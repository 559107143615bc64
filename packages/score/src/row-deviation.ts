/**
 * Rescaling of guided predictions (Lin et al. 2024, "Common diffusion noise schedules and sample steps are flawed", eqs
 * 15–16): the standard deviation of each row of P is brought back towards that of the prediction P₊ which was guided,
 *
 *   P' = (φ std(P₊)/std(P) + 1 − φ) P,
 *
 * because large weights overexpose. It is taken in the kind that is predicted.
 */
import { combine, DomainError, shown } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';

/** Throws unless 0 ≤ φ ≤ 1. */
export function requireShare(where: string, rescale: number): number {
  if (typeof rescale !== 'number' || !(rescale >= 0 && rescale <= 1)) {
    throw new DomainError(`${where}: rescale must lie in [0, 1], got ${shown(rescale)}. 0.7 is usual.`);
  }
  return rescale;
}

/** Standard deviations of the rows, [n]. */
function deviations(x: tf.Tensor): tf.Tensor {
  return tf.sqrt(tf.moments(tf.reshape(x, [x.shape[0]!, -1]), 1).variance);
}

/** P', inside a tidy; P itself for a share of 0. */
export function rescaled(guided: tf.Tensor, reference: tf.Tensor, share: number): tf.Tensor {
  if (share === 0) return guided;
  const [own, wanted] = [deviations(guided), deviations(reference)];
  // A row without any deviation has nothing to rescale.
  const ratio = tf.where(tf.greater(own, 0), tf.div(wanted, own), tf.onesLike(own));
  return combine([[tf.add(tf.mul(ratio, share), 1 - share), guided]]);
}
