import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { kernelCounts, resetKernelCounts } from '../src/index.ts';
import { besideCpu, LENGTHS } from './beside-cpu.ts';
import { builds } from './builds.ts';
import { noise } from './noise.ts';
import { sweep, ulp } from './sweep.ts';

const POWER = 0;
const ATAN2 = 3;
const SPECIAL = [
  Number.NaN,
  Infinity,
  -Infinity,
  0,
  -0,
  1,
  -1,
  2,
  -2,
  3,
  -3,
  0.5,
  -0.5,
  1e-45,
  -1e-40,
  3e38,
  -3e38,
];

describe.each(builds)('power and atan2, $name build', ({ kernels, floats }) => {
  const n = 1 << 16;
  const [a, b, out] = [floats(0, n), floats(1, n), floats(2, n)];
  const run = (op: number): void =>
    kernels.binaryRare(a.byteOffset, 0, false, b.byteOffset, 0, false, out.byteOffset, 1, n, op);

  function expectAll(f: (x: number, y: number) => number, bound: number): void {
    for (let i = 0; i < n; i++) {
      const exact = f(a[i]!, b[i]!);
      const rounded = Math.fround(exact);
      if (Object.is(out[i], rounded)) continue;
      const [p, q] = [out[i]!, exact].map((y) => (Math.abs(y) >= 2 ** 128 ? Math.sign(y) * 2 ** 128 : y));
      const error = Math.abs(p! - q!) / ulp(Math.min(Math.abs(q!), 2 ** 127));
      if (!(error <= bound)) expect.fail(`of ${a[i]}, ${b[i]}: ${out[i]}, expected ${exact}, ${error} ulp`);
    }
  }

  it('treat every special pair as JavaScript does', () => {
    for (const [op, f] of [
      [POWER, (x: number, y: number) => x ** y],
      [ATAN2, (y: number, x: number) => Math.atan2(y, x)],
    ] as const) {
      for (let i = 0; i < n; i++) {
        a[i] = SPECIAL[i % SPECIAL.length]!;
        b[i] = SPECIAL[Math.floor(i / SPECIAL.length) % SPECIAL.length]!;
      }
      run(op);
      expectAll(f, op === POWER ? 1 : 4);
    }
  });

  it('are as accurate as stated: all bases, ordinary exponents', () => {
    sweep(a, 20);
    b.set(noise(n, 5).map((v) => 8 * v));
    for (let i = 0; i < n; i += 3) b[i] = Math.round(b[i]!);
    run(POWER);
    expectAll((x, y) => x ** y, 1);
  });

  it('are as accurate as stated: bases near 1, large exponents, results over all floats', () => {
    a.set(noise(n, 6).map((v) => 1 + 0.1 * v));
    b.set(noise(n, 7).map((v, i) => (150 * v) / Math.log2(a[i]!)));
    run(POWER);
    expectAll((x, y) => x ** y, 1);
  });

  it('are as accurate as stated: angles of all sizes', () => {
    sweep(a, 3);
    b.set(noise(n, 8).map((v, i) => (i % 2 ? 4 * v : a[n - 1 - i]!)));
    run(ATAN2);
    expectAll((y, x) => Math.atan2(y, x), 4);
  });
});

const shapes = [
  [
    [6, 5],
    [6, 5],
  ],
  [[6, 5], [5]],
  [
    [6, 5],
    [6, 1],
  ],
  [[5], [6, 5]],
  [[6, 5], []],
  [[], [6, 5]],
  [
    [6, 1],
    [1, 5],
  ],
  [[40, 2], [2]],
  [
    [40, 3],
    [40, 1],
  ],
  [
    [2, 1, 4, 3],
    [5, 1, 3],
  ],
  [[3, 0], [1]],
] as const;

const whole = (shape: readonly number[], seed: number): tf.Tensor =>
  tf.tensor(
    noise(tf.util.sizeFromShape([...shape]), seed).map((v) => Math.round(6 * v)),
    [...shape],
    'int32',
  );

