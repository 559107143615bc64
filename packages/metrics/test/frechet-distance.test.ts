import '@tensorflow/tfjs-backend-cpu';
import { key, normal } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { frechetDistance } from '../src/index.ts';
import { pairs } from './support/golden.ts';
import { rotation } from './support/rotation.ts';

beforeAll(() => tf.setBackend('cpu'));

describe('frechetDistance', () => {
  it.each(pairs)('agrees with the recorded values: $kind', async ({ X, Y, frechet_ddof0, frechet_ddof1 }) => {
    const [x, y] = [tf.tensor2d(X), tf.tensor2d(Y)];
    // float32 samples: 6e-8 relative, and 16.2 for the largest.
    expect((await frechetDistance(x, y, { ddof: 0 })).value).toBeCloseTo(frechet_ddof0, 6);
    expect((await frechetDistance(x, y)).value).toBeCloseTo(frechet_ddof1, 6);
  });

  it('of singular covariances is exact: points on lines', async () => {
    // Covariances diag(1, 0) and diag(0, 4) with ddof 0 share no direction: F = |Δm|² + 1 + 4.
    const x = tf.tensor2d([
      [-1, 0],
      [1, 0],
    ]);
    const y = tf.tensor2d([
      [3, -2],
      [3, 2],
    ]);
    expect((await frechetDistance(x, y, { ddof: 0 })).value).toBeCloseTo(9 + 1 + 4, 12);
    expect((await frechetDistance(x, y, { ddof: 0, rooted: true })).value).toBeCloseTo(Math.sqrt(14), 12);
  });

  it('with fewer rows than dimensions is 0 on identical sets and |v|² on translates', async () => {
    const x = normal(key(1), [5, 20]);
    expect((await frechetDistance(x, x)).value).toBeLessThan(1e-12);
    const moved = tf.add(tf.mul(x, 1), tf.ones([20]));
    expect((await frechetDistance(x, moved)).value).toBeCloseTo(20, 4);
  });

  it('keeps the digits of a small covariance far from the origin', async () => {
    // Spacing of float32 at 1024 is 2⁻¹³: these rows are exact. Variances 2⁻⁸ and 4·2⁻⁸: F = (2⁻⁴)².
    const at = (s: number): tf.Tensor2D => tf.tensor2d([[1024 - s / 16], [1024 + s / 16]]);
    expect((await frechetDistance(at(1), at(2), { ddof: 0 })).value).toBeCloseTo(2 ** -8, 12);
  });

  it('is symmetric, blind to translation and rotation, and scales as a square', async () => {
    const [x, y] = [tf.mul(normal(key(1), [40, 3]), [1, 2, 3]), normal(key(2), [30, 3])];
    const { value } = await frechetDistance(x, y);
    expect((await frechetDistance(y, x)).value).toBeCloseTo(value, 9);
    const moved = (t: tf.Tensor): tf.Tensor => tf.add(tf.matMul(t, rotation(3)), [1, -2, 0.5]);
    expect((await frechetDistance(moved(x), moved(y))).value).toBeCloseTo(value, 5);
    expect((await frechetDistance(tf.mul(x, 2), tf.mul(y, 2))).value).toBeCloseTo(4 * value, 9);
  });

  it('needs two rows for ddof 1, one for ddof 0', async () => {
    const [one, two] = [tf.ones([1, 2]), tf.ones([2, 2])];
    expect((await frechetDistance(one, two, { ddof: 0 })).value).toBe(0);
    await expect(frechetDistance(one, two)).rejects.toThrow(
      'frechetDistance: samples must have at least 2 rows, got 1. Pass more samples.',
    );
  });
});
