/** How wrong a learned score is where the particles are: √(E|s_θ − s|² / E|s|²), s the exact score. */
import type { ScoreModel } from '@diff/score';
import * as tf from '@tensorflow/tfjs-core';

/** Rows that are looked at. */
const ROWS = 500;

export async function scoreError(
  learned: ScoreModel,
  exact: ScoreModel,
  x: tf.Tensor,
  t: number,
): Promise<number> {
  const some = tf.slice(x, [0, 0], [Math.min(ROWS, x.shape[0]!), 2]);
  const [sTheta, s] = [await learned.score(some, t), await exact.score(some, t)];
  const ratio = tf.tidy(() => tf.sqrt(tf.div(tf.sum(tf.squaredDifference(sTheta, s)), tf.sum(tf.square(s)))));
  try {
    return (await ratio.data())[0]!;
  } finally {
    tf.dispose([some, sTheta, s, ratio]);
  }
}
