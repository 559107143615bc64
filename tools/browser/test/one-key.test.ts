/** One key, four backends: the same samples up to rounding. */
import '@tensorflow/tfjs-backend-cpu';
import '@diff/backend-simd';
import '@diff/backend-webgpu';
import { key, useBackend } from '@diff/core';
import { ddpm, heun, type Sampler, sample } from '@diff/samplers';
import { gaussianMixture } from '@diff/score';
import { karrasGrid, varianceExploding } from '@diff/sde';
import { describe, expect, test } from 'vitest';
import './wasm-files.ts';

const process = varianceExploding({ sigmaMin: 0.01, sigmaMax: 10 });
const means = [0, 1, 2, 3, 4, 5, 6, 7].map((k) => [
  2 * Math.cos((k * Math.PI) / 4),
  2 * Math.sin((k * Math.PI) / 4),
]);

async function samples(backend: string, sampler: Sampler): Promise<ArrayLike<number>> {
  await useBackend(backend);
  const x = await sample({
    model: gaussianMixture({ process, means, variance: 0.01 }),
    sampler,
    grid: karrasGrid({ process, steps: 25, end: 0.01 }),
    shape: [1000, 2],
    key: key(20),
  });
  const values = await x.data();
  x.dispose();
  return values;
}

describe.each([
  ['heun', heun()],
  ['ddpm', ddpm()],
] as const)('%s', (_name, sampler) => {
  test.each(['simd', 'wasm', 'webgpu'])('on %s as on cpu', async (backend) => {
    const expected = await samples('cpu', sampler);
    const actual = await samples(backend, sampler);
    const worst = Array.from(expected, (v, i) => Math.abs(v - actual[i]!)).reduce(
      (a, b) => Math.max(a, b),
      0,
    );
    console.log(`${sampler.name} on ${backend}: largest difference ${worst.toExponential(1)}`);
    expect(worst).toBeLessThan(1e-4); // |x| starts near 10, where half an ulp is 5e-7; 25 steps amplify it
  });
});
