import { expectClose, expectSameBits } from '@diff/testkit';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import '../src/index.ts';
import { besideCpu, LENGTHS } from './beside-cpu.ts';
import { noise } from './noise.ts';

/** Sums over the middle of [outer, n, inner] in float64: of the elements, and of their absolute values. */
function sums(x: Float32Array, outer: number, n: number, inner: number) {
  const sum = new Float64Array(outer * inner);
  const size = new Float64Array(outer * inner);
  for (let i = 0; i < outer; i++) {
    for (let j = 0; j < n; j++) {
      for (let c = 0; c < inner; c++) {
        sum[i * inner + c]! += x[(i * n + j) * inner + c]!;
        size[i * inner + c]! += Math.abs(x[(i * n + j) * inner + c]!);
      }
    }
  }
  return { sum, size };
}

const U = 2 ** -24;
/** Bound of assembly/reduce-sum.ts: runs of 32 additions a lane, joined by two more, then float64 and one rounding. */
const BOUND = 36 * U;

describe('reductions', () => {
  beforeEach(() => tf.setBackend('simd'));

  it.each([1, 2, 3, 4, 8, 33])('write nothing where there is nothing to write: [0, 9, %d]', (inner) => {
    tf.tidy(() => {
      const x = tf.zeros([0, 9, inner]);
      for (const f of [tf.sum, tf.mean, tf.max, tf.min, tf.prod]) {
        expect(f(x, 1).shape).toEqual([0, inner]);
        expect(f(x, [1, 2]).shape).toEqual([0]);
      }
    });
  });

  it('sum along any axis to the bound that the kernel states', async () => {
    for (const n of LENGTHS) {
      for (const [outer, inner] of [
        [1, 1],
        [3, 1],
        [1, 2],
        [2, 3],
        [1, 4],
        [2, 5],
        [1, 16],
        [1, 23],
        [2, 37],
      ] as const) {
        if (n * inner * outer > 400_000) continue;
        const x = noise(outer * n * inner, n + inner);
        const label = `sum of [${outer}, ${n}, ${inner}]`;
        const { sum, size } = sums(x, outer, n, inner);
        const [total, mean] = tf.tidy(() => {
          const t = tf.tensor3d(x, [outer, n, inner]);
          return [tf.sum(t, 1), tf.mean(t, 1, true)];
        });
        const actual = await total!.data();
        expect(total!.shape).toEqual([outer, inner]);
        expect(mean!.shape).toEqual([outer, 1, inner]);
        for (let i = 0; i < sum.length; i++) {
          const error = Math.abs(actual[i]! - sum[i]!);
          if (!(error <= BOUND * size[i]!))
            expect.fail(`${label}[${i}] is ${actual[i]}, expected ${sum[i]}, error ${error}`);
        }
        if (n > 0)
          expectClose(
            await mean!.data(),
            Array.from(actual, (total) => Number(total) / n),
            { relative: 2 * U },
            `mean, ${label}`,
          );
        tf.dispose([total!, mean!]);
      }
    }
  });

  it('sum 10⁶ equal numbers exactly enough', async () => {
    const total = tf.tidy(() => tf.sum(tf.fill([1_000_000], 0.1)));
    expectClose(await total.data(), [1_000_000 * Math.fround(0.1)], { relative: 1e-6 });
    total.dispose();
  });

  it('give a row or column the same bits wherever it stands', async () => {
    const n = 1037;
    const row = noise(n, 9);
    const alone = tf.tidy(() => tf.sum(tf.tensor1d(row)));
    const [expected] = await alone.data();
    const rows = tf.tidy(() =>
      tf.sum(tf.concat([tf.randomUniform([5, n]), tf.tensor2d(row, [1, n]), tf.ones([2, n])], 0), 1),
    );
    expectSameBits([(await rows.data())[5]!], [expected!], 'row');
    // Columns: of whole matrices at least 4 wide, at every offset.
    const columns: number[] = [];
    for (const [width, at] of [
      [4, 3],
      [5, 4],
      [7, 0],
      [16, 15],
      [19, 17],
      [40, 33],
    ] as const) {
      const x = noise(n * width, width);
      for (let i = 0; i < n; i++) x[i * width + at] = row[i]!;
      const sum = tf.tidy(() => tf.sum(tf.tensor2d(x, [n, width]), 0));
      columns.push((await sum.data())[at]!);
      sum.dispose();
    }
    expectSameBits(
      columns,
      columns.map(() => columns[0]!),
      'column',
    );
    tf.dispose([alone, rows]);
  });

  it('agree with cpu for any axes, types and keepDims', async () => {
    const shapes = fc.array(fc.constantFrom<number[]>(1, 2, 3, 4, 5, 8, 9, 17), {
      minLength: 1,
      maxLength: 4,
    });
    const cases = shapes.chain((shape) =>
      fc.tuple(fc.constant(shape), fc.shuffledSubarray(shape.map((_, d) => d)), fc.boolean()),
    );
    await fc.assert(
      fc.asyncProperty(cases, async ([shape, axes, keep]) => {
        const n = shape.reduce((p, q) => p * q, 1);
        const label = `[${shape}] over ${axes}${keep ? ' keeping' : ''}`;
        const floats = () => tf.tensor(noise(n, 11), shape);
        const ints = () =>
          tf.tensor(
            Int32Array.from(noise(n, 12), (x) => Math.round(x * 1000)),
            shape,
            'int32',
          );
        const bools = () => tf.greater(floats(), 0.1);
        await besideCpu(() => tf.sum(floats(), axes, keep), `sum ${label}`, { absolute: 1e-4 });
        await besideCpu(() => tf.mean(floats(), axes, keep), `mean ${label}`, { absolute: 1e-6 });
        await besideCpu(() => tf.mean(ints(), axes, keep), `mean of int32 ${label}`, { absolute: 1e-3 });
        await besideCpu(() => tf.prod(floats(), axes, keep), `prod ${label}`, {
          relative: 1e-6,
          absolute: 1e-38,
        });
        await besideCpu(
          () => [tf.max(floats(), axes, keep), tf.min(floats(), axes, keep)],
          `extremes ${label}`,
        );
        await besideCpu(
          () => [tf.max(ints(), axes, keep), tf.min(ints(), axes, keep), tf.sum(ints(), axes, keep)],
          `int32 ${label}`,
        );
        await besideCpu(() => tf.sum(bools(), axes, keep), `bool ${label}`);
      }),
      { numRuns: 120 },
    );
  });

  it('find the extremes at every position, and NaN', async () => {
    for (const n of [1, 3, 4, 5, 7, 8, 9, 31]) {
      for (let at = 0; at < n; at++) {
        for (const value of [10, -10, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
          const x = noise(n, 3);
          x[at] = value;
          await besideCpu(
            () => [tf.max(tf.tensor1d(x)), tf.min(tf.tensor1d(x))],
            `extremes of ${n} with ${value} at ${at}`,
          );
          const columns = () => tf.transpose(tf.tensor2d(x, [1, n]));
          await besideCpu(
            () => [tf.max(tf.tile(columns(), [1, 11]), 0), tf.min(tf.tile(columns(), [1, 11]), 0)],
            `columns of ${n} with ${value} at ${at}`,
          );
        }
      }
    }
  });

  it('pass NaN and ∞ through sums', async () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      for (let at = 0; at < 40; at++) {
        const x = noise(40, 3);
        x[at] = value;
        await besideCpu(
          () => [tf.sum(tf.tensor1d(x)), tf.mean(tf.tensor2d(x, [40, 1]), 0)],
          `${value} at ${at}`,
        );
        await besideCpu(() => tf.sum(tf.tensor2d(x, [8, 5]), 0), `${value} at ${at} of [8, 5]`, {
          absolute: 1e-6,
        });
      }
    }
  });

  it('add several tensors like cpu', async () => {
    for (const n of LENGTHS) {
      for (const k of [1, 2, 3, 5]) {
        const terms = () => Array.from({ length: k }, (_, i) => tf.tensor1d(noise(n, i)));
        await besideCpu(() => tf.addN(terms()), `addN ${k} × ${n}`);
      }
    }
  });
});
