/**
 * A model's prediction in the kind that is asked for.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { type Condition, convertPrediction, type ScoreModel, type Time } from './model.ts';
import type { PredictionKind } from './prediction-kind.ts';

/** @returns a tensor of x's shape, owned by the caller; x itself if the model predicts that and nothing is to convert. */
export async function predictAs(
  kind: PredictionKind,
  model: ScoreModel,
  x: tf.Tensor,
  t: Time,
  condition?: Condition,
): Promise<tf.Tensor> {
  const prediction = await model.predict(x, t, condition);
  if (model.kind === kind) return prediction;
  try {
    return await convertPrediction(model.process, x, prediction, t, model.kind, kind);
  } finally {
    if (prediction !== x) prediction.dispose();
  }
}
