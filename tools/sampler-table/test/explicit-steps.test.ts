/**
 * How long a step of SRA1 and ShARK may be. At noise ς far above the spread of the data ε̂ = y/ς, and with k = 1 + b² and
 * ς_r = (1 − q) ς_t a step of two stages, Σ w = 1 and w₂ c = ½, takes y to
 *
 *   R y,   R = 1 − k q (1 − (k − 1) q/(2 (1 − c q))),   where R = (1 − q)^k is exact.
 *
 * y/ς grows where R > 1 − q, which is where ς_t/ς_r > (k + 2c)/(k + 2c − 2), and y itself where q > 1/(c + b²/2).
 */
import '../src/float64-backend.ts';
import { dpmSolver, type Sampler, seeds2, shark, sra1 } from '@diff/samplers';
import { edm } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { affineStep } from './law-table.ts';

beforeAll(async () => {
  await tf.setBackend('float64');
});

const process = edm({ T: 1 });

/** What a step from ς = 1 to 1 − q makes of a distance from data at one point, but for 1e-12. */
const factor = async (sampler: Sampler, q: number): Promise<number> =>
  (await affineStep(sampler, process, { mean: 0, variance: 1e-12 }, [1, 1 - q])).scale;

/** y/ς grows at b = 1 beyond the first ς_t/ς_r, y beyond the second. */
describe.each([
  ['sra1', sra1, 3 / 4, 7 / 3, 5],
  ['shark', shark, 5 / 6, 11 / 5, 4],
] as const)('%s', (_name, make, c, relative, absolute) => {
  test.each([0, 0.5, 0.7, 1])('b = %d', async (b) => {
    const sampler = make({ noiseLevel: b });
    const k = 1 + b * b;
    for (const q of [0.1, 0.5, 0.8, 0.95]) {
      const want = 1 - k * q * (1 - ((k - 1) * q) / (2 * (1 - c * q)));
      expect(Math.abs((await factor(sampler, q)) - want)).toBeLessThan(1e-8);
    }
    if (b === 0) return;
    const longest = 2 / (k + 2 * c);
    for (const q of [longest - 0.02, longest + 0.02]) {
      const grows = (await factor(sampler, q)) > 1 - q;
      expect(grows).toBe(q > longest);
    }
  });

  test('at b = 1, in ratios', async () => {
    expect(Math.abs((await factor(make(), 1 - 1 / relative)) * relative - 1)).toBeLessThan(1e-8);
    expect(Math.abs((await factor(make(), 1 - 1 / absolute)) - 1)).toBeLessThan(1e-8);
  });
});

test.each([
  ['seeds2', seeds2()],
  ['dpmSolver', dpmSolver({ noiseLevel: 1 })],
] as const)(
  'in exponential form, %s shrinks a distance by (ς_r/ς_t)^2 in steps of any length',
  async (_name, sampler) => {
    for (const q of [0.5, 0.8, 0.95, 0.99]) {
      expect(Math.abs((await factor(sampler, q)) - (1 - q) ** 2)).toBeLessThan(1e-8);
    }
  },
);
