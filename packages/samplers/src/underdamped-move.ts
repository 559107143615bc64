/** One underdamped Langevin step (`underdampedStep`) as two `combine`s, the score being affine in x and a prediction. */
import { combine, type Key, normal } from '@diff/core';
import type { Affine } from '@diff/score';
import * as tf from '@tensorflow/tfjs-core';
import type { UnderdampedStep } from './underdamped-step.ts';
import { weighted } from './update.ts';

export interface UnderdampedState {
  readonly x: tf.Tensor;
  readonly v: tf.Tensor;
  readonly prediction: tf.Tensor;
}

interface Draws {
  /** Of ξ₁, which both share, and of ξ₂, the velocity's own. */
  readonly first: Key;
  readonly second: Key;
  readonly firstRow: number;
}

/** x' of a step; a new tensor. `score` writes the score in terms of x and the prediction. */
export function movedPosition(
  w: UnderdampedStep,
  score: Affine,
  { x, v, prediction }: UnderdampedState,
  { first, firstRow }: Draws,
): tf.Tensor {
  const terms: [number, tf.Tensor][] = [
    [1 + w.drift * score.x, x],
    [w.gain, v],
    [w.drift * score.p, prediction],
  ];
  return weighted({ key: first, firstRow }, terms, w.drift * score.constant, w.position);
}

/** v' of the same step; a new tensor. */
export function movedVelocity(
  w: UnderdampedStep,
  score: Affine,
  { x, v, prediction }: UnderdampedState,
  { first, second, firstRow }: Draws,
): tf.Tensor {
  return tf.tidy(() =>
    combine(
      [
        [w.decay, v],
        [w.gain * score.x, x],
        [w.gain * score.p, prediction],
        [w.shared, normal(first, x.shape, { firstRow })],
      ],
      { constant: w.gain * score.constant, noise: [w.own, second], firstRow },
    ),
  );
}
