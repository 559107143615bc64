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

  it('equals a direct sum when the rows come in several pieces', async () => {
    // 370 × 370 × 64 multiply-adds exceed one piece of 2²³.
    const [x, y] = [normal(key(1), [370, 64]), tf.add(normal(key(2), [9, 64]), 1)];
    const [a, b] = [(await x.array()) as number[][], (await y.array()) as number[][]];
    const mean = (u: number[][], v: number[][]): number => {
      let sum = 0;
      for (const p of u) for (const q of v) sum += Math.sqrt(p.reduce((s, w, c) => s + (w - q[c]!) ** 2, 0));
      return sum / (u.length * v.length);
    };
    const expected = 2 * mean(a, b) - mean(a, a) - mean(b, b);
    expect((await energyDistance(x, y)).value).toBeCloseTo(expected, 5);
  });

  it('refuses rooted U', async () => {
    const x = tf.zeros([3, 2]);
    await expect(energyDistance(x, x, { statistic: 'U', rooted: true })).rejects.toThrow(
      "energyDistance: rooted must be false for statistic 'U', got true. The U-statistic may be negative; use 'V'.",
    );
  });
});
