import '@tensorflow/tfjs-backend-cpu';
import { key, normal } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { slicedWasserstein, wasserstein1d } from '../src/index.ts';
import { pairs } from './support/golden.ts';

beforeAll(() => tf.setBackend('cpu'));

describe('slicedWasserstein', () => {
  it.each(pairs)(
    'agrees with the recorded values: $kind',
    async ({ X, Y, projections, pot_sliced_W2, sliced_W2_squared }) => {
      const [x, y] = [tf.tensor2d(X), tf.tensor2d(Y)];
      const { value } = await slicedWasserstein(x, y, { projections: tf.tensor2d(projections) });
      expect(value).toBeCloseTo(pot_sliced_W2, 6);
      if (sliced_W2_squared !== undefined) expect(value ** 2).toBeCloseTo(sliced_W2_squared, 6);
    },
  );

  it('is W2 itself in one dimension', async () => {
    const [x, y] = [normal(key(1), [30, 1]), normal(key(2), [41, 1])];
    const { value, projectionError } = await slicedWasserstein(x, y, { projections: 5, key: key(3) });
    expect(value).toBeCloseTo((await wasserstein1d(x, y)).value, 6);
    expect(projectionError).toBeLessThan(1e-7);
  });

  it('of a set and its translate by v is |v|/√d, within the error of its projections', async () => {
    const x = normal(key(1), [50, 3]);
    const moved = tf.add(x, [1, 2, 2]);
    const { value, projectionError } = await slicedWasserstein(x, moved, { projections: 500, key: key(4) });
    expect(Math.abs(value - 3 / Math.sqrt(3))).toBeLessThan(4 * projectionError);
    // Var ⟨θ, v⟩² = |v|⁴ (3/(d(d+2)) − 1/d²) = 81·(0.2 − 1/9); delta method: /(2 SW √P).
    const expected = Math.sqrt((81 * (0.2 - 1 / 9)) / 500) / (2 * Math.sqrt(3));
    expect(Math.abs(projectionError / expected - 1)).toBeLessThan(0.15);
  });

  it('is a function of the key, the same with and without a bootstrap, symmetric, 0 on identical sets', async () => {
    const [x, y] = [normal(key(1), [30, 3]), normal(key(2), [20, 3])];
    const options = { projections: 16, key: key(5) };
    const { value } = await slicedWasserstein(x, y, options);
    expect((await slicedWasserstein(x, y, options)).value).toBe(value);
    expect((await slicedWasserstein(x, y, { ...options, key: key(6) })).value).not.toBe(value);
    const withError = await slicedWasserstein(x, y, { ...options, bootstrap: { key: key(7), resamples: 5 } });
    expect(withError.value).toBe(value);
    expect((await slicedWasserstein(y, x, options)).value).toBeCloseTo(value, 9);
    expect((await slicedWasserstein(x, x, options)).value).toBe(0);
  });

  it('does not depend on how the projections are cut into blocks', async () => {
    // 80,000 rows leave 6 projections a block; translates have known values on any projection.
    const x = normal(key(1), [80_000, 2]);
    const theta = tf.tensor2d([
      [1, 0],
      [0, 1],
      [1, 0],
      [0, 1],
      [1, 0],
      [0, 1],
      [0.6, 0.8],
      [1, 0],
    ]);
    const { value } = await slicedWasserstein(x, tf.add(x, [1, 0]), { projections: theta });
    expect(value).toBeCloseTo(Math.sqrt((1 + 0 + 1 + 0 + 1 + 0 + 0.36 + 1) / 8), 5);
  });

  it('refuses directions that are not unit vectors, and none', async () => {
    const x = tf.ones([3, 2]);
    await expect(slicedWasserstein(x, x, { projections: tf.tensor2d([[1, 1]]) })).rejects.toThrow(
      'slicedWasserstein: projections must have unit length, got length 1.414',
    );
    await expect(slicedWasserstein(x, x, { projections: tf.ones([2, 3]) })).rejects.toThrow(
      'slicedWasserstein: projections must have shape [P, 2], got a tensor of shape [2, 3].',
    );
    await expect(slicedWasserstein(x, x, {})).rejects.toThrow(
      'slicedWasserstein: key must be a key, got undefined.',
    );
    await expect(slicedWasserstein(x, x, { projections: 0, key: key(0) })).rejects.toThrow(
      'slicedWasserstein: projections must be a positive integer, got 0.',
    );
  });
});
