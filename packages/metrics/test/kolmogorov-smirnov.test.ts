import '@tensorflow/tfjs-backend-cpu';
import { key, normal } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { kolmogorovSmirnov } from '../src/index.ts';
import { oneDimensional } from './support/golden.ts';

beforeAll(() => tf.setBackend('cpu'));

/** All ways to choose `size` of 0 … total − 1, as 0/1 lists. */
function choices(total: number, size: number): number[][] {
  if (total === 0) return size === 0 ? [[]] : [];
  return [0, 1].flatMap((first) => choices(total - 1, size - first).map((rest) => [first, ...rest]));
}

describe('kolmogorovSmirnov', () => {
  it.each(oneDimensional.filter((c) => c.ks !== undefined))(
    'agrees with scipy, statistic and exact p-value: $kind',
    async ({ X, Y, ks, ks_p_exact }) => {
      const { value, pValue } = await kolmogorovSmirnov(tf.tensor1d(X), tf.tensor1d(Y));
      expect(value).toBeCloseTo(ks!, 14);
      expect(Math.abs(pValue / ks_p_exact! - 1)).toBeLessThan(1e-12);
    },
  );

  it('its exact p-value is the share of all orders at least as extreme', async () => {
    const orders = choices(9, 4).map((chosen) => {
      const places = chosen.map((c, i) => [c, i] as const);
      return [1, 0].map((side) => places.filter(([c]) => c === side).map(([, i]) => i)) as [
        number[],
        number[],
      ];
    });
    const found = await Promise.all(
      orders.map(([x, y]) => kolmogorovSmirnov(tf.tensor1d(x, 'float32'), tf.tensor1d(y, 'float32'))),
    );
    for (const { value, pValue } of found.slice(0, 40)) {
      const share = found.filter((other) => other.value >= value - 1e-12).length / found.length;
      expect(pValue).toBeCloseTo(share, 12);
    }
  });

  it('takes the Kolmogorov limit for large samples', async () => {
    // 0 … 1499 of 2,000·1,500: D by construction 0.05; scipy.special.kolmogorov(0.05·√(2000·1500/3500)).
    const y = tf.linspace(0, 1, 1500);
    const x = tf.concat([tf.fill([100], -1), tf.linspace(0, 1, 1900)]);
    const { value, pValue } = await kolmogorovSmirnov(x, y);
    expect(Math.abs(value - 0.05)).toBeLessThan(0.0007);
    const z = value * Math.sqrt((2000 * 1500) / 3500);
    // The first three terms of the series; the fourth is below 1e-26.
    const limit = 2 * (Math.exp(-2 * z * z) - Math.exp(-8 * z * z) + Math.exp(-18 * z * z));
    expect(pValue).toBeCloseTo(limit, 12);
    // At z = 0.05·√(6000/7), scipy.special.kolmogorov gives 0.027527501689690544; D is a little larger here.
    expect(Math.abs(pValue - 0.0275)).toBeLessThan(0.003);
  });

  it('treats ties as one jump, and is 0 with p = 1 on identical samples', async () => {
    const x = tf.tensor1d([1, 1, 2, 2]);
    expect((await kolmogorovSmirnov(x, tf.tensor1d([1, 2]))).value).toBe(0);
    const same = await kolmogorovSmirnov(x, x);
    expect([same.value, same.pValue]).toEqual([0, 1]);
  });

  it('is 1 on separated samples, symmetric, and blind to increasing maps', async () => {
    const [x, y] = [normal(key(1), [25]), normal(key(2), [31])];
    const { value } = await kolmogorovSmirnov(x, y);
    expect((await kolmogorovSmirnov(y, x)).value).toBeCloseTo(value, 14);
    expect((await kolmogorovSmirnov(tf.exp(x), tf.exp(y))).value).toBe(value);
    expect((await kolmogorovSmirnov(x, tf.add(y, 100))).value).toBe(1);
  });
});
