import '@tensorflow/tfjs-backend-cpu';
import { expectClose, expectSameBits, type Tolerance } from '@diff/testkit';
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import '../src/index.ts';

/** Lengths at which vector loops begin, end and leave tails; 64 fill their memory: nothing may be written behind them. */
export const LENGTHS = [0, 1, 3, 4, 5, 7, 8, 9, 31, 64, 1000, 65537] as const;

async function results(backend: string, run: () => tf.Tensor | tf.Tensor[]) {
  await tf.setBackend(backend);
  const tensors = tf.tidy(() => [run()].flat());
  const out = await Promise.all(
    tensors.map(async (t) => ({ shape: t.shape, dtype: t.dtype, values: await t.data() })),
  );
  tf.dispose(tensors);
  return out;
}

/** Runs the same ops on the cpu backend and on simd: same shapes, same types, and the same numbers to `tolerance` (none: the same bits). */
export async function besideCpu(
  run: () => tf.Tensor | tf.Tensor[],
  label: string,
  tolerance?: Tolerance,
): Promise<void> {
  const expected = await results('cpu', run);
  const actual = await results('simd', run);
  expect(actual.length, label).toBe(expected.length);
  actual.forEach(({ shape, dtype, values }, i) => {
    expect(shape, label).toEqual(expected[i]!.shape);
    expect(dtype, label).toBe(expected[i]!.dtype);
    const twin = expected[i]!.values;
    if (tolerance) expectClose(values, twin, tolerance, label);
    else expectSameBits(values, twin, label);
  });
}
