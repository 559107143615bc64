/** A rotation of R^d: in each plane (i, i + 1) by the angle i + 1. */
import * as tf from '@tensorflow/tfjs-core';

export function rotation(d: number): tf.Tensor2D {
  let total: tf.Tensor2D = tf.eye(d);
  for (let i = 0; i + 1 < d; i++) {
    const plane = Array.from({ length: d }, (_, a) =>
      Array.from({ length: d }, (_, b): number => (a === b ? 1 : 0)),
    );
    const [c, s] = [Math.cos(i + 1), Math.sin(i + 1)];
    plane[i]![i] = c;
    plane[i + 1]![i + 1] = c;
    plane[i]![i + 1] = -s;
    plane[i + 1]![i] = s;
    total = tf.matMul(total, tf.tensor2d(plane));
  }
  return total;
}
