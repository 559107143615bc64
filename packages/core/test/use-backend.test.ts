import { BackendUnavailableError, fusedOps, useBackend } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, it } from 'vitest';
import '@tensorflow/tfjs-backend-cpu';

describe('useBackend', () => {
  afterEach(() => {
    for (const name of ['simd', 'broken', 'throwing'])
      if (tf.findBackendFactory(name)) tf.removeBackend(name);
  });

  it('takes the best that is imported and says what it passed over', async () => {
    const choice = await useBackend('auto');
    expect(choice.name).toBe('cpu');
    expect(tf.getBackend()).toBe('cpu');
    expect(choice.passedOver.map((p) => p.name)).toEqual(['webgpu', 'simd', 'wasm']);
    expect(choice.passedOver[1]?.why).toBe(
      "no backend of that name is registered; import '@diff/backend-simd'",
    );
    expect(choice.fused).toEqual([]);
  });

  it('prefers simd to cpu where it is registered', async () => {
    tf.registerBackend('simd', () => tf.findBackend('cpu'));
    expect((await useBackend()).name).toBe('simd');
    await useBackend('cpu');
  });

  it('throws for a name that is not there, and leaves the active backend alone', async () => {
    await useBackend('cpu');
    await expect(useBackend('smid')).rejects.toThrow(BackendUnavailableError);
    await expect(useBackend('smid')).rejects.toThrow(
      "useBackend: 'smid' must be a backend that this program can use, but no backend of that name is registered. " +
        "Registered: 'cpu'. Try useBackend('auto').",
    );
    expect(tf.getBackend()).toBe('cpu');
  });

  it('throws with the cause when a backend does not start', async () => {
    await useBackend('cpu');
    tf.registerBackend('throwing', () => {
      throw new Error('no adapter');
    });
    tf.registerBackend('broken', async () => Promise.reject(new Error('no device')));
    await expect(useBackend('throwing')).rejects.toThrow('it failed to start: no adapter');
    await expect(useBackend('broken')).rejects.toThrow('it failed to start: no device');
    expect(tf.getBackend()).toBe('cpu');
    expect(tf.add(1, 2).dataSync()[0]).toBe(3);
  });
});

describe('fusedOps', () => {
  it('lists the kernels that the active backend has registered', async () => {
    await useBackend('cpu');
    tf.registerKernel({ kernelName: 'DiffNormal', backendName: 'cpu', kernelFunc: () => [] });
    expect(fusedOps()).toEqual(['DiffNormal']);
    tf.unregisterKernel('DiffNormal', 'cpu');
    expect(fusedOps()).toEqual([]);
  });
});
