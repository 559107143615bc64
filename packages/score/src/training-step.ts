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
  /** |gradient| before clipping. */
  readonly gradientNorm: tf.Tensor;
}

/** The state before step 0: no moments, and the network's present weights for an average. */
export function initialState({ averageRate }: TrainingPlan, parameters: FlatParameters): RunningState {
  return tf.tidy(() => {
    const [first, second] = [tf.zeros([1, parameters.size]), tf.zeros([1, parameters.size])];
    return { first, second, ...(averageRate ? { average: parameters.flatten(parameters.variables) } : {}) };
  });
}

/** The labels of a batch, some of them dropped. */
function conditionOf(plan: TrainingPlan, step: number, indices: tf.Tensor1D): tf.Tensor | undefined {
  const { labels, dropout, batchSize } = plan;
  if (!labels) return undefined;
  const chosen = tf.gather(labels, indices);
  if (dropout === 0) return chosen;
  const u = keyedUniforms(fold(plan.keys.dropout, step), batchSize);
  const dropped = Uint8Array.from(u, (ui) => (ui < dropout ? 1 : 0));
  const mask = tf.tensor(dropped, [batchSize, ...new Array<number>(chosen.rank - 1).fill(1)], 'bool');
  const nothing = plan.model.network.nullLabel ?? 0;
  return tf.where(
    mask,
    tf.fill(chosen.shape, nothing, chosen.dtype === 'int32' ? 'int32' : 'float32'),
    chosen,
  );
}

/** The state after step `step`; the one before is given away, but still to be disposed of. The network's variables follow. */
export function advance(
  plan: TrainingPlan,
  parameters: FlatParameters,
  state: RunningState,
  step: number,
): Advanced {
  const { model, data, batchSize, weighting, keys } = plan;
  return tf.tidy(() => {
    const indices = tf.tensor1d(plan.order(step), 'int32');
    const condition = conditionOf(plan, step, indices);
    const batch = denoisingBatch({
      model,
      x0: tf.gather(data, indices),
      times: plan.times(fold(keys.times, step), batchSize),
      noise: fold(keys.noise, step),
      weighting,
    });
    const { value, grads } = tf.variableGrads(
      () => batchLoss(model, batch, condition),
      [...parameters.variables],
    );
    const { state: after, gradientNorm } = advanceWeights({
      optimizer: plan.optimizer,
      parameters,
      state,
      gradients: parameters.variables.map((v) => grads[v.name]),
      k: step + 1,
      learningRate: plan.rateAt(step),
      kept: plan.averageRate?.(step) ?? 0,
    });
    return { state: { ...after }, loss: value, gradientNorm };
  });
}
