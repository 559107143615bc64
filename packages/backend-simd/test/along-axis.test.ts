import { expectClose, expectSameBits } from '@diff/testkit';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { besideCpu, LENGTHS } from './beside-cpu.ts';
import { noise } from './noise.ts';

const shapes = fc.array(fc.constantFrom<number[]>(1, 2, 3, 4, 5, 8, 9, 17), { minLength: 1, maxLength: 4 });
const count = (shape: readonly number[]) => shape.reduce((p, q) => p * q, 1);

describe('softmax', () => {
  it('is e^(x − max) over its sum, within 4 units in the last place', async () => {
    await tf.setBackend('simd');
    for (const n of LENGTHS) {
      for (const rows of [1, 3]) {
        const x = noise(rows * n, n).map((value) => 20 * value);
        const t = tf.tidy(() => tf.softmax(tf.tensor2d(x, [rows, n])));
        const expected = new Float64Array(rows * n);
        for (let i = 0; i < rows; i++) {
          const row = x.subarray(i * n, (i + 1) * n);
          const most = row.reduce((p, q) => Math.max(p, q), Number.NEGATIVE_INFINITY);
          const terms = Array.from(row, (value) => Math.exp(value - most));
          const sum = terms.reduce((p, q) => p + q, 0);
          terms.forEach((term, j) => {
            expected[i * n + j] = term / sum;
          });
        }
        // x − max is rounded: a relative error of e^… of up to 40·2⁻²⁴; the sum of n terms in four lanes.
        const relative = (50 + n / 4) * 2 ** -24;
        expectClose(await t.data(), expected, { relative, absolute: 1e-38 }, `softmax of [${rows}, ${n}]`);
        t.dispose();
      }
    }
  });

  it('of a row does not depend on the other rows', async () => {
    await tf.setBackend('simd');
    const row = noise(13, 4);
    const alone = tf.tidy(() => tf.softmax(tf.tensor1d(row)));
    const among = tf.tidy(() =>
      tf.softmax(tf.concat([tf.fill([3, 13], Number.NaN), tf.tensor2d(row, [1, 13])], 0)),
    );
    expectSameBits((await among.data()).subarray(39), await alone.data());
    tf.dispose([alone, among]);
  });

  it('treats ∞ and NaN like cpu', async () => {
    for (const n of [1, 3, 4, 5, 9, 23, 55]) {
      for (let at = 0; at < n; at++) {
        for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 200, -200]) {
          const x = noise(n, 1);
          x[at] = value;
          await besideCpu(() => tf.softmax(tf.tensor1d(x)), `softmax of ${n} with ${value} at ${at}`, {
            relative: 1e-5,
            absolute: 1e-37,
          });
        }
      }
      await besideCpu(
        () => tf.softmax(tf.fill([2, n], Number.NEGATIVE_INFINITY)),
        `softmax of ${n} times −∞`,
      );
    }
  });
});

describe('along an axis', () => {
  it('argMax, argMin, all, any and cumsum agree with cpu', async () => {
    const cases = shapes.chain((shape) =>
      fc.tuple(fc.constant(shape), fc.nat(shape.length - 1), fc.boolean(), fc.boolean()),
    );
    await fc.assert(
      fc.asyncProperty(cases, async ([shape, axis, exclusive, reverse]) => {
        const label = `[${shape}] along ${axis}`;
        // Few values: there are equal ones, of which the first counts.
        const ints = () =>
          tf.tensor(
            Int32Array.from(noise(count(shape), 3), (x) => Math.round(2 * x)),
            shape,
            'int32',
          );
        const floats = () => tf.cast(ints(), 'float32');
        await besideCpu(
          () => [
            tf.argMax(ints(), axis),
            tf.argMin(ints(), axis),
            tf.argMax(floats(), axis),
            tf.argMin(floats(), axis),
          ],
          `arg ${label}`,
        );
        await besideCpu(
          () => [tf.all(tf.cast(ints(), 'bool'), axis), tf.any(tf.greater(ints(), 1), axis, true)],
          `all, any ${label}`,
        );
        await besideCpu(
          () => [tf.all(tf.cast(ints(), 'bool')), tf.any(tf.greater(ints(), 1))],
          `all, any of everything [${shape}]`,
        );
        const x = () => tf.tensor(noise(count(shape), 5), shape);
        await besideCpu(
          () => tf.cumsum(x(), axis, exclusive, reverse),
          `cumsum ${label} ${exclusive} ${reverse}`,
          { absolute: 1e-5 },
        );
      }),
      { numRuns: 100 },
    );
  });

  it('work at every length', async () => {
    for (const n of LENGTHS) {
      const x = noise(n, 8);
      if (n > 0)
        await besideCpu(
          () => [tf.argMax(tf.tensor1d(x)), tf.argMin(tf.tensor2d(x, [1, n]), 1)],
          `arg of ${n}`,
        );
      // Of nothing, all hold and none does; the cpu backend has all([]) false.
      await tf.setBackend('simd');
      const [all, any] = tf.tidy(() => [tf.all(tf.ones([n], 'bool')), tf.any(tf.zeros([n], 'bool'))]);
      expectSameBits([(await all!.data())[0]!, (await any!.data())[0]!], [1, 0], `all, any of ${n}`);
      tf.dispose([all!, any!]);
      const sums = tf.tidy(() => tf.cumsum(tf.tensor1d(x)));
      let sum = 0;
      const expected = Float32Array.from(x, (value) => {
        sum += value;
        return sum;
      });
      expectSameBits(await sums.data(), expected, `cumsum of ${n}`);
      sums.dispose();
    }
    const awkward = [Number.NaN, 1, Number.POSITIVE_INFINITY, Number.NaN, -1, Number.NEGATIVE_INFINITY];
    for (let n = 1; n <= awkward.length; n++) {
      await besideCpu(
        () => [tf.argMax(tf.tensor1d(awkward.slice(-n))), tf.argMin(tf.tensor1d(awkward.slice(-n)))],
        `arg of ${awkward.slice(-n)}`,
      );
    }
  });
});
