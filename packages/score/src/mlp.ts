/**
 * A residual multilayer perceptron with Fourier features of the noise level and an optional class:
 *
 *   e = silu(W_t [cos 2πf c, sin 2πf c] + b_t + W_c[label])          f geometric between two frequencies
 *   h₀ = W_in x + b_in,     h_{i+1} = h_i + B_i silu(A_i silu(h_i) + E_i e + a_i) + b_i,
 *   F = W_out silu(h) + b_out
 *
 * W_out = 0 at the start, so that F = 0 and the preconditioned model starts as c_skip·x. Fourier features:
 * Tancik et al. 2020, in the place EDM has them (Karras et al. 2022, §C); every residual block sees them
 * through a matrix of its own.
 */
import {
  fold,
  type Key,
  normal,
  requireInteger,
  requireKey,
  requirePositive,
  ShapeError,
  shown,
} from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { UNCONDITIONAL } from './exact-model.ts';
import { type Layer, type LayerProduct, layerProgram, runLayers } from './layers.ts';
import type { Network } from './network.ts';

export interface MlpOptions {
  /** Shape of one row of x, such as [2] or [8, 8, 1]. */
  readonly eventShape: readonly number[];
  /** Names the weights' initial values. */
  readonly key: Key;
  /** Units of every hidden layer; default 128. */
  readonly width?: number;
  /** Residual blocks of two layers each; default 3. */
  readonly blocks?: number;
  /** Number of Fourier features of the noise level, half cosines and half sines; default 64. */
  readonly fourierFeatures?: number;
  /** Lowest and highest frequency in cycles per unit of c_noise; default [1/16, 4], made for 'edm' preconditioning. */
  readonly frequencies?: readonly [lowest: number, highest: number];
  /** Number of classes; labels are 0 … classes − 1, and −1 means "none". Default 0: no condition. */
  readonly classes?: number;
}

/**
 * Makes a residual MLP with fresh weights.
 *
 * @returns a network whose condition is int32 labels [n]; dispose `Object.values(network.variables)` when done.
 * @throws DomainError, ShapeError
 * @example
 * ```ts
 * import { key } from '@diff/core';
 * import { mlp } from '@diff/score';
 * import '@tensorflow/tfjs-backend-cpu';
 * const network = mlp({ eventShape: [64], width: 256, blocks: 3, classes: 10, key: key(1) });
 * ```
 */
