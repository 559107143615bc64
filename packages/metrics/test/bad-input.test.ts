import '@tensorflow/tfjs-backend-cpu';
import { isDiffError, key } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  energyDistance,
  frechetDistance,
  kolmogorovSmirnov,
  mmdSquared,
  nearestDistance,
  precisionRecall,
  slicedWasserstein,
  wasserstein1d,
} from '../src/index.ts';

beforeAll(() => tf.setBackend('cpu'));

type Metric = (x: tf.Tensor, y: tf.Tensor) => Promise<unknown>;
const ofRows: Record<string, Metric> = {
  energyDistance: (x, y) => energyDistance(x, y),
  mmdSquared: (x, y) => mmdSquared(x, y, { bandwidth: 1 }),
  slicedWasserstein: (x, y) => slicedWasserstein(x, y, { key: key(0), projections: 2 }),
  frechetDistance: (x, y) => frechetDistance(x, y, { ddof: 0 }),
  nearestDistance: (x, y) => nearestDistance(x, y),
  precisionRecall: (x, y) => precisionRecall(x, y, { k: 1 }),
};
const ofNumbers: Record<string, Metric> = {
  wasserstein1d: (x, y) => wasserstein1d(x, y),
  kolmogorovSmirnov: (x, y) => kolmogorovSmirnov(x, y),
};

async function message(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(isDiffError(error), String(error)).toBe(true);
  return (error as Error).message;
}

describe.each(Object.entries(ofRows))('%s', (name, metric) => {
  const fine = tf.ones([4, 2]);

  it('says which value of which row is not finite', async () => {
    const broken = tf.tensor2d([
      [0, 0],
      [0, 0],
      [0, Number.NaN],
      [1, 1],
    ]);
    expect(await message(metric(broken, fine))).toBe(
      `${name}: samples must be finite, got NaN in row 2, column 1. Leave out such rows, or look for what made them.`,
    );
    const infinite = tf.tensor2d([
      [0, 0],
      [Number.NEGATIVE_INFINITY, 0],
    ]);
    expect(await message(metric(fine, infinite))).toContain(
      'reference must be finite, got -Infinity in row 1, column 0.',
    );
  });

  it('says how the shapes differ', async () => {
    expect(await message(metric(fine, tf.ones([4, 3])))).toBe(
      `${name}: samples and reference must have rows of one length, got a tensor of shape [4, 2] and a tensor of shape [4, 3]. Pass both in the same space.`,
    );
    expect(await message(metric(tf.ones([4, 2, 1]), fine))).toBe(
      `${name}: samples must have shape [n, d], one sample a row, got a tensor of shape [4, 2, 1]. Reshape it, for example with tf.reshape(x, [n, -1]).`,
    );
  });

  it('says that there are no rows', async () => {
    expect(await message(metric(tf.zeros([0, 2]), fine))).toContain(
      'samples must have at least 1 row, got 0.',
    );
    expect(await message(metric(fine, tf.zeros([0, 2])))).toContain(
      'reference must have at least 1 row, got 0.',
    );
  });

  it('says that the type is wrong', async () => {
    expect(await message(metric(tf.ones([4, 2], 'int32'), fine))).toBe(
      `${name}: samples must have dtype float32, got int32. Convert it with tf.cast(x, 'float32').`,
    );
  });
});

describe.each(Object.entries(ofNumbers))('%s', (_, metric) => {
  it('says which number is not finite, and that there are none', async () => {
    const fine = tf.ones([3]);
    expect(await message(metric(fine, tf.tensor1d([1, Number.NaN])))).toContain(
      'reference must be finite, got NaN in row 1, column 0.',
    );
    expect(await message(metric(tf.zeros([0]), fine))).toContain('samples must have at least 1 row, got 0.');
  });
});

describe('unbiased statistics', () => {
  it.each([energyDistance, mmdSquared])('need two rows of each', async (metric) => {
    const [one, two] = [tf.ones([1, 2]), tf.ones([2, 2])];
    const options = { statistic: 'U', bandwidth: 1 } as const;
    expect(await message(metric(one, two, options))).toContain('samples must have at least 2 rows, got 1.');
    expect(await message(metric(two, one, options))).toContain('reference must have at least 2 rows, got 1.');
  });
});
