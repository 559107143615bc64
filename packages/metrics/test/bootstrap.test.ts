/**
 * Standard errors against the spread of the metric over fresh draws. A spread from 250 draws has a relative error of
 * 1/√500 = 4.5 %, the root mean square of 30 stated errors one of about 4 % at these sizes, and the bootstrap itself is
 * low by O(1/n): four of the first two together, and 5 % for the last, give 0.71 … 1.24.
 */
import '@tensorflow/tfjs-backend-cpu';
import { fold, key, normal } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import {
  type BootstrapOptions,
  type Estimate,
  energyDistance,
  frechetDistance,
  kolmogorovSmirnov,
  mmdSquared,
  nearestDistance,
  precisionRecall,
  slicedWasserstein,
  wasserstein1d,
} from '../src/index.ts';
import { expectRatio, gaussianRows, spreadOf } from './support/spread.ts';

beforeAll(() => tf.setBackend('cpu'));
vi.setConfig({ testTimeout: 120_000 }); // hundreds of runs a test, on machines that may be busy

type Metric = (x: tf.Tensor, y: tf.Tensor, bootstrap?: BootstrapOptions) => Promise<Estimate>;

const metrics: Record<string, Metric> = {
  'energy distance': (x, y, bootstrap) => energyDistance(x, y, { bootstrap }),
  'energy distance, rooted': (x, y, bootstrap) => energyDistance(x, y, { bootstrap, rooted: true }),
  'MMD²': (x, y, bootstrap) => mmdSquared(x, y, { bootstrap, bandwidth: [0.5, 1] }),
  W1: (x, y, bootstrap) => wasserstein1d(x, y, { bootstrap, order: 1 }),
  W2: (x, y, bootstrap) => wasserstein1d(x, y, { bootstrap }),
  'Kolmogorov–Smirnov': (x, y, bootstrap) => kolmogorovSmirnov(x, y, { bootstrap }),
  'Fréchet distance': (x, y, bootstrap) => frechetDistance(x, y, { bootstrap }),
  'nearest distance': (x, y, bootstrap) => nearestDistance(x, y, { bootstrap }),
};

describe('the standard error of samples from different laws is the spread over draws', () => {
  it.each(Object.keys(metrics))('%s', async (name) => {
    const [x, y] = [gaussianRows(100, 1, 1, 1), gaussianRows(80, 1, 0, 2)];
    const found = await spreadOf(metrics[name]!, x, y, 250, 30);
    expectRatio(found, 0.71, 1.24);
    // 95 % intervals, 30 of them, on strongly dependent bounds: at least 80 % hold the mean.
    expect(found.coverage).toBeGreaterThanOrEqual(0.8);
  });

  it('sliced W2 in two dimensions', async () => {
    const metric: Metric = (x, y, bootstrap) =>
      slicedWasserstein(x, y, { bootstrap, projections: 6, key: key(5) });
    expectRatio(
      await spreadOf(metric, gaussianRows(100, 2, 1, 1), gaussianRows(80, 2, 0, 2), 250, 30),
      0.71,
      1.24,
    );
  });
});

describe('the standard error of samples from one law', () => {
  // The plain bootstrap would be √3 = 1.73 times too large here; what the correction leaves is 1 to 1.42 (one
  // dominant eigenvalue of the kernel), and 4 standard errors of the comparison are 0.25.
  it.each(['energy distance', 'MMD²'])('%s: corrected for degeneracy', async (name) => {
    const [x, y] = [gaussianRows(60, 4, 0, 3), gaussianRows(80, 4, 0, 4)];
    expectRatio(await spreadOf(metrics[name]!, x, y, 250, 20), 0.85, 1.45);
  });

  it.each(['precision', 'recall', 'density', 'coverage'] as const)(
    '%s: half-samples err on the large side',
    async (name) => {
      const metric: Metric = async (x, y, bootstrap) =>
        (await precisionRecall(x, y, { k: 3, bootstrap }))[name];
      const [x, y] = [gaussianRows(80, 2, 0.5, 5), gaussianRows(90, 2, 0, 6)];
      expectRatio(await spreadOf(metric, x, y, 120, 12), 0.8, 1.9);
    },
  );
});

describe('the bootstrap', () => {
  const x = normal(key(1), [30, 2]);
  const y = normal(key(2), [20, 2]);

  it('is a function of its key and leaves the value alone', async () => {
    const bootstrap = { key: key(7), resamples: 50 };
    const first = await energyDistance(x, y, { bootstrap });
    expect(await energyDistance(x, y, { bootstrap })).toEqual(first);
    const other = await energyDistance(x, y, { bootstrap: { ...bootstrap, key: fold(key(7), 1) } });
    expect(other.standardError).not.toBe(first.standardError);
    expect(other.value).toBe(first.value);
    expect(await energyDistance(x, y)).toEqual({ value: first.value, n: 30, m: 20 });
  });

  it('U and V share their standard error', async () => {
    const bootstrap = { key: key(7), resamples: 20 };
    const [v, u] = [
      await energyDistance(x, y, { bootstrap }),
      await energyDistance(x, y, { bootstrap, statistic: 'U' }),
    ];
    expect(u.standardError).toBeCloseTo(v.standardError!, 12);
  });

  it('a wider level gives a wider interval', async () => {
    const at = async (level: number): Promise<readonly [number, number]> =>
      (await energyDistance(x, y, { bootstrap: { key: key(7), level } })).interval!;
    const [narrow, wide] = [await at(0.5), await at(0.99)];
    expect(wide[0]).toBeLessThan(narrow[0]);
    expect(wide[1]).toBeGreaterThan(narrow[1]);
  });

  it('of a mean difference of two points is known exactly', async () => {
    // x ∈ {0, 2} against y = 0: W1 is the mean of the resampled x, 0, 1, 2 with chances ¼, ½, ¼.
    const bootstrap = { key: key(3), resamples: 4000 };
    const found = await wasserstein1d(tf.tensor1d([0, 2]), tf.tensor1d([0]), { order: 1, bootstrap });
    expect(Math.abs(found.standardError! - Math.SQRT1_2)).toBeLessThan(4 * (Math.SQRT1_2 / Math.sqrt(8000)));
    expect(found.interval![0]).toBeCloseTo(0, 1);
    expect(found.interval![1]).toBeCloseTo(2, 1);
  });

  it('refuses fewer than two resamples, a level outside (0, 1), and no key', async () => {
    const run = (bootstrap: BootstrapOptions): Promise<unknown> => energyDistance(x, y, { bootstrap });
    await expect(run({ key: key(0), resamples: 1 })).rejects.toThrow(
      'energyDistance: bootstrap: resamples must be an integer of at least 2, got 1.',
    );
    await expect(run({ key: key(0), level: 1 })).rejects.toThrow(
      'energyDistance: bootstrap: level must lie between 0 and 1, got 1. Pass for example 0.95.',
    );
    await expect(run(JSON.parse('{}'))).rejects.toThrow(
      'energyDistance: bootstrap: key must be a key, got undefined.',
    );
  });
});
