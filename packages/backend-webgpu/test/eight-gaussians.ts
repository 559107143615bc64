/** Eight Gaussians on a circle, noised by σ(t) = t, and how the tests sample them. */
import { key } from '@diff/core';
import { type Sampler, sample } from '@diff/samplers';
import { gaussianMixture } from '@diff/score';
import { edm, karrasGrid } from '@diff/sde';
import type * as tf from '@tensorflow/tfjs-core';

const process = edm({ T: 80 });
const angles = Array.from({ length: 8 }, (_, k) => (k * Math.PI) / 4);

/** Samples [n, 2], the same for the same backend. */
export function eightGaussians(sampler: Sampler, n: number, steps: number): Promise<tf.Tensor> {
  const means = angles.map((a) => [2 * Math.cos(a), 2 * Math.sin(a)]);
  return sample({
    model: gaussianMixture({ process, means, variance: 0.01 }),
    sampler,
    grid: karrasGrid({ process, steps, end: 0.01 }),
    shape: [n, 2],
    key: key(11),
  });
}
