/** The device goes away in the middle of a run. */
import { key, normal, useBackend } from '@diff/core';
import { heun } from '@diff/samplers';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { DeviceLostError, DiffWebGPUBackend } from '../src/index.ts';
import { eightGaussians } from './eight-gaussians.ts';
import { hasAdapter } from './webgpu-in-node.ts';

function device(): GPUDevice {
  const backend = tf.backend();
  if (!(backend instanceof DiffWebGPUBackend)) throw new Error('webgpu runs another backend');
  return backend.device;
}

const gone =
  /^webgpu: the GPU device must be there, but it was lost \(.+\)\. Call useBackend\('webgpu'\) to start again/;

test.skipIf(!hasAdapter)('running work, kernels and reads say so, and useBackend starts again', async () => {
  await useBackend('webgpu');
  const old = normal(key(1), [4]);
  const first = device();
  const running = eightGaussians(heun(), 100, 10_000);
  const outcome = expect(running).rejects.toThrow(gone);
  setTimeout(() => first.destroy(), 50);
  await outcome;
  expect(() => normal(key(1), [4])).toThrow(DeviceLostError);
  expect(() => tf.add(old, 1)).toThrow(gone);
  await expect(old.data()).rejects.toThrow(gone);
  old.dispose();

  expect((await useBackend('webgpu')).name).toBe('webgpu');
  expect(device()).not.toBe(first);
  const x = await eightGaussians(heun(), 10, 5);
  expect((await x.data()).every(Number.isFinite)).toBe(true);
});
