import '@tensorflow/tfjs-backend-cpu';
import { key, normal } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { energyDistance } from '../src/index.ts';
import { oneDimensional, pairs } from './support/golden.ts';
import { rotation } from './support/rotation.ts';

beforeAll(() => tf.setBackend('cpu'));

describe('energyDistance', () => {
  it.each(pairs)('agrees with the recorded values: $kind', async ({ X, Y, energy_V, energy_U }) => {
    const [x, y] = [tf.tensor2d(X), tf.tensor2d(Y)];
    // float32 distances: 6e-8 relative each, means of order 5.
    expect((await energyDistance(x, y)).value).toBeCloseTo(energy_V, 6);
    expect((await energyDistance(x, y, { statistic: 'U' })).value).toBeCloseTo(energy_U, 6);
  });

  it.each(oneDimensional.filter((c) => c.energy_distance_scipy_sqrt !== undefined))(
    'rooted is what scipy returns: $kind',
    async ({ X, Y, energy_distance_scipy_sqrt }) => {
      const [x, y] = [X, Y].map((v) => tf.tensor2d(v, [v.length, 1]));
      const { value, n, m } = await energyDistance(x!, y!, { rooted: true });
      expect(value).toBeCloseTo(energy_distance_scipy_sqrt!, 6);
      expect([n, m]).toEqual([X.length, Y.length]);
    },
  );

  it('is known for one point against one point', async () => {
    const [x, y] = [tf.tensor2d([[0, 0]]), tf.tensor2d([[3, 4]])];
    expect((await energyDistance(x, y)).value).toBe(10);
    expect((await energyDistance(x, y, { rooted: true })).value).toBe(Math.sqrt(10));
  });

  it('is exactly 0 on identical sets, symmetric, blind to order, translation and rotation', async () => {
    const x = tf.mul(normal(key(1), [40, 3]), 2);
    const y = normal(key(2), [30, 3]);
    const { value } = await energyDistance(x, y);
    expect((await energyDistance(x, x)).value).toBe(0);
    expect((await energyDistance(y, x)).value).toBeCloseTo(value, 6);
    expect((await energyDistance(tf.reverse(x, 0), y)).value).toBeCloseTo(value, 6);
    const moved = (t: tf.Tensor): tf.Tensor => tf.add(tf.matMul(t, rotation(3)), [1, -2, 0.5]);
    expect((await energyDistance(moved(x), moved(y))).value).toBeCloseTo(value, 5);
    expect((await energyDistance(tf.mul(x, 4), tf.mul(y, 4))).value).toBeCloseTo(4 * value, 5);
  });

  it('U is unbiased: its mean over draws from one law is 0 within its own error', async () => {
    const values: number[] = [];
    for (let s = 0; s < 300; s++) {
      const [x, y] = [normal(key(2 * s), [12, 2]), normal(key(2 * s + 1), [9, 2])];
      values.push((await energyDistance(x, y, { statistic: 'U' })).value);
      tf.dispose([x, y]);
    }
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const variance = values.reduce((a, v) => a + (v - mean) ** 2, 0) / (values.length - 1);
    expect(Math.abs(mean)).toBeLessThan(4 * Math.sqrt(variance / values.length));
  });

  it('is the same over one piece of rows and over many', async () => {
    // 3,000 × 3,000 × 1 pairs exceed one piece of 2²³ multiply-adds.
    const size = 3000;
    const x = tf.linspace(0, 1, size);
    const column = tf.reshape(x, [size, 1]);
    const far = tf.add(column, 3);
    // E|X − Y| = 3 exactly, and both sets are translates: D² = 2 (3 − E|X − X'|), E|X − X'| = (n + 1)/(3n).
    const expected = 2 * (3 - (size + 1) / (3 * size));
    expect((await energyDistance(column, far)).value).toBeCloseTo(expected, 5);
  });

  it('refuses rooted U', async () => {
    const x = tf.zeros([3, 2]);
    await expect(energyDistance(x, x, { statistic: 'U', rooted: true })).rejects.toThrow(
      "energyDistance: rooted must be false for statistic 'U', got true. The U-statistic may be negative; use 'V'.",
    );
  });
});
