import '@tensorflow/tfjs-backend-cpu';
import { key, normal } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { medianBandwidth, mmdSquared } from '../src/index.ts';
import { pairs } from './support/golden.ts';
import { rotation } from './support/rotation.ts';

beforeAll(() => tf.setBackend('cpu'));

describe('mmdSquared', () => {
  const bandwidths = ['mmd2_h0.5', 'mmd2_h1.0', 'mmd2_h2.0'] as const;
  const cases = pairs.flatMap((c) => bandwidths.map((h) => ({ name: `${c.kind} ${h}`, ...c, ...c[h] })));

  it.each(cases)('agrees with the recorded values: $name', async ({ X, Y, h, biased, unbiased }) => {
    const [x, y] = [tf.tensor2d(X), tf.tensor2d(Y)];
    expect((await mmdSquared(x, y, { bandwidth: h })).value).toBeCloseTo(biased, 7);
    expect((await mmdSquared(x, y, { bandwidth: h, statistic: 'U' })).value).toBeCloseTo(unbiased, 7);
  });

  it('with several bandwidths is the mean over them', async () => {
    const { X, Y, ...c } = pairs[0]!;
    const { value, bandwidths: used } = await mmdSquared(tf.tensor2d(X), tf.tensor2d(Y), {
      bandwidth: [0.5, 1, 2],
    });
    expect(value).toBeCloseTo(
      bandwidths.reduce((sum, h) => sum + c[h].biased / 3, 0),
      7,
    );
    expect(used).toEqual([0.5, 1, 2]);
  });

  it('takes the median rule by default', async () => {
    // Pooled 0, 1, 3, 7: distances 1, 2, 3, 4, 6, 7, median 3.5.
    const [x, y] = [tf.tensor2d([[0], [3]]), tf.tensor2d([[1], [7]])];
    expect(await medianBandwidth(x, y)).toBe(3.5);
    const { value, bandwidths: used } = await mmdSquared(x, y);
    expect(used).toEqual([3.5]);
    expect(value).toBe((await mmdSquared(x, y, { bandwidth: 3.5 })).value);
  });

  it('the median rule on many rows is near that of the law', async () => {
    // |Z − Z'| for standard normals in R¹: √2 |N(0,1)|, median 0.9539. 1,000 of 5,000 rows: error about 2 %.
    const h = await medianBandwidth(normal(key(3), [3000, 1]), normal(key(4), [2000, 1]));
    expect(Math.abs(h / 0.9539 - 1)).toBeLessThan(0.08);
  });

  it('is exactly 0 on identical sets, symmetric, and blind to order, translation and rotation', async () => {
    const x = tf.mul(normal(key(1), [40, 3]), 2);
    const y = normal(key(2), [30, 3]);
    const { value } = await mmdSquared(x, y, { bandwidth: 1 });
    expect((await mmdSquared(x, x, { bandwidth: 1 })).value).toBe(0);
    expect((await mmdSquared(y, x, { bandwidth: 1 })).value).toBeCloseTo(value, 7);
    expect((await mmdSquared(tf.reverse(x, 0), y, { bandwidth: 1 })).value).toBeCloseTo(value, 7);
    const moved = (t: tf.Tensor): tf.Tensor => tf.add(tf.matMul(t, rotation(3)), [1, -2, 0.5]);
    expect((await mmdSquared(moved(x), moved(y), { bandwidth: 1 })).value).toBeCloseTo(value, 6);
    expect((await mmdSquared(tf.mul(x, 4), tf.mul(y, 4), { bandwidth: 4 })).value).toBeCloseTo(value, 6);
  });

  it.each([
    [0, '0'],
    [-1, '-1'],
    [Number.NaN, 'NaN'],
  ])('refuses the bandwidth %s', async (bandwidth, got) => {
    const x = tf.ones([3, 2]);
    await expect(mmdSquared(x, x, { bandwidth })).rejects.toThrow(
      `mmdSquared: bandwidth must be a positive finite number, got ${got}. Pass a number above 0, or 'median'.`,
    );
  });

  it('refuses an empty list of bandwidths, and the median rule on equal rows', async () => {
    const x = tf.ones([3, 2]);
    await expect(mmdSquared(x, x, { bandwidth: [] })).rejects.toThrow("bandwidth must be 'median', a number");
    await expect(mmdSquared(x, x)).rejects.toThrow(
      'mmdSquared: the median distance between rows must be above 0, got 0: most rows are equal. Pass a bandwidth.',
    );
  });
});
