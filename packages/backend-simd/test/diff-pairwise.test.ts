import { expectClose, expectSameBits } from '@diff/testkit';
import { describe, expect, it } from 'vitest';
import { type Build, builds } from './builds.ts';
import { squaredTwin } from './diff-twins.ts';
import { noise } from './noise.ts';

const U = 2 ** -24;
const REDUCE = { sumExp: 0, sumDistance: 1, logSumExp: 2 } as const;

interface Pairs {
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly d: number;
  readonly excludeDiagonal?: boolean;
}
interface Sums extends Pairs {
  readonly reduce: keyof typeof REDUCE;
  readonly weights?: Float32Array;
  readonly scale?: number;
}

const rowsOf = (values: Float32Array, d: number): number => values.length / d;

function sum({ kernels, floats }: Build, pairs: Sums): Float32Array {
  const { x, y, d, excludeDiagonal = false, reduce, weights, scale = 1 } = pairs;
  const n = rowsOf(x, d);
  const m = rowsOf(y, d);
  const [px, py] = [x, y].map((values, i) => {
    const to = floats(i, values.length);
    to.set(values);
    return to.byteOffset;
  });
  const w = floats(2, m);
  if (weights) w.set(weights);
  const out = floats(3, n + 1).fill(77);
  const bytes = kernels.pairwiseSumScratch(d);
  const scratch = floats(4, bytes / 4 + 1).fill(Number.NaN);
  scratch[bytes / 4] = 77;
  const data = [px!, n, d, py!, m, weights ? w.byteOffset : 0] as const;
  kernels.pairwiseSum(REDUCE[reduce], ...data, scale, excludeDiagonal, out.byteOffset, scratch.byteOffset, 0);
  expect([out[n], scratch[bytes / 4]], 'what follows the output').toEqual([77, 77]);
  return out.slice(0, n);
}

function nearest({ kernels, floats }: Build, { x, y, d, excludeDiagonal = false }: Pairs, k: number) {
  const n = rowsOf(x, d);
  floats(0, x.length).set(x);
  floats(1, y.length).set(y);
  const distance = floats(2, n * k + 1).fill(77);
  const index = floats(3, n * k + 1).fill(77);
  const bytes = kernels.pairwiseNearestScratch(d);
  const scratch = floats(4, bytes / 4 + 1).fill(Number.NaN);
  scratch[bytes / 4] = 77;
  const [px, py, ps] = [floats(0, 0).byteOffset, floats(1, 0).byteOffset, scratch.byteOffset];
  const m = rowsOf(y, d);
  kernels.pairwiseNearest(px, n, d, py, m, k, excludeDiagonal, distance.byteOffset, index.byteOffset, ps, 0);
  expect([distance[n * k], index[n * k], scratch[bytes / 4]], 'what follows the outputs').toEqual([
    77, 77, 77,
  ]);
  return {
    distance: distance.slice(0, n * k),
    index: new Int32Array(index.buffer.slice(index.byteOffset, index.byteOffset + 4 * n * k)),
  };
}

/** Row i in float64, and a bound of what float32 terms may be off together. */
function sumTwin(pairs: Sums, i: number): { value: number; error: number } {
  const { x, y, d, excludeDiagonal, reduce, weights, scale = 1 } = pairs;
  const js = Array.from({ length: rowsOf(y, d) }, (_, j) => j).filter((j) => !(excludeDiagonal && i === j));
  const squared = js.map((j) => squaredTwin(x, i, y, j, d));
  const weight = (e: number): number => weights?.[js[e]!] ?? 1;
  if (reduce === 'logSumExp') {
    const exponents = squared.map((s, e) => (weights?.[js[e]!] ?? 0) - scale * s);
    const top = exponents.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    const value = top + Math.log(exponents.reduce((total, e) => total + Math.exp(e - top), 0));
    const size = squared.reduce((a, s, e) => (exponents[e]! > top - 20 ? Math.max(a, scale * s) : a), 0);
    return { value, error: 4 * U * (2 + size + Math.abs(value)) };
  }
  const terms = squared.map(
    (s, e) => weight(e) * (reduce === 'sumExp' ? Math.exp(-scale * s) : Math.sqrt(s)),
  );
  // A squared distance is good to (2 + √d) u; runs of eight terms add 4 u.
  const error = terms.reduce((total, t, e) => {
    const slope = reduce === 'sumExp' ? Math.abs(scale * squared[e]!) : 0.5;
    return total + Math.abs(t) * U * (6 + (3 + Math.sqrt(d)) * slope);
  }, 1e-37);
  return { value: terms.reduce((a, b) => a + b, 0), error };
}

