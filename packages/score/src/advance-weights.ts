/**
 * The step of the optimiser and of the weights' average, from the gradients of all variables to the variables:
 *
 *   (p, m, v) ← Adam(p, m, v, g),   a ← r a + (1 − r) p
 *
 * One pass where the backend has the kernel DiffAdamAverage; elsewhere the gradients become one row first, and the row
 * is cut into variables in the end.
 */
import { combine } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Adam, AdamState } from './adam.ts';
import type { FlatParameters } from './flat-parameters.ts';

/** The kernel that a backend may have for all of it. */
const FUSED = 'DiffAdamAverage';

/** Weights, moments and average between two steps, each [1, P]. */
export interface RunningState extends AdamState {
  readonly average?: tf.Tensor;
}

export interface AdvanceWeightsOptions {
  readonly optimizer: Adam;
  readonly parameters: FlatParameters;
  /** Given away: what nobody else holds may be written over. Its tensors are still the caller's to dispose of. */
  readonly state: RunningState;
  /** One for each variable; undefined stands for zeros. */
  readonly gradients: readonly (tf.Tensor | undefined)[];
  /** The number of the step, 1, 2, … */
  readonly k: number;
  readonly learningRate: number;
  /** r; of no concern where there is no average. */
  readonly kept: number;
}

export interface AdvancedWeights {
  readonly state: RunningState;
  /** |g| before clipping, scalar. */
  readonly gradientNorm: tf.Tensor;
}

/** The state after the step; the variables follow. */
export function advanceWeights(options: AdvanceWeightsOptions): AdvancedWeights {
  const { optimizer, parameters, state, gradients, k, learningRate, kept } = options;
  if (tf.getKernel(FUSED, tf.getBackend())) return fused(options);
  const gradient = parameters.flatten(gradients);
  const { gradientNorm, ...moved } = optimizer.step(state, gradient, k, learningRate);
  parameters.assign(moved.parameters);
  if (!state.average) return { state: moved, gradientNorm };
  const average = combine([
    [kept, state.average],
    [1 - kept, moved.parameters],
  ]);
  return { state: { ...moved, average }, gradientNorm };
}

function fused(options: AdvanceWeightsOptions): AdvancedWeights {
  const { optimizer, parameters, state, gradients, k, learningRate, kept } = options;
  const { variables } = parameters;
  const inputs = [
    ...[state.parameters, state.first, state.second],
    ...(state.average ? [state.average] : []),
    ...variables.map((v, i) => gradients[i] ?? tf.zeros(v.shape)),
  ];
  const attrs = { ...optimizer.attributes(k, learningRate), kept: state.average ? kept : null };
  const outputs: tf.Tensor[] = tf
    .engine()
    .runKernel(FUSED, inputs as object as tf.NamedTensorMap, attrs as object as tf.NamedAttrMap);
  const moved = outputs.slice(-variables.length);
  variables.forEach((v, i) => {
    v.assign(moved[i]!);
  });
  tf.dispose(moved);
  const [p, first, second, fourth, fifth] = outputs as [
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
  ];
  return state.average
    ? { state: { parameters: p, first, second, average: fourth }, gradientNorm: fifth }
    : { state: { parameters: p, first, second }, gradientNorm: fourth };
}
