import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { kernelCounts, resetKernelCounts } from '../src/index.ts';
import { besideCpu } from './beside-cpu.ts';
import { noise } from './noise.ts';

type Resize = (x: tf.Tensor4D) => tf.Tensor4D;
const sizes: readonly (readonly [[number, number, number], [number, number]])[] = [
  [
    [3, 4, 5],
    [8, 10],
  ],
  [
    [1, 8, 6],
    [3, 4],
  ],
  [
    [3, 5, 7],
    [5, 7],
  ],
  [
    [2, 1, 3],
    [4, 1],
  ],
  [
    [2, 7, 4],
    [1, 9],
  ],
  [
    [0, 4, 4],
    [2, 3],
  ],
];
const options = [
  [false, false],
  [true, false],
  [false, true],
] as const;
const cases = [1, 3, 17].flatMap((channels) =>
  sizes.flatMap(([[batch, height, width], to]) =>
    options.flatMap(([align, half]) =>
      (['resizeNearestNeighbor', 'resizeBilinear'] as const).map((name) => {
        const shape: [number, number, number, number] = [batch, height, width, channels];
        const resize: Resize = (x) => tf.image[name](x, to, align, half);
        return [`${name} [${shape}] → [${to}], ${align}, ${half}`, shape, resize] as const;
      }),
    ),
  ),
);
const count = (shape: readonly number[]): number => tf.util.sizeFromShape(shape as number[]);

describe('resizing', () => {
  beforeAll(() => tf.setBackend('simd'));

  it.each(cases)('is that of the cpu backend: %s', async (name, shape, resize) => {
    const x = noise(count(shape), 1);
    // Three interpolations of numbers below 1, each with at most three roundings.
    await besideCpu(() => resize(tf.tensor4d(x, shape)), name, { absolute: 12 * 2 ** -24 });
  });

  it.each(cases)('has the adjoint as its gradient: %s', (_, shape, resize) => {
    tf.tidy(() => {
      const x = tf.tensor4d(noise(count(shape), 1), shape);
      resetKernelCounts();
      const y = resize(x);
      const weights = noise(y.size, 2);
      const dx = tf.grad((t: tf.Tensor) => resize(t as tf.Tensor4D))(x, tf.tensor4d(weights, y.shape));
      expect(dx.shape).toEqual(shape);
      expect(kernelCounts().filter(({ fallback }) => fallback > 0)).toEqual([]);
      // The map is linear: dx of a pixel is what a one in that pixel puts out, weighed. Each pixel has an image of
      // its own along the batch axis.
      const [batch, ...image] = shape;
      const n = count(image);
      if (batch === 0) return;
      const units = tf.reshape(tf.eye(n), [n, ...image]) as tf.Tensor4D;
      const out = resize(units).dataSync();
      const gradient = dx.dataSync();
      const pixels = out.length / n;
      for (let b = 0; b < batch; b++)
        for (let i = 0; i < n; i++) {
          let sum = 0;
          let size = 0;
          for (let j = 0; j < pixels; j++) {
            sum += out[i * pixels + j]! * weights[b * pixels + j]!;
            size += Math.abs(out[i * pixels + j]! * weights[b * pixels + j]!);
          }
          expect(Math.abs(gradient[b * n + i]! - sum)).toBeLessThanOrEqual(1e-6 * (size + 1));
        }
    });
  });

  it.each(cases.filter(([, shape]) => shape[0] > 1))(
    'gives an image the same bits whatever is beside it: %s',
    (_, shape, resize) => {
      tf.tidy(() => {
        const x = tf.tensor4d(noise(count(shape), 1), shape);
        const gradient = (t: tf.Tensor): tf.Tensor =>
          tf.grad((u: tf.Tensor) => tf.square(resize(u as tf.Tensor4D)))(t);
        const [y, dx] = [resize(x), gradient(x)];
        for (let b = 0; b < shape[0]; b++) {
          const one = <T extends tf.Tensor>(t: T): T => tf.slice(t, [b], [1]) as T;
          expect(resize(one(x)).dataSync()).toEqual(one(y).dataSync());
          expect(gradient(one(x)).dataSync()).toEqual(one(dx).dataSync());
        }
      });
    },
  );

  it('carries NaN to the pixels that see it', () => {
    const x = noise(2 * 4 * 4 * 5, 1);
    x[((1 * 4 + 1) * 4 + 2) * 5 + 3] = Number.NaN;
    const y = tf.tidy(() => tf.image.resizeNearestNeighbor(tf.tensor4d(x, [2, 4, 4, 5]), [8, 8]).dataSync());
    const nan = [...y.keys()].filter((i) => Number.isNaN(y[i]));
    expect(nan).toEqual([2, 3].flatMap((row) => [4, 5].map((column) => ((8 + row) * 8 + column) * 5 + 3)));
  });

  it('falls back for integers, with the same result', async () => {
    const x = (): tf.Tensor4D => tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1], 'int32');
    await besideCpu(() => tf.image.resizeNearestNeighbor(x(), [3, 3]), 'nearest');
    await besideCpu(() => tf.image.resizeBilinear(x(), [3, 3]), 'bilinear', { absolute: 1e-6 });
  });
});
