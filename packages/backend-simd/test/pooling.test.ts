import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { kernelCounts, resetKernelCounts } from '../src/index.ts';
import { noise } from './noise.ts';

interface Pool {
  readonly x: [number, number, number, number];
  readonly window: [number, number];
  readonly strides: [number, number];
  readonly pad: 'same' | 'valid' | number;
}

const anyChannels = [1, 3, 17].flatMap((channels): Pool[] => [
  { x: [3, 8, 6, channels], window: [2, 2], strides: [2, 2], pad: 'valid' },
  { x: [3, 7, 5, channels], window: [2, 2], strides: [2, 2], pad: 'same' },
  { x: [1, 7, 5, channels], window: [3, 3], strides: [1, 1], pad: 'same' },
  { x: [2, 9, 8, channels], window: [3, 2], strides: [2, 3], pad: 1 },
  { x: [2, 3, 3, channels], window: [5, 4], strides: [1, 1], pad: 'same' },
  { x: [0, 4, 4, channels], window: [2, 2], strides: [2, 2], pad: 'same' },
]);
/** Fills its memory, with a vector that is not whole at its end. */
const full: Pool = { x: [1, 5, 5, 15], window: [2, 2], strides: [1, 1], pad: 'valid' };
const cases: readonly Pool[] = [...anyChannels, full];
const count = (shape: readonly number[]): number => tf.util.sizeFromShape(shape as number[]);
const named = (pools: readonly Pool[]): [string, Pool][] => pools.map((pool) => [JSON.stringify(pool), pool]);

/** Calls `visit` with an output element and the elements of its window inside the image, in order. */
function eachWindow({ x, window, strides, pad }: Pool, visit: (y: number, inside: number[]) => void): number {
  const { outHeight, outWidth, padInfo } = tf.backend_util.computePool2DInfo(x, window, strides, 1, pad);
  const [batch, height, width, channels] = x;
  let y = 0;
  for (let b = 0; b < batch; b++)
    for (let oy = 0; oy < outHeight; oy++)
      for (let ox = 0; ox < outWidth; ox++)
        for (let c = 0; c < channels; c++) {
          const inside: number[] = [];
          for (let fy = 0; fy < window[0]; fy++)
            for (let fx = 0; fx < window[1]; fx++) {
              const iy = oy * strides[0] - padInfo.top + fy;
              const ix = ox * strides[1] - padInfo.left + fx;
              if (iy >= 0 && iy < height && ix >= 0 && ix < width)
                inside.push(((b * height + iy) * width + ix) * channels + c);
            }
          visit(y++, inside);
        }
  return y;
}

const maxPool = ({ window, strides, pad }: Pool, x: tf.Tensor4D): tf.Tensor4D =>
  tf.maxPool(x, window, strides, pad);
const avgPool = ({ window, strides, pad }: Pool, x: tf.Tensor4D): tf.Tensor4D =>
  tf.avgPool(x, window, strides, pad);

/** The pooled image and the gradient, with no call of a cpu kernel. */
function run(op: typeof maxPool, pool: Pool, x: Float32Array, seed = 2) {
  return tf.tidy(() => {
    resetKernelCounts();
    const input = tf.tensor4d(x, pool.x);
    const y = op(pool, input);
    const dy = noise(y.size, seed);
    const dx = tf.grad((t: tf.Tensor) => op(pool, t as tf.Tensor4D))(input, tf.tensor4d(dy, y.shape));
    expect(kernelCounts().filter(({ fallback }) => fallback > 0)).toEqual([]);
    return { y: y.dataSync<'float32'>(), dy, dx: dx.dataSync<'float32'>() };
  });
}

function expectWithin(actual: Float32Array, expected: Float64Array, terms: number): void {
  expect(actual.length).toBe(expected.length);
  expected.forEach((value, i) => {
    // Terms are below 1: a sum of them in float32 and one product.
    const bound = (terms + 2) * 2 ** -24 * terms;
    if (Number.isNaN(value)) expect(actual[i], `[${i}]`).toBeNaN();
    else expect(Math.abs(actual[i]! - value), `[${i}]`).toBeLessThanOrEqual(bound);
  });
}

