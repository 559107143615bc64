/**
 * A network is a differentiable function F(x, c, condition) with named weights. What it predicts is not its
 * business: `precondition` scales its input and output and makes a score model of it.
 */
import { DomainError, ShapeError, shown } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Condition } from './model.ts';

/** What JSON can hold. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** Plain JSON from which `networkFromConfig` builds the architecture again; `type: 'custom'` cannot be rebuilt. */
export type NetworkConfig = { readonly type: string; readonly [name: string]: Json };

export interface Network {
  readonly config: NetworkConfig;
  /** Trainable float32 weights by name. Names are the network's own, and those of its checkpoint. */
  readonly variables: Readonly<Record<string, tf.Variable>>;
  /** Shape of one row of x, where the network demands one. */
  readonly eventShape?: readonly number[];
  /** Number of classes, where conditions are labels 0 … classes − 1 (and nullLabel). */
  readonly classes?: number;
  /** The label that stands for "no condition": what label dropout writes, and what an absent condition means. */
  readonly nullLabel?: number;
  /**
   * F, synchronous and differentiable in x and in the variables.
   *
   * @param x [n, …event]; @param noiseLevel c_noise of each row, [n]; @param condition first axis n, or absent.
   * @returns a tensor of x's shape, owned by the caller.
   */
  apply(x: tf.Tensor, noiseLevel: tf.Tensor1D, condition?: Condition): tf.Tensor;
}

export interface FunctionNetworkOptions {
  readonly apply: Network['apply'];
  readonly variables?: Readonly<Record<string, tf.Variable>>;
  readonly eventShape?: readonly number[];
  readonly nullLabel?: number;
  readonly config?: NetworkConfig;
}

/**
 * Any function of tfjs ops as a network.
 *
 * @example
 * ```ts
 * import { functionNetwork } from '@diff/score';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const gain = tf.variable(tf.tensor2d([[1, 0], [0, 1]]));
 * const linear = functionNetwork({ variables: { gain }, apply: (x) => tf.matMul(x as tf.Tensor2D, gain as tf.Tensor2D) });
 * ```
 */
export function functionNetwork(options: FunctionNetworkOptions): Network {
  if (typeof options.apply !== 'function') {
    throw new DomainError(
      `functionNetwork: apply must be a function (x, noiseLevel, condition) → tensor, got ${shown(options.apply)}. Pass one.`,
    );
  }
  return { variables: {}, config: { type: 'custom' }, ...options };
}

/** The part of a tfjs-layers model that is used. */
export interface LayersModelLike {
  readonly inputs: readonly { readonly shape: readonly (number | null)[] }[];
  readonly trainableWeights: readonly { readonly name: string; read(): tf.Tensor }[];
  apply(inputs: tf.Tensor | tf.Tensor[]): unknown;
}

/**
 * A tfjs-layers model as a network. Its inputs are, in order, x [n, …], c_noise [n, 1] and, if there is a third,
 * the condition; its output has x's shape.
 *
 * @param options nullLabel: what is passed as the condition of rows without one, as an int32 label.
 * @throws ShapeError unless the model has two or three inputs.
 * @example
 * ```ts
 * import { layersNetwork } from '@diff/score';
 * import * as layers from '@tensorflow/tfjs-layers';
 * import '@tensorflow/tfjs-backend-cpu';
 * const [x, c] = [layers.input({ shape: [2] }), layers.input({ shape: [1] })];
 * const { concatenate, dense } = layers.layers;
 * const hidden = dense({ units: 8, activation: 'tanh' }).apply(concatenate().apply([x, c]));
 * const y = dense({ units: 2 }).apply(hidden) as layers.SymbolicTensor;
 * const network = layersNetwork(layers.model({ inputs: [x, c], outputs: y }));
 * ```
 */
export function layersNetwork(
  model: LayersModelLike,
  options: { readonly nullLabel?: number } = {},
): Network {
  const inputs = model.inputs.length;
  if (inputs !== 2 && inputs !== 3) {
    throw new ShapeError(
      `layersNetwork: the model must have 2 or 3 inputs (x, c_noise and possibly a condition), got ${inputs}. Add an input of shape [1] for c_noise.`,
    );
  }
  const variables: Record<string, tf.Variable> = {};
  for (const weight of model.trainableWeights) {
    const value = weight.read();
    if (!(value instanceof tf.Variable)) {
      throw new DomainError(
        `layersNetwork: weight '${weight.name}' must be a tf.Variable, got ${shown(value)}. Pass a tfjs-layers model.`,
      );
    }
    variables[weight.name] = value;
  }
  const { nullLabel } = options;
  return {
    ...options,
    config: { type: 'custom' },
    variables,
    apply(x, noiseLevel, condition) {
      const rows = x.shape[0] ?? 0;
      const fed = [x, tf.reshape(noiseLevel, [rows, 1])];
      if (inputs === 3) {
        if (condition) fed.push(condition);
        else if (nullLabel !== undefined) fed.push(tf.fill([rows], nullLabel, 'int32'));
        else {
          throw new ShapeError(
            'layersNetwork: this model needs a condition, got none. Pass one, or give layersNetwork a nullLabel.',
          );
        }
      }
      const out = model.apply(fed);
      if (!(out instanceof tf.Tensor)) {
        throw new ShapeError(
          `layersNetwork: the model must return one tensor, got ${shown(out)}. Give it a single output.`,
        );
      }
      return out;
    },
  };
}
