import * as core from '@diff/core';
import { describeDiffusionOps } from '@diff/testkit';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import '../src/index.ts';
import { hasAdapter } from './webgpu-in-node.ts';

describe.skipIf(!hasAdapter)('webgpu', () => {
  it('fuses all diffusion ops', async () => {
    await core.useBackend('webgpu');
    expect(tf.getBackend()).toBe('webgpu');
    expect(core.fusedOps()).toEqual([...core.DIFF_KERNELS]);
  });

  describeDiffusionOps({ backend: 'webgpu', ops: core });
});