describe('pooling', () => {
  beforeAll(() => tf.setBackend('simd'));

  it.each(named(cases))('takes the greatest, and its gradient goes to the first greatest: %s', (_, pool) => {
    // Rounded, so that there are ties.
    const x = noise(count(pool.x), 1).map((v) => Math.round(4 * v) + 0);
    const { y, dy, dx } = run(maxPool, pool, x);
    const expected = new Float64Array(x.length);
    const outputs = eachWindow(pool, (i, inside) => {
      const greatest = Math.max(...inside.map((j) => x[j]!));
      expect(y[i]).toBe(greatest);
      // A window may lie outside the image altogether: −∞, and no gradient.
      const first = inside.find((j) => x[j] === greatest);
      if (first !== undefined) expected[first]! += dy[i]!;
    });
    expect(y.length).toBe(outputs);
    expectWithin(dx, expected, pool.window[0] * pool.window[1]);
  });

  it.each(named(cases))('averages what is inside the image: %s', (_, pool) => {
    const x = noise(count(pool.x), 1);
    const { y, dy, dx } = run(avgPool, pool, x);
    const whole = pool.window[0] * pool.window[1];
    const mean = new Float64Array(y.length);
    const gradient = new Float64Array(x.length);
    eachWindow(pool, (i, inside) => {
      mean[i] = inside.reduce((sum, j) => sum + x[j]!, 0) / inside.length;
      for (const j of inside) gradient[j]! += dy[i]! / whole;
    });
    expectWithin(y, mean, whole);
    expectWithin(dx, gradient, whole);
  });

  it.each(named(cases.filter(({ x }) => x[0] > 1)))(
    'gives an image the same bits whatever is beside it: %s',
    (_, pool) => {
      const [batch, ...shape] = pool.x;
      const x = noise(count(pool.x), 1);
      for (const op of [maxPool, avgPool]) {
        const all = tf.tidy(() => {
          const input = tf.tensor4d(x, pool.x);
          const gradient = tf.grad((t: tf.Tensor) => tf.square(op(pool, t as tf.Tensor4D)));
          return [op(pool, input).dataSync(), gradient(input).dataSync()];
        });
        for (let b = 0; b < batch; b++) {
          const one = tf.tidy(() => {
            const part = x.slice(b * count(shape), (b + 1) * count(shape));
            const input = tf.tensor4d(part, [1, ...shape]);
            const gradient = tf.grad((t: tf.Tensor) => tf.square(op(pool, t as tf.Tensor4D)));
            return [op(pool, input).dataSync(), gradient(input).dataSync()];
          });
          one.forEach((values, i) => {
            expect(values).toEqual(all[i]!.slice(b * values.length, (b + 1) * values.length));
          });
        }
      }
    },
  );

  it('passes NaN over in a maximum and keeps it in a mean', () => {
    for (const channels of [1, 3, 4, 17]) {
      const pool: Pool = { x: [1, 2, 4, channels], window: [2, 2], strides: [2, 2], pad: 'valid' };
      const x = noise(count(pool.x), 1);
      // All of the first window, and one pixel of the second.
      for (const pixel of [0, 1, 4, 5, 3]) x.fill(Number.NaN, pixel * channels, (pixel + 1) * channels);
      const max = run(maxPool, pool, x);
      const mean = run(avgPool, pool, x);
      for (let c = 0; c < channels; c++) {
        const rest = [2, 6, 7].map((pixel) => x[pixel * channels + c]!);
        expect(max.y[c]).toBe(Number.NEGATIVE_INFINITY);
        expect(max.y[channels + c]).toBe(Math.max(...rest));
        expect(max.dx[c]).toBe(0);
        expect([mean.y[c], mean.y[channels + c]]).toEqual([Number.NaN, Number.NaN]);
      }
    }
  });
});
