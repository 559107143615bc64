import '@tensorflow/tfjs-backend-cpu';
import { key, normal } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { energyDistance, metricFloor } from '../src/index.ts';

beforeAll(() => tf.setBackend('cpu'));

describe('metricFloor', () => {
  it('cuts the rows into two disjoint parts that cover them', async () => {
    const real = tf.reshape(tf.range(0, 11), [11, 1]);
    const seen: number[][] = [];
    const floor = await metricFloor(
      async (x, y) => {
        const parts = [Array.from(await x.data()), Array.from(await y.data())];
        seen.push(parts.flat());
        return { value: parts[0]!.length };
      },
      real,
      { key: key(1), splits: 2 },
    );
    expect(floor).toEqual({ value: 6, values: [6, 6], spread: 0, n: 6, m: 5 });
    for (const rows of seen) expect([...rows].sort((a, b) => a - b)).toEqual([...Array(11).keys()]);
    expect(seen[0]).not.toEqual(seen[1]);
  });

  it('takes sizes, is a function of the key, and averages the splits', async () => {
    const real = normal(key(1), [60, 2]);
    const metric = (x: tf.Tensor, y: tf.Tensor) => energyDistance(x, y);
    const options = { key: key(2), sizes: [20, 30], splits: 3 } as const;
    const floor = await metricFloor(metric, real, options);
    expect(await metricFloor(metric, real, options)).toEqual(floor);
    expect([floor.n, floor.m]).toEqual([20, 30]);
    const [a, b, c] = floor.values as [number, number, number];
    expect(floor.value).toBeCloseTo((a + b + c) / 3, 12);
    const variance = [a, b, c].reduce((sum, v) => sum + (v - floor.value) ** 2, 0) / 2;
    expect(floor.spread).toBeCloseTo(Math.sqrt(variance), 12);
    expect((await metricFloor(metric, real, { ...options, key: key(3) })).value).not.toBe(floor.value);
  });

  it("of the V energy distance is its bias: (1/n + 1/m) E|X − X'|", async () => {
    // Standard normals in R²: E|X − X'| = √π. The U-statistic is unbiased, and V − U has this mean.
    const real = normal(key(5), [400, 2]);
    const floor = await metricFloor((x, y) => energyDistance(x, y), real, { key: key(6), splits: 8 });
    const expected = (2 / 200) * Math.sqrt(Math.PI);
    // Spread of one split about 30 % of the value; 8 splits of the same rows about halve it.
    expect(Math.abs(floor.value / expected - 1)).toBeLessThan(0.4);
  });

  it('leaves no tensors when the metric throws', async () => {
    const real = normal(key(1), [10, 2]);
    const before = tf.memory().numTensors;
    const thrown = metricFloor(() => Promise.reject(new Error('no')), real, { key: key(1) });
    await expect(thrown).rejects.toThrow('no');
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses what can not be cut', async () => {
    const metric = (x: tf.Tensor, y: tf.Tensor) => energyDistance(x, y);
    await expect(metricFloor(metric, tf.ones([1, 2]), { key: key(0) })).rejects.toThrow(
      'metricFloor: reference must have at least 2 rows, got a tensor of shape [1, 2]. Pass more.',
    );
    await expect(metricFloor(metric, tf.ones([5, 2]), { key: key(0), sizes: [3, 3] })).rejects.toThrow(
      'metricFloor: sizes must add up to at most 5, the rows of the reference, got 3 + 3.',
    );
  });
});