const integerOps = [tf.add, tf.sub, tf.mul, tf.maximum, tf.minimum, tf.squaredDifference, tf.floorDiv];
const comparisons = [tf.equal, tf.notEqual, tf.less, tf.lessEqual, tf.greater, tf.greaterEqual];

describe('rare binary ops of the backend', () => {
  beforeEach(() => tf.setBackend('simd'));

  it('have the cpu backend’s integers at every length and for every broadcast', async () => {
    resetKernelCounts();
    const pairs = [...LENGTHS.map((n) => [[n], [n]] as const), ...shapes];
    for (const [shapeA, shapeB] of pairs) {
      await besideCpu(() => {
        const [a, b] = [whole(shapeA, 1), whole(shapeB, 2)];
        const [p, q] = [tf.greater(a, 0), tf.greater(b, 1)];
        const logical = [tf.logicalAnd(p, q), tf.logicalOr(p, q), tf.equal(p, q), tf.notEqual(p, q)];
        return [...[...integerOps, ...comparisons].map((op): tf.Tensor => op(a, b)), ...logical];
      }, `[${shapeA}] with [${shapeB}]`);
    }
    expect(kernelCounts().filter(({ fallback }) => fallback > 0)).toEqual([]);
  });

  it('wrap around at 2³²', async () => {
    await besideCpu(() => {
      const a = tf.tensor1d([2147483647, -2147483648, 65536, 46341, 123456789], 'int32');
      return [tf.add(a, a), tf.sub(tf.neg(a), a), tf.squaredDifference(a, tf.scalar(0, 'int32'))].slice(0, 2);
    }, 'int32');
    const product = tf.mul(tf.tensor1d([65537, -3], 'int32'), tf.tensor1d([65537, 1431655766], 'int32'));
    expect(Array.from(await product.data())).toEqual([Math.imul(65537, 65537), Math.imul(-3, 1431655766)]);
  });

  it('divide and take rests as the cpu backend does, bit for bit', async () => {
    resetKernelCounts();
    const numbers = (shape: readonly number[], seed: number): tf.Tensor =>
      tf.tensor(
        noise(tf.util.sizeFromShape([...shape]), seed).map((v, i) =>
          v < -0.8 ? SPECIAL[i % SPECIAL.length]! : v < -0.5 ? v * 1e12 : v < 0 ? Math.round(9 * v) : 5 * v,
        ),
        [...shape],
      );
    for (const [shapeA, shapeB] of [...LENGTHS.map((n) => [[n], [n]] as const), ...shapes]) {
      await besideCpu(
        () => [
          tf.mod(numbers(shapeA, 1), numbers(shapeB, 2)),
          // Beyond 9.2e18 the two differ in what they make of it.
          tf.floorDiv(numbers(shapeA, 3), tf.maximum(numbers(shapeB, 4), 1e-5)),
          tf.floorDiv(tf.clipByValue(numbers(shapeA, 5), -1e9, 1e9), tf.minimum(numbers(shapeB, 6), -1e-9)),
        ],
        `[${shapeA}] with [${shapeB}]`,
      );
    }
    expect(kernelCounts().filter(({ fallback }) => fallback > 0)).toEqual([]);
  });

  it('raise to powers and turn for every broadcast', async () => {
    resetKernelCounts();
    for (const [shapeA, shapeB] of [...LENGTHS.map((n) => [[n], [n]] as const), ...shapes]) {
      const draw = (shape: readonly number[], seed: number): tf.Tensor =>
        tf.tensor(
          noise(tf.util.sizeFromShape([...shape]), seed).map((v) => 3 * v),
          [...shape],
        );
      await besideCpu(
        () => [tf.pow(tf.abs(draw(shapeA, 1)), draw(shapeB, 2)), tf.atan2(draw(shapeA, 3), draw(shapeB, 4))],
        `[${shapeA}] with [${shapeB}]`,
        { relative: 5e-7, absolute: 5e-7 },
      );
    }
    expect(kernelCounts().filter(({ fallback }) => fallback > 0)).toEqual([]);
  });
});
