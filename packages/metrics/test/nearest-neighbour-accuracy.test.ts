import '@tensorflow/tfjs-backend-cpu';
import { key } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { nearestNeighbourAccuracy } from '../src/index.ts';

beforeAll(() => tf.setBackend('cpu'));

describe('nearestNeighbourAccuracy', () => {
  const real = tf.tensor2d([
    [0, 0],
    [5, 5],
    [9, 0],
  ]);
  const drawn = tf.tensor2d([
    [0.1, 0],
    [4, 5],
    [1, 0],
    [8, 0],
  ]);

  it('is the share of samples beside a row of their own label', async () => {
    const found = await nearestNeighbourAccuracy(drawn, [0, 1, 1, 7], real, [0, 1, 7]);
    expect(found).toEqual({
      value: 0.75,
      n: 4,
      m: 3,
      perClass: [
        { label: 0, n: 1, value: 1 },
        { label: 1, n: 2, value: 0.5 },
        { label: 7, n: 1, value: 1 },
      ],
    });
  });

  it('takes labels as tensors and typed arrays', async () => {
    const labels = tf.tensor1d([0, 1, 1, 7], 'int32');
    const { value } = await nearestNeighbourAccuracy(drawn, labels, real, Uint8Array.of(0, 1, 7));
    expect(value).toBe(0.75);
  });

  it('its standard error is that of a share: √(p(1 − p)/n)', async () => {
    const n = 400;
    const points = tf.fill([n, 2], 0);
    const labels = Array.from({ length: n }, (_, i) => (i % 4 === 0 ? 1 : 0));
    const bootstrap = { key: key(3), resamples: 1000 };
    const found = await nearestNeighbourAccuracy(points, labels, real, [0, 1, 7], { bootstrap });
    // The standard error of a standard deviation from R resamples is 1/√(2R) = 2.2 %.
    expect(Math.abs(found.standardError! / Math.sqrt((0.75 * 0.25) / n) - 1)).toBeLessThan(0.1);
    expect(found.interval![0]).toBeLessThan(0.75);
    expect(found.interval![1]).toBeGreaterThan(0.75);
  });

  it('refuses labels that do not match', async () => {
    await expect(nearestNeighbourAccuracy(drawn, [0, 1], real, [0, 1, 7])).rejects.toThrow(
      'nearestNeighbourAccuracy: labels must hold 4 labels, one a row, got 2. Pass the label of every row.',
    );
    await expect(nearestNeighbourAccuracy(drawn, [0, 1, 1, 0.5], real, [0, 1, 7])).rejects.toThrow(
      'nearestNeighbourAccuracy: labels must be whole numbers, got 0.5 at 3.',
    );
  });
});
