/** Tensors that are disposed of while a read of them is under way. */
import { useBackend } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import '../src/index.ts';
import { hasAdapter } from './webgpu-in-node.ts';

describe.skipIf(!hasAdapter)('a tensor disposed of while it is read', () => {
  test('gives its values to all who asked, and is gone then', async () => {
    await useBackend('webgpu');
    const before = tf.memory();
    const x = tf.tidy(() => tf.square(tf.tensor1d([1, 2, 3])));
    const reads = [x.data(), x.data()];
    x.dispose();
    expect(tf.memory().numTensors).toBe(before.numTensors);
    expect((await Promise.all(reads)).map((values) => Array.from(values))).toEqual([
      [1, 4, 9],
      [1, 4, 9],
    ]);
    expect(tf.memory().numDataBuffers).toBe(before.numDataBuffers);
  });

  test('a complex one too', async () => {
    await useBackend('webgpu');
    const z = tf.complex(tf.square(tf.tensor1d([1, 2])), tf.square(tf.tensor1d([3, 4])));
    const reads = [z.data(), z.data()];
    z.dispose();
    for (const values of await Promise.all(reads)) expect(Array.from(values)).toEqual([1, 9, 4, 16]);
  });
});
