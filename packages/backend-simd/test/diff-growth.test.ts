import * as core from '@diff/core';
import { expectSameBits } from '@diff/testkit';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kernelCounts, resetKernelCounts } from '../src/index.ts';
import { wasm } from '../src/wasm.ts';
import { noise } from './noise.ts';

const [n, d, count] = [301, 3, 90];
const float = (shape: number[], seed: number): tf.Tensor =>
  tf.tensor(noise(tf.util.sizeFromShape(shape), seed), shape);

/** Every op, with inputs that reach the tensor memory only in the kernel call. */
const ops: Record<string, () => tf.Tensor[]> = {
  normal: () => [core.normal(core.key(1), [n, d])],
  uniform: () => [core.uniform(core.key(1), [n, d], { firstRow: 2 ** 40 })],
  rademacher: () => [core.rademacher(core.key(1), [n])],
  combine: () => {
    const weights = float([n], 1);
    const scale = float([n], 2);
    const terms = [
      [weights, float([n, d], 3)],
      [2, float([n, d], 4)],
    ] as const;
    return [core.combine(terms, { constant: 1, noise: [scale, core.key(2)] })];
  },
  softmaxMean: () => {
    const options = { noiseVariance: tf.abs(float([n], 1)), variance: tf.abs(float([count], 2)) };
    const result = core.softmaxMean(float([n, d], 3), float([count, d], 4), {
      ...options,
      values: float([count, 5], 5),
      logWeights: float([count], 6),
    });
    return [result.mean, result.logDensity];
  },
  pairwise: () => {
    const [x, y, w] = [float([n, d], 1), float([count, d], 2), float([count], 3)];
    const { distance, index } = core.pairwiseNearest(x, y, { k: 7 });
    return [
      core.pairwiseSumExp(x, y, { scale: 2, weights: w }),
      core.pairwiseSumDistance(x, y),
      core.pairwiseLogSumExp(x, y, { scale: 2, potential: w }),
      distance,
      index,
    ];
  },
};

async function run(name: string): Promise<Float32Array[]> {
  const tensors = tf.tidy(() => ops[name]!());
  const values = await Promise.all(tensors.map(async (t) => Float32Array.from(await t.data())));
  tf.dispose(tensors);
  return values;
}

describe('diffusion kernels while the memory grows', () => {
  beforeAll(() => tf.setBackend('simd'));
  afterAll(() => wasm().heap.stress({ detach: false, poison: false }));

  it.each(Object.keys(ops))('%s gives the same bits', async (name) => {
    wasm().heap.stress({ detach: false, poison: false });
    const expected = await run(name);
    wasm().heap.stress({ detach: true, poison: true });
    const actual = await run(name);
    actual.forEach((values, i) => {
      expectSameBits(values, expected[i]!, `${name}, output ${i}`);
    });
  });

  it('leaves no working memory behind and calls no cpu kernel', async () => {
    for (const name of Object.keys(ops)) await run(name);
    const { inUse } = wasm().heap.stats();
    resetKernelCounts();
    for (const name of Object.keys(ops)) await run(name);
    expect(wasm().heap.stats().inUse).toBe(inUse);
    const diffusion = kernelCounts().filter((k) => k.kernel.startsWith('Diff'));
    expect(diffusion.map((k) => k.kernel).sort()).toEqual([...core.DIFF_KERNELS].sort());
    expect(diffusion.every((k) => k.fallback === 0)).toBe(true);
  });

  it('takes integer tensors for numbers', async () => {
    const x = tf.tensor2d([0, 3, 4, 0], [2, 2], 'int32');
    const distance = core.pairwiseSumDistance(x, tf.zeros([1, 2], 'int32'));
    expect(Array.from(await distance.data())).toEqual([3, 4]);
    const weighted = core.combine([[tf.tensor1d([2, 3], 'int32'), tf.ones([2, 2])]]);
    expect(Array.from(await weighted.data())).toEqual([2, 2, 3, 3]);
  });
});
