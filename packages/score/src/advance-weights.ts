/**
 * The step of the optimiser and of the weights' average, from the gradients of all variables to the variables:
 *
 *   (p, m, v) ← Adam(p, m, v, g),   a ← r a + (1 − r) p
 *
 * One pass where the backend has the kernel DiffAdamAverage; elsewhere weights and gradients become rows first, and the
 * weights are cut into variables in the end.
 */
import { combine } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Adam } from './adam.ts';
import type { FlatParameters } from './flat-parameters.ts';

/** The kernel that a backend may have for all of it. */
const FUSED = 'DiffAdamAverage';

/** Beside the weights, which are in the variables: moments and average between two steps, each [1, P]. */
export interface RunningState {
  readonly first: tf.Tensor;
  readonly second: tf.Tensor;
  readonly average?: tf.Tensor;
}

export function stateTensors({ first, second, average }: RunningState): tf.Tensor[] {
  return [first, second, ...(average ? [average] : [])];
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
  /** Is the gradient's norm asked for? */
  readonly measure: boolean;
}

export interface AdvancedWeights {
  readonly state: RunningState;
  /** |g| before clipping, scalar, if it was asked for. */
  readonly gradientNorm?: tf.Tensor;
}

/** The state after the step; the variables follow. */
export function advanceWeights(options: AdvanceWeightsOptions): AdvancedWeights {
  const { optimizer, parameters, state, gradients, k, learningRate, kept, measure } = options;
  if (tf.getKernel(FUSED, tf.getBackend())) return fused(options);
  const before = { ...state, parameters: parameters.flatten(parameters.variables) };
  const moved = optimizer.step(before, parameters.flatten(gradients), k, learningRate);
  const { parameters: weights, first, second } = moved;
  parameters.assign(weights);
  const norm = measure ? { gradientNorm: moved.gradientNorm } : {};
  if (!state.average) return { state: { first, second }, ...norm };
  const average = combine([
    [kept, state.average],
    [1 - kept, weights],
  ]);
  return { state: { first, second, average }, ...norm };
}

function fused(options: AdvanceWeightsOptions): AdvancedWeights {
  const { optimizer, parameters, state, gradients, k, learningRate, kept, measure } = options;
  const { variables } = parameters;
  const inputs = [
    ...stateTensors(state),
    ...variables,
    ...variables.map((v, i) => gradients[i] ?? tf.zeros(v.shape)),
  ];
  const attrs = { ...optimizer.attributes(k, learningRate), kept: state.average ? kept : null, measure };
  const outputs: tf.Tensor[] = tf
    .engine()
    .runKernel(FUSED, inputs as object as tf.NamedTensorMap, attrs as object as tf.NamedAttrMap);
  const moved = outputs.splice(-variables.length);
  variables.forEach((v, i) => {
    v.assign(moved[i]!);
  });
  tf.dispose(moved);
  const gradientNorm = measure && outputs.pop();
  const [first, second, average] = outputs as [tf.Tensor, tf.Tensor, tf.Tensor?];
  return { state: { first, second, ...(average && { average }) }, ...(gradientNorm && { gradientNorm }) };
}