const shapes = [0, 1, 3, 4, 5, 7, 8, 9, 31, 70].flatMap((n) =>
  [1, 2, 8, 63, 64, 65, 200].flatMap((m) => [1, 2, 3, 4, 5, 16, 65, 130].map((d) => [n, m, d] as const)),
);

describe.each(builds)('pairwise sums of the $name build', (build) => {
  it.each(Object.keys(REDUCE) as (keyof typeof REDUCE)[])('%s is the float64 twin', (reduce) => {
    shapes.forEach(([n, m, d], s) => {
      const weighted = reduce === 'logSumExp' || s % 2 === 0;
      const pairs: Sums = {
        x: noise(n * d, 1),
        y: noise(m * d, 2),
        d,
        reduce,
        excludeDiagonal: s % 3 === 0,
        scale: [0.5, 3, 40, 0, -0.01][s % 5]!,
        ...(weighted && { weights: noise(m, 3) }),
      };
      const actual = sum(build, pairs);
      for (let i = 0; i < n; i += 3) {
        const { value, error } = sumTwin(pairs, i);
        expectClose([actual[i]!], [value], { absolute: error }, `${n} × ${m} × ${d}, row ${i}`);
      }
    });
  });

  it('10⁵ terms lose nothing', () => {
    const m = 100_000;
    const ones = { x: new Float32Array(3), y: new Float32Array(m).fill(0.1), d: 1 };
    const tenth = Math.fround(0.1);
    const values = [
      [sum(build, { ...ones, reduce: 'sumDistance' }), m * tenth],
      [sum(build, { ...ones, reduce: 'sumExp', scale: 2 }), m * Math.exp(-2 * tenth ** 2)],
      [
        sum(build, { ...ones, reduce: 'logSumExp', scale: 2, weights: new Float32Array(m) }),
        Math.log(m) - 2 * tenth ** 2,
      ],
    ] as const;
    for (const [actual, expected] of values) {
      expectClose(actual, [expected, expected, expected], { relative: 3 * U });
    }
    const random: Sums = { x: noise(6, 1), y: noise(2 * m, 2), d: 2, reduce: 'sumDistance' };
    for (const reduce of ['sumDistance', 'sumExp'] as const) {
      const actual = sum(build, { ...random, reduce });
      // Roundings of the terms average out: far below their bound.
      for (let i = 0; i < 3; i++) {
        expectClose([actual[i]!], [sumTwin({ ...random, reduce }, i).value], { relative: 3 * U });
      }
    }
  });

  it('gives a row the same bits wherever it stands', () => {
    for (const reduce of ['sumExp', 'sumDistance', 'logSumExp'] as const) {
      for (const d of [1, 2, 3, 5, 65]) {
        const pairs: Sums = { x: noise(75 * d, 1), y: noise(130 * d, 2), d, reduce, weights: noise(130, 3) };
        const whole = sum(build, pairs);
        for (let from = 0; from < 75; from += 7) {
          const to = Math.min(75, from + 1 + (from % 10));
          const piece = sum(build, { ...pairs, x: pairs.x.slice(from * d, to * d) });
          expectSameBits(piece, whole.subarray(from, to), `${reduce}, rows ${from} … ${to} of ${d}`);
        }
      }
    }
  });

  it('reaches the ends of the range', () => {
    const x = Float32Array.of(0);
    const y = Float32Array.of(Math.sqrt(88.5));
    const squared = squaredTwin(x, 0, y, 0, 1);
    expectClose(sum(build, { x, y, d: 1, reduce: 'sumExp', scale: -1 }), [Math.exp(squared)], {
      relative: 2e-5,
    });
    expect(sum(build, { x, y, d: 1, reduce: 'sumExp', scale: -1.1 })[0]).toBe(Number.POSITIVE_INFINITY);
    expect(sum(build, { x, y, d: 1, reduce: 'sumExp', scale: 2 })[0]).toBe(0);
    const far: Sums = {
      x,
      y: Float32Array.of(1e10, 2e10),
      d: 1,
      reduce: 'logSumExp',
      weights: new Float32Array(2),
    };
    expectClose(sum(build, far), [-1e20], { relative: 1e-6 });
    const none = { ...far, weights: new Float32Array(2).fill(Number.NEGATIVE_INFINITY) };
    expect(sum(build, none)[0]).toBe(Number.NEGATIVE_INFINITY);
    const alone: Sums = { x, y: x, d: 1, reduce: 'logSumExp', weights: x, excludeDiagonal: true };
    expect(sum(build, alone)[0]).toBe(Number.NEGATIVE_INFINITY);
  });

  it('keeps NaN in its row', () => {
    for (const reduce of ['sumExp', 'sumDistance', 'logSumExp'] as const) {
      const pairs: Sums = { x: noise(42, 1), y: noise(140, 2), d: 2, reduce, weights: noise(70, 3) };
      const clean = sum(build, pairs);
      const x = pairs.x.slice();
      x[9] = Number.NaN;
      const actual = sum(build, { ...pairs, x });
      clean[4] = Number.NaN;
      expectSameBits(actual, clean, reduce);
    }
  });
});

