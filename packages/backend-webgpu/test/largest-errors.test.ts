/** How far the fused kernels are from the references, run on the cpu backend; the figures are printed. */
import '@tensorflow/tfjs-backend-cpu';
import {
  combine,
  key,
  normal,
  pairwiseNearest,
  pairwiseSumDistance,
  pairwiseSumExp,
  rademacher,
  softmaxMean,
  uniform,
  useBackend,
} from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import '../src/index.ts';
import { hasAdapter } from './webgpu-in-node.ts';

const LENGTHS = [1, 3, 4, 5, 7, 8, 9, 31, 1000, 65537];
const CENTRES = 8;

/** Results for n rows of two numbers, made from the same numbers on either backend. */
const ops: Readonly<Record<string, (n: number) => tf.Tensor>> = {
  uniform: (n) => uniform(key(1), [n, 2], { firstRow: 3 }),
  rademacher: (n) => rademacher(key(1), [n, 2], { firstRow: 3 }),
  normal: (n) => normal(key(1), [n, 2], { firstRow: 3 }),
  combine: (n) => {
    const x = uniform(key(2), [n, 2]);
    return combine(
      [
        [0.7, x],
        [-1.3, x],
      ],
      { constant: 0.1, noise: [0.5, key(3)], firstRow: 5 },
    );
  },
  'softmaxMean, mean': (n) =>
    softmaxMean(uniform(key(4), [n, 2]), uniform(key(5), [CENTRES, 2]), {
      noiseVariance: 0.1,
      variance: 0.05,
    }).mean,
  'softmaxMean, log-density': (n) =>
    softmaxMean(uniform(key(4), [n, 2]), uniform(key(5), [CENTRES, 2]), {
      noiseVariance: 0.1,
      variance: 0.05,
    }).logDensity,
  'pairwise sumExp / n': (n) =>
    tf.div(pairwiseSumExp(uniform(key(6), [CENTRES, 2]), uniform(key(7), [n, 2]), { scale: 3 }), n),
  'pairwise sumDistance / n': (n) =>
    tf.div(pairwiseSumDistance(uniform(key(6), [CENTRES, 2]), uniform(key(7), [n, 2])), n),
  'pairwise nearest': (n) =>
    pairwiseNearest(uniform(key(6), [CENTRES, 2]), uniform(key(7), [n, 2]), { k: 1 }).distance,
};

async function values(backend: string, op: (n: number) => tf.Tensor, n: number): Promise<number[]> {
  await useBackend(backend);
  return Array.from(await tf.tidy(() => op(n)).data());
}

describe.skipIf(!hasAdapter)('webgpu against the reference', () => {
  test.each(Object.entries(ops))('%s', async (name, op) => {
    let worst = 0;
    for (const n of LENGTHS) {
      const [gpu, cpu] = [await values('webgpu', op, n), await values('cpu', op, n)];
      expect(gpu.length).toBe(cpu.length);
      gpu.forEach((v, i) => {
        worst = Math.max(worst, Math.abs(v - cpu[i]!) / Math.max(1, Math.abs(cpu[i]!)));
      });
    }
    console.log(`${name}: largest error ${worst.toExponential(1)}`);
    // The bits of uniform and rademacher are the integers of the stream; the others are sums of a few float32 terms.
    if (name === 'uniform' || name === 'rademacher') expect(worst).toBe(0);
    else expect(worst).toBeLessThan(2e-6);
  });
});
