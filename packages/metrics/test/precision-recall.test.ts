import '@tensorflow/tfjs-backend-cpu';
import { key, normal } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { precisionRecall } from '../src/index.ts';

beforeAll(() => tf.setBackend('cpu'));

type Values = readonly [precision: number, recall: number, density: number, coverage: number];

async function values(x: tf.Tensor, y: tf.Tensor, k: number): Promise<Values> {
  const found = await precisionRecall(x, y, { k });
  return [found.precision.value, found.recall.value, found.density.value, found.coverage.value];
}

/** The definitions, word for word. */
async function direct(x: tf.Tensor, y: tf.Tensor, k: number): Promise<Values> {
  const [a, b] = [(await x.array()) as number[][], (await y.array()) as number[][]];
  const gap = (u: number[], v: number[]): number => Math.hypot(...u.map((w, c) => w - v[c]!));
  const radius = (set: number[][], i: number): number =>
    set
      .map((v) => gap(set[i]!, v))
      .filter((_, j) => j !== i)
      .sort((p, q) => p - q)[k - 1]! *
    (1 + 1e-6);
  const [ofX, ofY] = [a.map((_, i) => radius(a, i)), b.map((_, i) => radius(b, i))];
  const share = (hits: boolean[]): number => hits.filter(Boolean).length / hits.length;
  return [
    share(a.map((u) => b.some((v, j) => gap(u, v) <= ofY[j]!))),
    share(b.map((v) => a.some((u, i) => gap(u, v) <= ofX[i]!))),
    a.reduce((sum, u) => sum + b.filter((v, j) => gap(u, v) <= ofY[j]!).length, 0) / (k * a.length),
    share(b.map((v, j) => a.some((u) => gap(u, v) <= ofY[j]!))),
  ];
}

describe('precisionRecall', () => {
  it('is known for a dropped mode: precise, half recalled', async () => {
    // Real: two clusters of 3 with spacing 1, far apart; samples: one of them, shifted by 0.25. k = 1: radius 1.
    const y = tf.tensor2d([[0], [1], [2], [100], [101], [102]]);
    const x = tf.tensor2d([[0.25], [1.25], [2.25]]);
    // 0.25 lies in the balls of 0 and 1, 1.25 in those of 1 and 2, 2.25 in that of 2: density 5/3.
    expect(await values(x, y, 1)).toEqual([1, 0.5, 5 / 3, 0.5]);
  });

  it('is known for an invented mode: half precise, fully recalled', async () => {
    const x = tf.tensor2d([[0], [1], [2], [100], [101], [102]]);
    const y = tf.tensor2d([[0.25], [1.25], [2.25]]);
    const [precision, recall, , coverage] = await values(x, y, 1);
    expect([precision, recall, coverage]).toEqual([0.5, 1, 1]);
  });

  it('is 1 on identical sets, k-th neighbours on the surface included, and 0 on separated ones', async () => {
    const x = normal(key(1), [40, 3]);
    const k = 3;
    const [precision, recall, density, coverage] = await values(x, x, k);
    expect([precision, recall, coverage]).toEqual([1, 1, 1]);
    expect(density).toBeCloseTo((k + 1) / k, 12); // every ball holds its centre and k others
    expect(await values(x, tf.add(x, 1000), k)).toEqual([0, 0, 0, 0]);
  });

  it.each([1, 3, 5])('equals the definitions, k = %i', async (k) => {
    const [x, y] = [normal(key(1), [33, 2]), tf.add(normal(key(2), [47, 2]), 0.7)];
    const [found, expected] = [await values(x, y, k), await direct(x, y, k)];
    for (let i = 0; i < 4; i++) expect(found[i]).toBeCloseTo(expected[i]!, 12);
  });

  it('has the same values with a bootstrap, which looks at more neighbours', async () => {
    const [x, y] = [normal(key(1), [33, 2]), tf.add(normal(key(2), [47, 2]), 0.7)];
    const found = await precisionRecall(x, y, { k: 3, bootstrap: { key: key(3), resamples: 4 } });
    const { precision, recall, density, coverage } = found;
    expect([precision, recall, density, coverage].map((e) => e.value)).toEqual(await values(x, y, 3));
  });

  it('on one law: density near 1, coverage near 1 − 2^{−k}', async () => {
    const [n, k] = [1000, 3];
    const found = await values(normal(key(1), [n, 2]), normal(key(2), [n, 2]), k);
    // Naeem et al. (2020), Lemma 2; the spread of both at n = 1,000 is about 0.02.
    expect(Math.abs(found[2] - 1)).toBeLessThan(0.1);
    expect(Math.abs(found[3] - (1 - 2 ** -k))).toBeLessThan(0.05);
  });

  it('a half-sample sees only its own rows', async () => {
    // Far clusters of twins: any half that holds k + 1 of a cluster has balls of radius 0 there.
    const centres = tf.tensor2d([
      [0, 0],
      [50, 0],
    ]);
    const x = tf.tile(centres, [30, 1]);
    const found = await precisionRecall(x, x, { k: 2, bootstrap: { key: key(1), resamples: 20 } });
    expect(found.precision).toMatchObject({ value: 1, standardError: 0, interval: [1, 1], n: 60, m: 60 });
  });

  it('refuses k that the rows do not allow', async () => {
    const [x, y] = [tf.ones([9, 2]), tf.ones([4, 2])];
    await expect(precisionRecall(x, y, { k: 4 })).rejects.toThrow(
      'precisionRecall: k must be at most 3, one less than the rows of the smaller set, got 4. Pass a smaller k or more rows.',
    );
    await expect(precisionRecall(x, y, { k: 2, bootstrap: { key: key(0) } })).rejects.toThrow(
      'precisionRecall: k must be at most 1, one less than half the rows of the smaller set, got 2.',
    );
    await expect(precisionRecall(x, y, { k: 0 })).rejects.toThrow(
      'precisionRecall: k must be a positive integer, got 0.',
    );
  });
});