describe.each(builds)('nearest rows of the $name build', (build) => {
  it('are those of a sort, at every k', () => {
    for (const [n, m, d] of shapes) {
      for (const excludeDiagonal of [false, true]) {
        const most = m - (excludeDiagonal ? 1 : 0);
        const x = noise(n * d, 1);
        const y = noise(m * d, 2);
        for (const k of [1, 2, 10, most].filter((v, i, all) => 1 <= v && v <= most && all.indexOf(v) === i)) {
          const { distance, index } = nearest(build, { x, y, d, excludeDiagonal }, k);
          for (let i = 0; i < n; i += 4) {
            const all = Array.from({ length: m }, (_, j) => Math.sqrt(squaredTwin(x, i, y, j, d)));
            const sorted = all.filter((_, j) => !(excludeDiagonal && i === j)).sort((a, b) => a - b);
            const label = `${n} × ${m} × ${d}, k ${k}, row ${i}`;
            const close = { absolute: 1e-7, relative: (3 + Math.sqrt(d)) * U };
            const own = Array.from(index.subarray(i * k, (i + 1) * k));
            expectClose(distance.subarray(i * k, (i + 1) * k), sorted.slice(0, k), close, label);
            expectClose(
              own.map((j) => all[j]!),
              sorted.slice(0, k),
              close,
              `${label}, at the index`,
            );
            expect(new Set(own).size, label).toBe(k);
            if (excludeDiagonal) expect(own, label).not.toContain(i);
          }
        }
      }
    }
  });

  it('settle ties in favour of the smaller index', () => {
    for (const d of [1, 2, 3, 5]) {
      const y = new Float32Array(150 * d).map((_, e) => Math.floor(e / d) % 3);
      const x = new Float32Array(9 * d);
      const { distance, index } = nearest(build, { x, y, d }, 60);
      const order = Array.from({ length: 150 }, (_, j) => j).sort((a, b) => (a % 3) - (b % 3) || a - b);
      for (let i = 0; i < 9; i++) {
        expect(Array.from(index.subarray(60 * i, 60 * i + 60))).toEqual(order.slice(0, 60));
        expect(distance[60 * i + 55]).toBeCloseTo(Math.sqrt(d), 6);
      }
    }
  });

  it('never find NaN near', () => {
    const y = Float32Array.of(Number.NaN, 3, 1, Number.NaN, 2);
    const { distance, index } = nearest(build, { x: Float32Array.of(0, Number.NaN), y, d: 1 }, 4);
    expect(Array.from(index)).toEqual([2, 4, 1, -1, -1, -1, -1, -1]);
    const nan = Number.NaN;
    expectSameBits(distance, [1, 2, 3, nan, nan, nan, nan, nan]);
  });
});
