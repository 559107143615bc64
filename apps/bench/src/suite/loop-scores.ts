/** The two scores of the sampling loops: eight Gaussians on a circle, exactly, and a multilayer perceptron. */
import { defineModel, dense, gaussianMixture } from '@diff/score';
import { canonicalOu, edm } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import type { HostTensor } from './bench-case.ts';
import { normals, onBackend } from './host-numbers.ts';
import type { LoopScore } from './sampling-loop.ts';

const K = 8;
const VARIANCE = 0.04;

/** Centres on a circle of radius 2 in the first two coordinates; the others are 0. */
function centres(d: number): HostTensor {
  const values = new Float32Array(K * d);
  for (let k = 0; k < K; k++) {
    values[k * d] = 2 * Math.cos((k * Math.PI) / 4);
    if (d > 1) values[k * d + 1] = 2 * Math.sin((k * Math.PI) / 4);
  }
  return { shape: [K, d], values };
}

/** Exact score of a mixture of eight Gaussians under the canonical Ornstein–Uhlenbeck process. */
export const eightGaussians: LoopScore = {
  op: 'mixtureLoop',
  process: canonicalOu({ T: 3 }),
  settings: { variance: VARIANCE },
  inputs: (d) => ({ centres: centres(d) }),
  model: (inputs) => {
    const { values, shape } = inputs.centres!;
    const d = shape[1]!;
    const means = Array.from({ length: K }, (_, k) => Array.from(values.subarray(k * d, (k + 1) * d)));
    return {
      model: gaussianMixture({ process: eightGaussians.process, means, variance: VARIANCE }),
      dispose: () => undefined,
    };
  },
  exact: (inputs) => {
    const { values } = inputs.centres!;
    const weights = new Float64Array(K);
    return (x, alpha, variance, out) => {
      const d = x.length;
      const v = alpha * alpha * VARIANCE + variance;
      let top = Number.NEGATIVE_INFINITY;
      for (let k = 0; k < K; k++) {
        let squared = 0;
        for (let j = 0; j < d; j++) squared += (x[j]! - alpha * values[k * d + j]!) ** 2;
        weights[k] = -squared / (2 * v);
        top = Math.max(top, weights[k]!);
      }
      let total = 0;
      for (let k = 0; k < K; k++) {
        weights[k] = Math.exp(weights[k]! - top);
        total += weights[k]!;
      }
      for (let j = 0; j < d; j++) {
        let mean = 0;
        for (let k = 0; k < K; k++) mean += (weights[k]! / total) * alpha * values[k * d + j]!;
        out[j] = (mean - x[j]!) / v;
      }
    };
  },
};

const WIDTH = 128;
const layers = (d: number): readonly (readonly [number, number])[] => [
  [d, WIDTH],
  [WIDTH, WIDTH],
  [WIDTH, WIDTH],
  [WIDTH, d],
];

/** A perceptron d → 128 → 128 → 128 → d with silu between, its weights random, under dX = √(2t) dB. */
export const perceptron: LoopScore = {
  op: 'perceptronLoop',
  process: edm({ T: 1 }),
  settings: { layers: 4 },
  flops: 2 * layers(2).reduce((sum, [a, b]) => sum + a * b, 0),
  inputs: (d) =>
    Object.fromEntries(
      layers(d).flatMap(([rows, columns], i) => [
        [`w${i}`, normals(20 + i, [rows, columns], 1.5 / Math.sqrt(rows))],
        [`b${i}`, normals(30 + i, [columns], 0.1)],
      ]),
    ),
  model: (inputs) => {
    const weights = layers(2).map((_, i) => onBackend(inputs[`w${i}`]!));
    const biases = layers(2).map((_, i) => onBackend(inputs[`b${i}`]!));
    const predict = (x: tf.Tensor): tf.Tensor =>
      tf.tidy(() => {
        let h = x;
        weights.forEach((w, i) => {
          h = dense(h, w, { bias: biases[i]!, activation: i < weights.length - 1 ? 'silu' : 'linear' });
        });
        return h;
      });
    return {
      model: defineModel({ process: perceptron.process, kind: 'score', predict }),
      dispose: () => tf.dispose([...weights, ...biases]),
    };
  },
  exact: (inputs) => {
    const parts = layers(2).map((_, i) => ({
      w: inputs[`w${i}`]!.values,
      b: inputs[`b${i}`]!.values,
      shape: inputs[`w${i}`]!.shape,
    }));
    return (x, _alpha, _variance, out) => {
      let h: Float64Array = x;
      parts.forEach(({ w, b, shape: [rows, columns] }, i) => {
        const y = Float64Array.from(b);
        for (let r = 0; r < rows!; r++)
          for (let c = 0; c < columns!; c++) y[c]! += h[r]! * w[r * columns! + c]!;
        h = i < parts.length - 1 ? y.map((v) => v / (1 + Math.exp(-v))) : y;
      });
      out.set(h);
    };
  },
};
