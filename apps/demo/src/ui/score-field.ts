/** A model's score on a lattice, for pictures. */
import type { ScoreModel } from '@diff/score';
import * as tf from '@tensorflow/tfjs-core';

const NODES = 17;

/**
 * σ(t)·score at NODES² nodes of |x|, |y| ≤ extent·scale, row by row from the lowest: NODES² pairs of numbers. (For the eye:
 * its length is about 1 wherever noise is far from data.)
 */
export async function fieldAt(
  model: ScoreModel,
  t: number,
  extent: number,
  scale = 1,
): Promise<Float32Array<ArrayBuffer>> {
  const node = (i: number): number => extent * ((2 * i) / (NODES - 1) - 1) * scale;
  const nodes = Array.from({ length: NODES ** 2 }, (_, i): [number, number] => [
    node(i % NODES),
    node(Math.floor(i / NODES)),
  ]);
  const x = tf.tensor2d(nodes);
  const score = await model.score(x, t);
  try {
    const sigma = model.process.sigma(t);
    return Float32Array.from(await score.data(), (v) => v * sigma);
  } finally {
    tf.dispose([x, score]);
  }
}
