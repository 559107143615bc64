/**
 * The Brownian tree. With draws replaced by unit vectors, one for each key, what comes out are the weights of the draws,
 * so covariances are exact up to float32: no statistics. The draws themselves are core's.
 */
import '@tensorflow/tfjs-backend-cpu';
import { key } from '@diff/core';
import { expectClose } from '@diff/testkit';
import * as tf from '@tensorflow/tfjs-core';
import * as fc from 'fast-check';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type BrownianPath, brownianTree } from '../src/index.ts';

const units = vi.hoisted(() => ({ on: false, rows: new Map<string, number>() }));
vi.mock('@diff/core', async (original) => {
  const actual = await original<typeof import('@diff/core')>();
  const tfjs = await import('@tensorflow/tfjs-core');
  return {
    ...actual,
    normal: (...[key, shape, options]: Parameters<typeof actual.normal>) => {
      if (!units.on) return actual.normal(key, shape, options);
      const name = key.words.join();
      if (!units.rows.has(name)) units.rows.set(name, units.rows.size);
      const own = units.rows.get(name)!;
      return tfjs.tensor(
        Float32Array.from({ length: shape[0]! }, (_, i) => (i === own ? 1 : 0)),
        [...shape],
      );
    },
  };
});

let tensors = 0;
beforeAll(async () => {
  await tf.setBackend('cpu');
});
beforeEach(() => {
  tensors = tf.memory().numTensors;
});
afterEach(() => {
  units.on = false;
  units.rows.clear();
  expect(tf.memory().numTensors).toBe(tensors);
});

const read = (x: tf.Tensor): Float32Array => {
  const values = x.dataSync() as Float32Array;
  x.dispose();
  return values;
};
const ROWS = 400;
const shape = [ROWS, 1];
const dot = (a: Float32Array, b: Float32Array): number => a.reduce((s, v, i) => s + v * b[i]!, 0);

/** W and H of the steps between times, as weights of the draws. */
function steps(path: BrownianPath, times: readonly number[]): { w: Float32Array[]; h: Float32Array[] } {
  const pairs = times.slice(1).map((t, i) => path.incrementAndArea(times[i]!, t, shape).map(read));
  return { w: pairs.map((p) => p[0]!), h: pairs.map((p) => p[1]!) };
}

describe('exact law', () => {
  const cases: readonly (readonly [string, readonly number[]])[] = [
    ['one step', [0.5, 2.5]],
    ['halves', [0.5, 1.5, 2.5]],
    ['dyadic and not', [0.5, 0.6, 1, 1.0625, 1.7, 2.3, 2.5]],
    ['close to the ends', [0.5, 0.5001, 0.51, 2.49, 2.4999, 2.5]],
    ['a geometric grid', Array.from({ length: 12 }, (_, i) => 0.5 + 2 * 0.5 ** (12 - i)).concat(2.5)],
  ];
  test.each(cases)('%s', (_name, times) => {
    units.on = true;
    const path = brownianTree({ key: key(1), from: 0.5, to: 2.5, tolerance: 1e-4 });
    const { w, h } = steps(path, times);
    const scaled = [
      ...w.map((v, i) => v.map((x) => x / Math.sqrt(times[i + 1]! - times[i]!))),
      ...h.map((v, i) => v.map((x) => x / Math.sqrt((times[i + 1]! - times[i]!) / 12))),
    ];
    for (const [i, a] of scaled.entries()) {
      for (const [j, b] of scaled.entries()) {
        expect(Math.abs(dot(a, b) - (i === j ? 1 : 0)), `${i} ${j}`).toBeLessThan(2e-6);
      }
    }
    expect(units.rows.size).toBeLessThan(ROWS);
  });

  test('W(t) is N(0, t) at any time, below the tolerance too', () => {
    units.on = true;
    const path = brownianTree({ key: key(1), to: 1, tolerance: 0.1 });
    for (const t of [1e-6, 0.01, 0.033, 0.5, 0.51, 0.77, 1]) {
      const w = read(path.increment(0, t, shape));
      expect(dot(w, w) / t).toBeCloseTo(1, 5);
    }
  });

  test('the covariance of W(s) and W(t) is the smaller time', () => {
    units.on = true;
    const path = brownianTree({ key: key(1), to: 1, tolerance: 1e-3 });
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 998 }), fc.integer({ min: 2, max: 998 }), (i, j) => {
        fc.pre(Math.abs(i - j) > 2);
        const [s, t] = [i / 1000 + 3e-4, j / 1000 + 3e-4];
        const [a, b] = [read(path.increment(0, s, shape)), read(path.increment(0, t, shape))];
        expect(Math.abs(dot(a, b) - Math.min(s, t))).toBeLessThan(2e-6);
        units.rows.clear();
      }),
      { numRuns: 60 },
    );
  });
});

