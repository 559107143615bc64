/**
 * The loss on held-out data with the averaged weights, at the same times and noise whenever it is called, so that
 * the curve shows the weights alone.
 */
import { fold } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { batchLoss, denoisingBatch } from './denoising-loss.ts';
import type { FlatParameters } from './flat-parameters.ts';
import type { TrainingPlan } from './training-plan.ts';

/** Mean loss over all rows of `held` with the average; the network has its own weights, [1, P], again afterwards. */
export async function validationLoss(
  plan: TrainingPlan,
  parameters: FlatParameters,
  weights: { readonly own: tf.Tensor; readonly average?: tf.Tensor },
  held: { readonly data: tf.Tensor; readonly labels?: tf.Tensor },
): Promise<number> {
  const { model, batchSize, weighting, keys } = plan;
  const rows = held.data.shape[0]!;
  const lossOf = (start: number, index: number): tf.Tensor =>
    tf.tidy(() => {
      const size = Math.min(batchSize, rows - start);
      const piece = (x: tf.Tensor): tf.Tensor =>
        tf.slice(x, [start, ...x.shape.slice(1).map(() => 0)], [size, ...x.shape.slice(1)]);
      const batch = denoisingBatch({
        model,
        x0: piece(held.data),
        times: plan.times(fold(fold(keys.validation, 0), index), size),
        noise: fold(fold(keys.validation, 1), index),
        weighting,
      });
      return tf.mul(batchLoss(model, batch, held.labels && piece(held.labels)), size / rows);
    });
  parameters.assign(weights.average ?? weights.own);
  let total: tf.Tensor;
  try {
    total = tf.tidy(() => {
      const parts: tf.Tensor[] = [];
      for (let start = 0; start < rows; start += batchSize) parts.push(lossOf(start, parts.length));
      return tf.addN(parts);
    });
  } finally {
    parameters.assign(weights.own);
  }
  try {
    return (await total.data())[0]!;
  } finally {
    total.dispose();
  }
}
