import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { kernelCounts, resetKernelCounts } from '../src/index.ts';
import { besideCpu, LENGTHS } from './beside-cpu.ts';
import { builds } from './builds.ts';
import { noise } from './noise.ts';
import { sweep, ulp } from './sweep.ts';

const selu = (x: number): number =>
  x < 0 ? 1.0507009873554805 * 1.6732632423543772 * Math.expm1(x) : 1.0507009873554805 * x;

/** In the order of the kernel: the function, its bound in units in the last place, and where to look closely. */
const functions = [
  ['tan', Math.tan, 5, 9],
  ['asin', Math.asin, 4, 1],
  ['acos', Math.acos, 4, 1],
  ['atan', Math.atan, 4, 20],
  ['sinh', Math.sinh, 4, 90],
  ['cosh', Math.cosh, 4, 90],
  ['asinh', Math.asinh, 4, 20],
  ['acosh', Math.acosh, 4, 20],
  ['atanh', Math.atanh, 4, 1],
  ['selu', selu, 3, 90],
] as const;

const MAX = (2 - 2 ** -23) * 2 ** 127;

describe.each(builds)('rare functions, $name build', ({ kernels, floats }) => {
  it.each(functions.map((f, op) => [...f, op] as const))(
    '%s is as accurate as stated over all floats',
    (name, f, bound, span, op) => {
      const n = 1 << 18;
      const [x, out] = [floats(0, n), floats(1, n)];
      sweep(x, span);
      kernels.unaryRare(x.byteOffset, out.byteOffset, n, op);
      for (let i = 0; i < n; i++) {
        const exact = f(x[i]!);
        const [actual, rounded] = [out[i]!, Math.fround(exact)];
        if (Object.is(actual, rounded) || (Number.isNaN(actual) && Number.isNaN(rounded))) continue;
        const [p, q] = [actual, exact].map((y) => (Math.abs(y) === Infinity ? Math.sign(y) * 2 ** 128 : y));
        const poles =
          name === 'tan' && Math.abs(x[i]!) <= 8192 ? 8e-15 * Math.abs(x[i]!) * (1 + exact ** 2) : 0;
        const far = (Math.abs(p! - q!) - poles) / ulp(Math.min(Math.abs(exact), MAX));
        // Where there is only a polynomial, a wrong digit of it shows.
        const polynomial =
          (name === 'atan' && Math.abs(x[i]!) < 0.414) || (name === 'asin' && Math.abs(x[i]!) < 0.5);
        const allowed = polynomial || (name === 'tan' && Math.abs(x[i]!) > 8192) ? 1 : bound;
        if (!(far <= allowed)) expect.fail(`${name}(${x[i]}) is ${actual}, expected ${exact}, ${far} ulp`);
      }
    },
  );
});

describe('rare elementwise ops of the backend', () => {
  beforeEach(() => tf.setBackend('simd'));

  it('agree with the cpu backend at every length, on kernels of their own', async () => {
    resetKernelCounts();
    for (const n of LENGTHS) {
      await besideCpu(
        () => {
          const x = tf.tensor1d(noise(n, 1).map((v) => 0.99 * v));
          const large = tf.tensor1d(noise(n, 2).map((v) => 1 + 4 * Math.abs(v)));
          const ops = [tf.tan, tf.asin, tf.acos, tf.atan, tf.sinh, tf.cosh, tf.asinh, tf.atanh, tf.selu];
          return [...ops.map((op): tf.Tensor => op(x)), tf.acosh(large)];
        },
        `length ${n}`,
        { relative: 1e-6, absolute: 1e-6 },
      );
    }
    const used = kernelCounts().filter(({ own }) => own === LENGTHS.length);
    expect(used.length).toBe(10);
    expect(kernelCounts().every(({ fallback }) => fallback === 0)).toBe(true);
  });

  it('negate truth and find infinity at every length', async () => {
    resetKernelCounts();
    const special = [Infinity, -Infinity, Number.NaN, 0, -3, (2 - 2 ** -23) * 2 ** 127];
    for (const n of LENGTHS) {
      await besideCpu(() => {
        const x = tf.tensor1d(noise(n, 3).map((v, i) => (v < 0 ? special[i % special.length]! : v)));
        const infinite = tf.isInf(x);
        return [infinite, tf.logicalNot(infinite)];
      }, `length ${n}`);
    }
    expect(kernelCounts().every(({ fallback }) => fallback === 0)).toBe(true);
  });
});
