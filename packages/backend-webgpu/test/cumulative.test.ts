/** Cumulative sums and products of one length after those of another. */
import { useBackend } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import '../src/index.ts';
import { hasAdapter } from './webgpu-in-node.ts';

describe.skipIf(!hasAdapter)('cumulative ops on webgpu', () => {
  test('of several lengths, from behind and without the element itself', async () => {
    await useBackend('webgpu');
    const before = tf.env().get('WEBGPU_CPU_FORWARD');
    tf.env().set('WEBGPU_CPU_FORWARD', false); // else tfjs computes what is small on the cpu backend
    for (const n of [7, 5, 3, 8]) {
      const numbers = Array.from({ length: n }, (_, i) => i + 1);
      const x = tf.tensor1d(numbers);
      const sums = await tf.cumsum(x, 0, false, true).data();
      expect(Array.from(sums)).toEqual(Array.from({ length: n }, (_, i) => ((n - i) * (n + i + 1)) / 2));
      const after = await tf.cumsum(x, 0, true, true).data();
      expect(Array.from(after)).toEqual(Array.from(sums, (v, i) => v - (i + 1)));
      const products = await tf.cumprod(x, 0, false, true).data();
      expect(products[0]).toBe(numbers.reduce((a, b) => a * b, 1));
    }
    tf.env().set('WEBGPU_CPU_FORWARD', before);
  });
});