export function mlp(options: MlpOptions): Network {
  const { eventShape, key, width = 128, blocks = 3, fourierFeatures = 64, classes = 0 } = options;
  const [lowest, highest] = options.frequencies ?? [1 / 16, 4];
  if (!Array.isArray(eventShape) || eventShape.length === 0) {
    throw new ShapeError(
      `mlp: eventShape must list at least one dimension, got ${shown(eventShape)}. Pass for example [2].`,
    );
  }
  eventShape.forEach((s) => {
    requireInteger('mlp', 'each dimension of eventShape', s, 1);
  });
  requireKey('mlp', key);
  requireInteger('mlp', 'width', width, 1);
  requireInteger('mlp', 'blocks', blocks, 0);
  requireInteger('mlp', 'fourierFeatures / 2', fourierFeatures / 2, 1, 'Pass an even number.');
  requireInteger('mlp', 'classes', classes, 0);
  requirePositive('mlp', 'the lowest frequency', lowest);
  requirePositive('mlp', 'the highest frequency', highest);

  const size = eventShape.reduce((a, b) => a * b, 1);
  const half = fourierFeatures / 2;
  const variables: Record<string, tf.Variable> = {};
  const weight = (name: string, rows: number, columns: number, scale: number): tf.Variable => {
    const index = Object.keys(variables).length;
    const variable = tf.tidy(() =>
      tf.variable(
        scale === 0 ? tf.zeros([rows, columns]) : tf.mul(normal(fold(key, index), [rows, columns]), scale),
      ),
    );
    variables[name] = variable;
    return variable;
  };
  const bias = (name: string, units: number): tf.Variable => {
    const variable = tf.tidy(() => tf.variable(tf.zeros([units])));
    variables[name] = variable;
    return variable;
  };
  /** A weight's place. */
  const place = (name: string): number => Object.keys(variables).indexOf(name);
  type Product = (x: LayerProduct['x']) => LayerProduct;
  const layer = (name: string, rows: number, columns: number, gain = 1): Product => {
    weight(`${name}.kernel`, rows, columns, gain / Math.sqrt(rows));
    bias(`${name}.bias`, columns);
    const places = { kernel: place(`${name}.kernel`), bias: place(`${name}.bias`) };
    return (x) => ({ x, ...places });
  };

  const input = layer('input', size, width);
  const time = layer('time', fourierFeatures, width, Math.SQRT2);
  const label = classes > 0 && weight('label.kernel', classes, width, 1);
  const body = Array.from({ length: blocks }, (_, i) => ({
    first: layer(`block${i}.first`, width, width),
    shift: layer(`block${i}.shift`, width, width),
    second: layer(`block${i}.second`, width, width, 1 / Math.sqrt(blocks)),
  }));
  const output = layer('output', width, size, 0);
  /** Inputs are x, the features of the noise level, and labels as rows of zeros and ones. */
  const layersOf = (hasLabels: boolean): Layer[] => {
    const ofLabel = { x: { input: 2 }, kernel: place('label.kernel') };
    const products = [time({ input: 1 }), ...(hasLabels ? [ofLabel] : [])];
    const layers: Layer[] = [
      { products, activation: 'silu' },
      { products: [input({ input: 0 })], activation: 'silu' },
    ];
    for (const { first, shift, second } of body) {
      const h = layers.length - 1;
      layers.push({ products: [first({ layer: h }), shift({ layer: 0 })], activation: 'silu' });
      layers.push({ products: [second({ layer: h + 1 })], addend: h, activation: 'silu' });
    }
    layers.push({ products: [output({ layer: layers.length - 1 })], activation: 'linear' });
    return layers;
  };
  const [plain, conditional] = [layerProgram(layersOf(false)), layerProgram(layersOf(true))];
  const frequencies = Array.from(
    { length: half },
    (_, i) => 2 * Math.PI * lowest * (highest / lowest) ** (half > 1 ? i / (half - 1) : 0),
  );

  const features = (noiseLevel: tf.Tensor1D): tf.Tensor => {
    const column = tf.reshape(noiseLevel, [noiseLevel.shape[0], 1]);
    const angles = tf.matMul(column, tf.tensor2d(frequencies, [1, half]));
    return tf.concat([tf.cos(angles), tf.sin(angles)], 1);
  };

  /** The row of label −1 is zero: no condition, no term. */
  const oneHot = (labels: tf.Tensor, rows: number): tf.Tensor => {
    if (labels.rank !== 1 || labels.shape[0] !== rows) {
      throw new ShapeError(
        `mlp: condition must be labels of shape [${rows}], got ${shown(labels)}. Pass one int32 label per row.`,
      );
    }
    const chosen = tf.oneHot(labels.dtype === 'int32' ? labels : tf.cast(labels, 'int32'), classes);
    return tf.cast(chosen, 'float32');
  };

  return {
    config: {
      type: 'mlp',
      eventShape: [...eventShape],
      width,
      blocks,
      fourierFeatures,
      frequencies: [lowest, highest],
      classes,
    },
    variables,
    eventShape: [...eventShape],
    ...(classes > 0 ? { classes, nullLabel: UNCONDITIONAL } : {}),
    apply: (x, noiseLevel, condition) =>
      tf.tidy(() => {
        const rows = x.shape[0] ?? 0;
        if (condition && !label) {
          throw new ShapeError(
            `mlp: this network was made without classes, got a condition, ${shown(condition)}. Make it with \`classes\`, or pass none.`,
          );
        }
        const labels = label && condition ? [oneHot(condition, rows)] : [];
        const inputs = [tf.reshape(x, [rows, size]), features(noiseLevel), ...labels];
        const program = labels.length > 0 ? conditional : plain;
        return tf.reshape(runLayers(program, inputs, Object.values(variables)), x.shape);
      }),
  };
}
