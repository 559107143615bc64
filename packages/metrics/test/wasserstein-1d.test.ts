import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { wasserstein1d } from '../src/index.ts';
import { oneDimensional } from './support/golden.ts';

beforeAll(() => tf.setBackend('cpu'));

const numbers = fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 1, maxLength: 12 });
const distance = async (x: number[], y: number[], order: 1 | 2): Promise<number> =>
  (await wasserstein1d(tf.tensor1d(x), tf.tensor1d(y), { order })).value;

describe('wasserstein1d', () => {
  it.each(oneDimensional)('agrees with the recorded values: $kind', async (c) => {
    const weights = c.wX ? { sampleWeights: tf.tensor1d(c.wX), referenceWeights: tf.tensor1d(c.wY!) } : {};
    const [x, y] = [tf.tensor1d(c.X), tf.tensor1d(c.Y)];
    expect((await wasserstein1d(x, y, { order: 1, ...weights })).value).toBeCloseTo(c.W1, 6);
    expect((await wasserstein1d(x, y, weights)).value ** 2).toBeCloseTo(c.W2_squared, 6);
  });

  it('equals the best of all assignments of three to three', async () => {
    const permutations = [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ];
    const triple = fc.tuple(fc.integer(), fc.integer(), fc.integer()).map((t) => t.map((v) => v % 1000));
    await fc.assert(
      fc.asyncProperty(triple, triple, fc.constantFrom(1, 2), async (x, y, p) => {
        const costs = permutations.map((s) =>
          s.reduce((sum, j, i) => sum + Math.abs(x[i]! - y[j]!) ** p / 3, 0),
        );
        expect(await distance(x, y, p as 1 | 2)).toBeCloseTo(Math.min(...costs) ** (1 / p), 9);
      }),
      { numRuns: 50 },
    );
  });

  it('repeating a number is giving it weight', async () => {
    const y = tf.tensor1d([0.5, 2, 2.5]);
    const repeated = await wasserstein1d(tf.tensor1d([1, 1, 1, 4]), y);
    const weighted = await wasserstein1d(tf.tensor1d([4, 1]), y, { sampleWeights: tf.tensor1d([1, 3]) });
    expect(weighted.value).toBeCloseTo(repeated.value, 12);
  });

  it('is a metric, scales, and translates', async () => {
    await fc.assert(
      fc.asyncProperty(numbers, numbers, numbers, fc.constantFrom<1 | 2>(1, 2), async (x, y, z, p) => {
        const xy = await distance(x, y, p);
        expect(await distance(x, x, p)).toBe(0);
        expect(await distance(y, x, p)).toBeCloseTo(xy, 9);
        expect(xy).toBeLessThanOrEqual((await distance(x, z, p)) + (await distance(z, y, p)) + 1e-9);
        expect(
          await distance(
            x.map((v) => 3 * v),
            y.map((v) => 3 * v),
            p,
          ),
        ).toBeCloseTo(3 * xy, 9);
        expect(
          await distance(
            x.map((v) => v + 7),
            x,
            p,
          ),
        ).toBeCloseTo(7, 9);
      }),
      { numRuns: 40 },
    );
  });

  it('refuses what it can not weigh', async () => {
    const x = tf.tensor1d([1, 2]);
    const weigh = (w: number[]): Promise<unknown> => wasserstein1d(x, x, { sampleWeights: tf.tensor1d(w) });
    await expect(weigh([1])).rejects.toThrow('sampleWeights must have shape [2], one weight a sample');
    await expect(weigh([1, -2])).rejects.toThrow('sampleWeights must not be negative, got -2 at 1.');
    await expect(weigh([0, 0])).rejects.toThrow('sampleWeights must have a positive sum, got 0.');
    await expect(wasserstein1d(tf.ones([2, 3]), x)).rejects.toThrow(
      'wasserstein1d: samples must have shape [n] or [n, 1], got a tensor of shape [2, 3].',
    );
  });
});
