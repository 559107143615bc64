/** The same run on other backends: they agree to float32 rounding of a deterministic sampler. */
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import { key, useBackend } from '@diff/core';
import { gaussianMixture } from '@diff/score';
import { uniformGrid, variancePreserving } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, expect, test } from 'vitest';
import { ddpm, dpmSolver, heun, type Sampler, sample } from '../src/index.ts';

afterAll(async () => {
  await useBackend('cpu');
});

async function run(backend: string, sampler: Sampler): Promise<Float32Array> {
  await useBackend(backend);
  const process = variancePreserving();
  const model = gaussianMixture({
    process,
    means: [
      [1.5, 0.2],
      [-1, 1.2],
    ],
    weights: [0.6, 0.4],
    variance: [0.1, 0.2],
  });
  const before = tf.memory().numTensors;
  const grid = uniformGrid({ process, steps: 20, end: 0.01 });
  const x = await sample({ model, sampler, grid, shape: [257, 2], key: key(5) });
  const values = (await x.data()) as Float32Array;
  x.dispose();
  expect(tf.memory().numTensors).toBe(before);
  return values;
}

test.each([heun(), dpmSolver(), ddpm()].map((s) => [s.name, s] as const))(
  '%s: cpu and wasm',
  async (_name, s) => {
    const [cpu, wasm] = [await run('cpu', s), await run('wasm', s)];
    const worst = Math.max(...cpu.map((v, i) => Math.abs(v - wasm[i]!)));
    expect(worst).toBeGreaterThanOrEqual(0);
    expect(worst).toBeLessThan(1e-4);
  },
);
