/** A run on the GPU: the same samples as on the CPU, one dispatch an evaluation, one an update. */
import '@tensorflow/tfjs-backend-cpu';
import { key, normal, useBackend } from '@diff/core';
import { ddpm, eulerMaruyama, heun, type Sampler } from '@diff/samplers';
import { gaussianMixture } from '@diff/score';
import { canonicalOu, edm, ornsteinUhlenbeck } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { DiffWebGPUBackend } from '../src/index.ts';
import { eightGaussians } from './eight-gaussians.ts';
import { hasAdapter } from './webgpu-in-node.ts';

async function samples(backend: string, sampler: Sampler): Promise<ArrayLike<number>> {
  await useBackend(backend);
  const x = await eightGaussians(sampler, 500, 20);
  const values = await x.data();
  x.dispose();
  return values;
}

describe.skipIf(!hasAdapter)('sampling on webgpu', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  test.each([
    ['heun', heun()],
    ['ddpm', ddpm()],
  ] as const)('%s gives the samples of the cpu backend', async (_name, sampler) => {
    const gpu = await samples('webgpu', sampler);
    const cpu = await samples('cpu', sampler);
    const worst = Array.from(gpu).reduce((most, v, i) => Math.max(most, Math.abs(v - cpu[i]!)), 0);
    expect(worst).toBeLessThan(1e-3); // starts at |x| ≈ 80, where a float32 ulp is 8e-6; 20 steps amplify it
  });

  /** What the backend is asked to run from now on. */
  function watched() {
    const backend = tf.backend();
    if (!(backend instanceof DiffWebGPUBackend)) throw new Error('webgpu runs another backend');
    return { record: vi.spyOn(backend, 'record'), ofTfjs: vi.spyOn(backend, 'runWebGPUProgram') };
  }

  test.each(['score', 'noise', 'data', 'velocity'] as const)(
    'the %s of an exact mixture is one dispatch',
    async (kind) => {
      await useBackend('webgpu');
      const x = normal(key(5), [100, 2]);
      const { record, ofTfjs } = watched();
      for (const process of [edm(), canonicalOu({ T: 5 }), ornsteinUhlenbeck({ mu: 0.5, T: 5 })]) {
        const model = gaussianMixture({
          process,
          means: [
            [1, 0],
            [0, 1],
          ],
          variance: 0.01,
          kind,
        });
        record.mockClear();
        tf.dispose(model.predict(x, 0.5));
        expect(record).toHaveBeenCalledTimes(1);
        expect(ofTfjs).not.toHaveBeenCalled();
      }
      x.dispose();
    },
  );

  test('an evaluation is one dispatch and an update is one', async () => {
    await useBackend('webgpu');
    const { record, ofTfjs } = watched();
    const counted = async (steps: number): Promise<Map<string, number>> => {
      record.mockClear();
      ofTfjs.mockClear();
      (await eightGaussians(eulerMaruyama({ noiseLevel: 1 }), 100, steps)).dispose();
      const counts = new Map<string, number>();
      for (const [, { label }] of record.mock.calls) counts.set(label, (counts.get(label) ?? 0) + 1);
      counts.set('of tfjs', ofTfjs.mock.calls.length);
      return counts;
    };
    const [ten, thirty] = [await counted(10), await counted(30)];
    const perStep = (label: string): number => (thirty.get(label)! - ten.get(label)!) / 20;
    expect(perStep('DiffCombine number number, noise number')).toBe(1);
    expect(perStep('DiffSoftmaxMean 2 2 values blend')).toBe(1);
    expect(thirty.size, [...thirty.keys()].join()).toBe(4); // those two, the start, and tfjs
    // The check that the prediction is finite: a sum for each evaluation, and now and then they are put together.
    expect(perStep('of tfjs')).toBeLessThan(1.2);
  });

  test('memory is flat in the number of steps', async () => {
    await useBackend('webgpu');
    const bytes = async (steps: number): Promise<number> => {
      const x = await eightGaussians(heun(), 100, steps);
      await x.data();
      x.dispose();
      const { numBytesAllocatedInGPU } = tf.memory() as tf.MemoryInfo & { numBytesAllocatedInGPU: number };
      return numBytesAllocatedInGPU;
    };
    await bytes(100);
    const before = await bytes(100);
    expect(await bytes(400)).toBeLessThanOrEqual(1.5 * before);
  });
});
