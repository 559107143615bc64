import '@tensorflow/tfjs-backend-cpu';
import { key, normal } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { nearestDistance, nearestDistanceWithin } from '../src/index.ts';

beforeAll(() => tf.setBackend('cpu'));

describe('nearest-neighbour distances', () => {
  const set = tf.tensor2d([[0], [10], [20]]);

  it('take the median over the samples', async () => {
    // Distances 1, 4, 2 and 1, 4, 2, 30.
    expect(await nearestDistance(tf.tensor2d([[1], [14], [18]]), set)).toEqual({ value: 2, n: 3, m: 3 });
    expect((await nearestDistance(tf.tensor2d([[1], [14], [18], [50]]), set)).value).toBe(3);
  });

  it('are 0 for copies of the set, and not when a row is left out', async () => {
    expect((await nearestDistance(set, set)).value).toBe(0);
    expect(await nearestDistanceWithin(set)).toEqual({ value: 10, n: 3, m: 2 });
  });

  it('see equal rows as neighbours', async () => {
    const twins = tf.tensor2d([[5], [5], [5], [5], [9]]);
    expect((await nearestDistanceWithin(twins)).value).toBe(0);
    expect((await nearestDistanceWithin(tf.tensor2d([[5], [5]]))).value).toBe(0);
  });

  it('equal a direct search', async () => {
    const [x, y] = [normal(key(1), [31, 4]), normal(key(2), [57, 4])];
    const [a, b] = [(await x.array()) as number[][], (await y.array()) as number[][]];
    const gap = (u: number[], v: number[]): number => Math.hypot(...u.map((w, c) => w - v[c]!));
    const middle = (values: number[]): number => values.sort((p, q) => p - q)[values.length >> 1]!;
    const between = a.map((u) => Math.min(...b.map((v) => gap(u, v))));
    const within = a.map((u, i) => Math.min(...a.filter((_, j) => j !== i).map((v) => gap(u, v))));
    expect((await nearestDistance(x, y)).value).toBeCloseTo(middle(between), 6);
    expect((await nearestDistanceWithin(x)).value).toBeCloseTo(middle(within), 6);
  });

  it('the median of resamples is a median of the distances: two rows', async () => {
    // Resamples of distances (1, 4): medians 1, 2.5, 4 with chances ¼, ½, ¼, standard deviation 1.06.
    const bootstrap = { key: key(1), resamples: 2000 };
    const { value, standardError } = await nearestDistance(tf.tensor2d([[1], [14]]), set, { bootstrap });
    expect(value).toBe(2.5);
    expect(Math.abs(standardError! - 1.5 / Math.SQRT2)).toBeLessThan(0.06);
  });
});
