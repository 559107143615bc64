import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { kernelCounts, resetKernelCounts } from '../src/index.ts';
import { noise } from './noise.ts';

const activations = {
  linear: (y: tf.Tensor) => y,
  relu: (y: tf.Tensor) => tf.relu(y),
  relu6: (y: tf.Tensor) => tf.relu6(y),
  elu: (y: tf.Tensor) => tf.elu(y),
  sigmoid: (y: tf.Tensor) => tf.sigmoid(y),
  leakyrelu: (y: tf.Tensor) => tf.leakyRelu(y, 0.3),
} as const;

describe('fused.matMul', () => {
  beforeAll(() => tf.setBackend('simd'));

  it.each(Object.entries(activations))('with %s has the bits of the separate ops', (name, activation) => {
    const activationName = name as keyof typeof activations;
    for (const [m, n, k] of [
      [9, 21, 30],
      [21, 21, 30],
      [9, 3, 30],
      [1, 17, 5],
      [50, 64, 2],
    ] as const) {
      for (const biasShape of [undefined, [n], [1, n], [1], [m, n], [m, 1]]) {
        for (const transposeB of [false, true]) {
          tf.tidy(() => {
            const a = tf.tensor2d(noise(m * k, 1), [m, k]);
            const b = tf.tensor2d(
              noise(k * n, 2).map((v) => 3 * v),
              transposeB ? [n, k] : [k, n],
            );
            const bias = biasShape && tf.tensor(noise(tf.util.sizeFromShape(biasShape), 3), biasShape);
            resetKernelCounts();
            const fused = tf.fused.matMul({
              a,
              b,
              transposeB,
              activation: activationName,
              leakyreluAlpha: 0.3,
              ...(bias && { bias }),
            });
            const fallbacks = kernelCounts().filter(({ fallback }) => fallback > 0);
            expect(fallbacks, 'fallbacks').toEqual([]);
            const product = tf.matMul(a, b, false, transposeB);
            const separate = activation(bias ? tf.add(product, bias) : product);
            expect(fused.dataSync(), `[${m}, ${k}] × [${k}, ${n}] + [${biasShape}]`).toEqual(
              separate.dataSync(),
            );
          });
        }
      }
    }
  });

  it('with prelu has the bits of the separate ops', () => {
    tf.tidy(() => {
      const a = tf.tensor2d(noise(9 * 30, 1), [9, 30]);
      const b = tf.tensor2d(noise(30 * 21, 2), [30, 21]);
      const alpha: tf.Tensor = tf.tensor1d(noise(21, 3));
      const fused = tf.fused.matMul({ a, b, activation: 'prelu', preluActivationWeights: alpha });
      const product: tf.Tensor = tf.matMul(a, b);
      expect(fused.dataSync()).toEqual(tf.prelu(product, alpha).dataSync());
    });
  });

  it('leaves no tensor or memory behind', () => {
    const a = tf.tensor2d(noise(12, 1), [3, 4]);
    const bias = tf.tensor2d(noise(9, 3), [3, 3]);
    const alpha = tf.scalar(0.1);
    const run = (): void =>
      tf.fused
        .matMul({ a, b: a, transposeB: true, bias, activation: 'prelu', preluActivationWeights: alpha })
        .dispose();
    run();
    const before = tf.memory();
    for (let i = 0; i < 10; i++) run();
    expect(tf.memory()).toEqual(before);
    tf.dispose([a, bias, alpha]);
  });
});
