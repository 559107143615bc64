/** The GPU device goes away in the middle of a run in a browser. */

import { DeviceLostError, DiffWebGPUBackend } from '@diff/backend-webgpu';
import { key, normal, useBackend } from '@diff/core';
import { heun, sample } from '@diff/samplers';
import { gaussianMixture } from '@diff/score';
import { karrasGrid, varianceExploding } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { cdp } from 'vitest/browser';

const process = varianceExploding({ sigmaMin: 0.01, sigmaMax: 10 });

function samples(steps: number, atStep?: (step: number) => void): Promise<tf.Tensor> {
  return sample({
    model: gaussianMixture({
      process,
      means: [
        [-1, 0],
        [1, 0],
      ],
      variance: 0.01,
    }),
    sampler: heun(),
    grid: karrasGrid({ process, steps, end: 0.01 }),
    shape: [100, 2],
    key: key(3),
    ...(atStep && { onStep: ({ step }) => atStep(step) }),
  });
}

function device(): GPUDevice {
  const backend = tf.backend();
  if (!(backend instanceof DiffWebGPUBackend)) throw new Error('webgpu runs another backend');
  return backend.device;
}

const ways: readonly (readonly [how: string, lose: () => unknown])[] = [
  ['is destroyed', () => device().destroy()],
  ['goes with the process of the GPU', () => cdp().send('Browser.crashGpuProcess')],
];

test.each(ways)(
  'a run whose device %s says so, and useBackend starts again on a new one',
  async (_how, lose) => {
    await useBackend('webgpu');
    const first = device();
    const old = normal(key(1), [4]);
    const running = samples(10_000, (step) => {
      if (step === 3) lose();
    });
    await expect(running).rejects.toThrow(DeviceLostError);
    await expect(old.data()).rejects.toThrow(/it was lost \(.+\)\. Call useBackend\('webgpu'\)/);
    expect(() => tf.add(old, 1)).toThrow(DeviceLostError);
    old.dispose();

    expect((await useBackend('webgpu')).name).toBe('webgpu');
    expect(device()).not.toBe(first);
    const x = await samples(5);
    expect((await x.data()).every(Number.isFinite)).toBe(true);
    x.dispose();
  },
);
