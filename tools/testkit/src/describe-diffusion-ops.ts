/**
 * The conformance suite of the diffusion ops. Every backend, with or without fused kernels, has to pass it.
 *
 * The ops come as an argument, so that the suite runs against whichever build of @diff/core the caller tests.
 */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { describeCombine } from './describe-combine.ts';
import { describeNoise } from './describe-noise.ts';
import { describePairwise } from './describe-pairwise.ts';
import { describeSoftmaxMean } from './describe-softmax-mean.ts';
import type { DiffusionOps } from './diffusion-ops.ts';
import { numbers } from './test-tensors.ts';

export function describeDiffusionOps({ backend, ops }: { backend: string; ops: DiffusionOps }): void {
  const seeded = ops.key(20_24);

  describe(`diffusion ops on ${backend}`, () => {
    beforeAll(async () => {
      await tf.setBackend(backend);
      await tf.ready();
      expect(tf.getBackend()).toBe(backend);
    });

    describeNoise(ops);
    describeCombine(ops);
    describeSoftmaxMean(ops);
    describePairwise(ops);

    it('leaves no tensors behind', () => {
      const x = tf.tensor2d(numbers(20, 1), [10, 2]);
      const before = tf.memory().numTensors;
      ops.normal(seeded, [10, 2]).dispose();
      ops.combine([[1, x]], { noise: [0.5, seeded] }).dispose();
      const { mean, logDensity } = ops.softmaxMean(x, x, { noiseVariance: 1 });
      mean.dispose();
      logDensity.dispose();
      ops.pairwiseSumDistance(x, x).dispose();
      const nearest = ops.pairwiseNearest(x, x);
      nearest.distance.dispose();
      nearest.index.dispose();
      expect(tf.memory().numTensors).toBe(before);
    });
  });
}
