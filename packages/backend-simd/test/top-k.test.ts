import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { kernelCounts, resetKernelCounts } from '../src/index.ts';
import { noise } from './noise.ts';

/** The definition: sorted by value, equals by place; NaN last. */
function twin(row: readonly number[], k: number): number[][] {
  const rank = (v: number): number => (Number.isNaN(v) ? -Infinity : v);
  const places = row.map((_, i) => i);
  places.sort((i, j) => (rank(row[j]!) === rank(row[i]!) ? i - j : rank(row[j]!) - rank(row[i]!)));
  return [places.slice(0, k).map((i) => row[i]!), places.slice(0, k)];
}

describe('topk', () => {
  beforeEach(() => tf.setBackend('simd'));

  it('finds the greatest of each row in order, on its own kernel', async () => {
    resetKernelCounts();
    let calls = 0;
    for (const dtype of ['float32', 'int32'] as const) {
      for (const [rows, n, k] of [
        [1, 1, 1],
        [3, 5, 1],
        [3, 5, 5],
        [7, 9, 4],
        [200, 31, 8],
        [2, 1000, 300],
        [1, 65537, 5],
      ] as const) {
        // Many ties.
        const values = noise(rows * n, n).map((v) => (Math.round(40 * v) + 0) / (dtype === 'int32' ? 1 : 4));
        const x = tf.tensor(values, [rows, n], dtype);
        const top = tf.topk(x, k);
        calls++;
        const [actual, places] = [await top.values.data(), await top.indices.data()];
        for (let i = 0; i < rows; i++) {
          const [greatest, where] = twin(Array.from(values.subarray(i * n, (i + 1) * n)), k);
          expect(Array.from(actual.subarray(i * k, (i + 1) * k))).toEqual(greatest);
          expect(Array.from(places.subarray(i * k, (i + 1) * k))).toEqual(where);
        }
        expect(top.values.dtype).toBe(dtype);
        tf.dispose([x, top.values, top.indices]);
      }
    }
    expect(kernelCounts().find(({ kernel }) => kernel === 'TopK')).toMatchObject({ own: calls, fallback: 0 });
  });

  it('puts NaN last, and −∞ before it', async () => {
    const { values, indices } = tf.topk(tf.tensor1d([Number.NaN, -Infinity, 3, Number.NaN, Infinity, 3]), 5);
    expect(Array.from(await values.data())).toEqual([Infinity, 3, 3, -Infinity, Number.NaN]);
    expect(Array.from(await indices.data())).toEqual([4, 2, 5, 1, 0]);
  });
});