describe('one path', () => {
  const path = brownianTree({ key: key(3), from: -1, to: 3, tolerance: 1e-3 });
  const time = fc.double({ min: -1, max: 3, noNaN: true });

  test('increments and areas join, however close the times', () => {
    fc.assert(
      fc.property(time, time, time, (...unsorted) => {
        const [a, b, c] = unsorted.sort((p, q) => p - q) as [number, number, number];
        fc.pre(b - a > 1e-9 && c - b > 1e-9);
        const over = (s: number, t: number): [Float32Array, Float32Array] => {
          const [w, h] = path.incrementAndArea(s, t, [3, 2]);
          return [read(w), read(h)];
        };
        const [[w1, h1], [w2, h2], [w, h]] = [over(a, b), over(b, c), over(a, c)];
        const p = (b - a) / (c - a);
        expectClose(
          w1.map((v, i) => v + w2[i]!),
          w,
          { absolute: 3e-6 },
        );
        const joined = h1.map((v, i) => p * v + (1 - p) * h2[i]! + ((1 - p) / 2) * w1[i]! - (p / 2) * w2[i]!);
        expectClose(joined, h, { absolute: 3e-6 });
      }),
      { numRuns: 60 },
    );
  });

  test('backwards is minus forwards; the area is the same', () => {
    const [w, h] = path.incrementAndArea(0.2, 1.7, [5, 1]).map(read);
    const [back, area] = path.incrementAndArea(1.7, 0.2, [5, 1]).map(read);
    expect(Array.from(back!)).toEqual(Array.from(w!, (v) => -v));
    expect(area).toEqual(h);
    expect(Array.from(read(path.increment(0.5, 0.5, [2, 1])))).toEqual([0, 0]);
  });

  test('a finer tree goes through the same points', () => {
    const fine = brownianTree({ key: key(3), from: -1, to: 3, tolerance: 1e-6 });
    for (const t of [-0.5, 0.125, 1, 2.75]) {
      expectClose(read(fine.increment(-1, t, [4, 1])), read(path.increment(-1, t, [4, 1])), {
        absolute: 1e-6,
      });
    }
    const other = brownianTree({ key: key(4), from: -1, to: 3 });
    expect(read(other.increment(0, 1, [4, 1]))).not.toEqual(read(path.increment(0, 1, [4, 1])));
  });

  test('the same rows, however the batch is cut', () => {
    const whole = Array.from(read(path.increment(0.1, 0.35, [100, 3])));
    const parts = [0, 14, 50, 51].flatMap((first, i) => {
      const n = [14, 36, 1, 49][i]!;
      return Array.from(read(path.increment(0.1, 0.35, [n, 3], first)));
    });
    expect(parts).toEqual(whole);
  });

  test('short steps keep their digits', () => {
    // From a difference of float32 values of size 1 a step of 1e-9 would have two digits at most.
    units.on = true;
    const deep = brownianTree({ key: key(2), to: 1, tolerance: 1e-9 });
    const w = read(deep.increment(0.7, 0.7 + 1e-9, shape));
    expect(dot(w, w) * 1e9).toBeCloseTo(1, 4);
  });

  test('samples have the law: mean, variance, independence of rows and steps', () => {
    const n = 4000;
    const [a, b] = [read(path.increment(0, 0.3, [n, 1])), read(path.increment(0.3, 1, [n, 1]))];
    const mean = (v: Float32Array): number => v.reduce((s, x) => s + x, 0) / n;
    // Standard errors √(h/n), h√(2/n); five of them.
    expect(Math.abs(mean(a))).toBeLessThan(5 * Math.sqrt(0.3 / n));
    expect(Math.abs(dot(a, a) / n - 0.3)).toBeLessThan(5 * 0.3 * Math.sqrt(2 / n));
    expect(Math.abs(dot(a, b) / n)).toBeLessThan(5 * Math.sqrt((0.3 * 0.7) / n));
    const shifted = Float32Array.from(a, (_, i) => a[(i + 1) % n]!);
    expect(Math.abs(dot(a, shifted) / n)).toBeLessThan((5 * 0.3) / Math.sqrt(n));
  });
});

test('draws grow with the logarithm of the tolerance', () => {
  units.on = true;
  const draws = (tolerance: number): number => {
    units.rows.clear();
    const path = brownianTree({ key: key(1), to: 1, tolerance });
    path.increment(0.3, 0.3 + 2 * tolerance, shape).dispose();
    return units.rows.size;
  };
  const few = draws(1e-3);
  expect(draws(1e-6)).toBeLessThan(2.2 * few);
  expect(few).toBeLessThan(2 * (2 * 11 + 2));
});

test('bad input', () => {
  const make =
    (options: object): (() => unknown) =>
    () =>
      brownianTree({ key: key(1), to: 1, ...options } as never);
  expect(make({ from: 1 })).toThrow(
    'brownianTree: from and to must be finite times with from < to, got 1 and 1.',
  );
  expect(make({ to: Number.NaN })).toThrow('got 0 and NaN');
  expect(make({ tolerance: 0 })).toThrow(
    'brownianTree: tolerance must lie in [2⁻⁵⁰ (to − from), to − from], got 0.',
  );
  expect(make({ tolerance: 2 })).toThrow('got 2. Use the length of the shortest step.');
  expect(make({ key: 7 })).toThrow('brownianTree: key must be a key, got 7');
  const path = brownianTree({ key: key(1), to: 1 });
  expect(() => path.increment(0.5, 1.5, [1, 1])).toThrow('a time must lie in [0, 1], got 1.5.');
  expect(() => path.incrementAndArea(-1, 1, [1, 1])).toThrow('a time must lie in [0, 1], got -1.');
});
