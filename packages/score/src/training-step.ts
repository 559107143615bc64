/**
 * One training step: batch → loss → gradient → Adam → average, with nothing read back from the backend.
 */
import { fold } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { advanceWeights, type RunningState } from './advance-weights.ts';
import { batchLoss, denoisingBatch } from './denoising-loss.ts';
import type { FlatParameters } from './flat-parameters.ts';
import { keyedUniforms } from './keyed-numbers.ts';
import type { TrainingPlan } from './training-plan.ts';

export interface Advanced {
  readonly state: RunningState;
  readonly loss: tf.Tensor;
  /** |gradient| before clipping, if it was asked for. */
  readonly gradientNorm?: tf.Tensor;
}

/** The state before step 0: no moments, and the network's present weights for an average. */
export function initialState({ averageRate }: TrainingPlan, parameters: FlatParameters): RunningState {
  return tf.tidy(() => {
    const row: [number, number] = [1, parameters.size];
    // By the backend, while tf.zeros would send zeros there.
    const [first, second] = [tf.fill(row, 0), tf.fill(row, 0)];
    return { first, second, ...(averageRate ? { average: parameters.flatten(parameters.variables) } : {}) };
  });
}

/** The labels of a batch, some of them dropped. */
function conditionOf(plan: TrainingPlan, step: number, rows: Int32Array): tf.Tensor | undefined {
  const { labels, dropout, batchSize } = plan;
  if (!labels) return undefined;
  const nothing = plan.model.network.nullLabel ?? 0;
  const u = dropout > 0 ? keyedUniforms(fold(plan.keys.dropout, step), batchSize) : undefined;
  const isDropped = (i: number): boolean => u !== undefined && u[i]! < dropout;
  if (labels instanceof Int32Array) {
    return tf.tensor1d(
      rows.map((row, i) => (isDropped(i) ? nothing : labels[row]!)),
      'int32',
    );
  }
  const chosen = tf.gather(labels, tf.tensor1d(rows, 'int32'));
  if (!u) return chosen;
  const dropped = Uint8Array.from(rows, (_, i) => (isDropped(i) ? 1 : 0));
  const mask = tf.tensor(dropped, [batchSize, ...new Array<number>(chosen.rank - 1).fill(1)], 'bool');
  return tf.where(
    mask,
    tf.fill(chosen.shape, nothing, chosen.dtype === 'int32' ? 'int32' : 'float32'),
    chosen,
  );
}

/**
 * The state after step `step`; the one before is given away, but still to be disposed of. The network's variables follow.
 * With `measure` also the gradient's norm.
 */
export function advance(
  plan: TrainingPlan,
  parameters: FlatParameters,
  state: RunningState,
  step: number,
  measure: boolean,
): Advanced {
  const { model, data, batchSize, weighting, keys } = plan;
  return tf.tidy(() => {
    const rows = plan.order(step);
    const condition = conditionOf(plan, step, rows);
    const batch = denoisingBatch({
      model,
      x0: tf.gather(data, tf.tensor1d(rows, 'int32')),
      times: plan.times(fold(keys.times, step), batchSize),
      noise: fold(keys.noise, step),
      weighting,
    });
    const { value, grads } = tf.variableGrads(
      () => batchLoss(model, batch, condition),
      [...parameters.variables],
    );
    const { state: after, ...norm } = advanceWeights({
      optimizer: plan.optimizer,
      parameters,
      state,
      gradients: parameters.variables.map((v) => grads[v.name]),
      k: step + 1,
      learningRate: plan.rateAt(step),
      kept: plan.averageRate?.(step) ?? 0,
      measure,
    });
    return { state: { ...after }, loss: value, ...norm };
  });
}
