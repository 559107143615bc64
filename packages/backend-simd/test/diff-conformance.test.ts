import * as core from '@diff/core';
import { describeDiffusionOps } from '@diff/testkit';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import '../src/index.ts';

it('fuses all diffusion ops', async () => {
  await tf.setBackend('simd');
  expect(core.fusedOps()).toEqual([...core.DIFF_KERNELS]);
});

describeDiffusionOps({ backend: 'simd', ops: core });
