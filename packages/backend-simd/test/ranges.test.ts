import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { kernelCounts, resetKernelCounts } from '../src/index.ts';
import { besideCpu, LENGTHS } from './beside-cpu.ts';
import { noise } from './noise.ts';

describe('ranges and running products', () => {
  beforeEach(async () => {
    await tf.setBackend('simd');
    resetKernelCounts();
  });

  it('count like cpu', async () => {
    await besideCpu(
      () => [
        tf.range(0, 7),
        tf.range(7, 0),
        tf.range(3, 3),
        tf.range(-2, 9, 3, 'int32'),
        tf.range(9, -2, -4, 'int32'),
        tf.range(0, 5, -1),
        tf.range(5, 0, 2),
        tf.range(0, 70000),
        tf.linspace(2, 9, 1),
        tf.linspace(2, 9, 8),
        tf.linspace(4, -4, 9),
      ],
      'ranges',
    );
    expect(kernelCounts().filter(({ fallback }) => fallback > 0)).toEqual([]);
  });

  it('end where they are to end', async () => {
    for (const n of [2, 10, 1000, 100001]) {
      const x = await tf.linspace(0, 1, n).data();
      expect([x[0], x[n - 1]]).toEqual([0, 1]);
      expect(x[Math.floor(n / 3)]).toBe(Math.fround(Math.floor(n / 3) / (n - 1)));
    }
    const tenths = await tf.range(0, 1000, 0.1).data();
    expect(tenths[9999]).toBe(Math.fround(999.9));
  });

  it('multiply up along any axis like cpu', async () => {
    for (const n of LENGTHS.filter((length) => length > 0)) {
      await besideCpu(
        () => {
          const x = tf.tensor2d(
            noise(2 * n, 3).map((v) => 1 + 0.01 * v),
            [2, n],
          );
          return [
            tf.cumprod(x, 1),
            tf.cumprod(x, 0, true),
            tf.cumprod(x, 1, true, true),
            tf.cumprod(x, 1, false, true),
          ];
        },
        `length ${n}`,
        { relative: 1e-3, absolute: 1e-6 },
      );
    }
    expect(kernelCounts().filter(({ fallback }) => fallback > 0)).toEqual([]);
  });
});
