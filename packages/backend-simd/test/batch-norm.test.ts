import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { kernelCounts, resetKernelCounts } from '../src/index.ts';
import { besideCpu } from './beside-cpu.ts';
import { noise } from './noise.ts';

describe('batch normalisation', () => {
  beforeEach(() => tf.setBackend('simd'));

  it('is the formula for any number of channels, with and without scale and offset', async () => {
    resetKernelCounts();
    for (const channels of [1, 2, 3, 4, 5, 6, 7, 8, 9, 31, 1000]) {
      for (const shape of [
        [3, 2, 3, channels],
        [1, 1, 1, channels],
        [50, 7, 1, channels],
        [0, 2, 2, channels],
      ] as const) {
        await besideCpu(
          () => {
            const row = (seed: number): tf.Tensor1D => tf.tensor1d(noise(channels, seed));
            const x = tf.tensor4d(noise(shape[0] * shape[1] * shape[2] * channels, 1), [...shape]);
            const [mean, variance, offset, scale] = [row(2), tf.abs(row(3)) as tf.Tensor1D, row(4), row(5)];
            return [
              tf.batchNorm(x, mean, variance, offset, scale),
              tf.batchNorm(x, mean, variance, offset, scale, 0.1),
              tf.batchNorm(x, mean, variance, undefined, scale),
              tf.batchNorm(x, mean, variance),
            ];
          },
          `[${shape}]`,
          { relative: 1e-6, absolute: 1e-4 },
        );
      }
    }
    expect(kernelCounts().find(({ kernel }) => kernel === 'FusedBatchNorm')).toMatchObject({
      own: 176,
      fallback: 0,
    });
  });
});
