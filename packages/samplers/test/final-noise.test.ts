/** `finalNoise: false` ends on the mean of the last step and changes nothing before it. */
import '@tensorflow/tfjs-backend-cpu';
import { fold, key, normal } from '@diff/core';
import { canonicalOu } from '@diff/sde';
import { expectClose } from '@diff/testkit';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { eulerMaruyama, exponentialIntegrator, type Sampler, trajectory } from '../src/index.ts';
import { gaussianModel } from './affine-law.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const process = canonicalOu({ T: 3 });
const model = gaussianModel(process, { mean: 0.5, variance: 0.2 }, 'score');
const grid = [3, 1.5, 0.5, 0.1];

async function states(sampler: Sampler): Promise<Float32Array[]> {
  const out: Float32Array[] = [];
  for await (const { x } of trajectory({ model, sampler, grid, shape: [6, 1], key: key(4) })) {
    out.push(((await x.data()) as Float32Array).slice());
  }
  return out;
}

// Standard deviation of the last step's noise, from 0.5 to 0.1 with g = √2.
const EXPONENTIAL = Math.sqrt(Math.expm1(2 * 0.4));
const EULER = Math.sqrt(2 * 0.4);

test.each([
  ['eulerMaruyama', eulerMaruyama, EULER],
  [
    'exponentialIntegrator',
    (o: { finalNoise?: boolean }) => exponentialIntegrator({ hold: 'score', ...o }),
    EXPONENTIAL,
  ],
] as const)('%s', async (_name, make, scale) => {
  const [noisy, quiet] = [await states(make({})), await states(make({ finalNoise: false }))];
  expect(quiet.slice(0, 3)).toEqual(noisy.slice(0, 3));
  const xi = await normal(fold(key(4), 3), [6, 1]).data();
  expectClose(
    noisy[3]!.map((v, i) => v - quiet[3]![i]!),
    xi.map((v) => scale * v),
    { absolute: 2e-6 },
  );
});
