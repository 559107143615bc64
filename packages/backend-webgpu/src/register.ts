/** Makes "webgpu" known to tfjs: its own kernels, ours beside them, and our backend. Nothing starts before first use. */
import '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import { startBackend } from './backend.ts';
import { diffCombineConfig } from './kernels/diff-combine.ts';
import { noiseConfigs } from './kernels/diff-noise.ts';
import { diffPairwiseConfig } from './kernels/diff-pairwise.ts';
import { diffSoftmaxMeanConfig } from './kernels/diff-softmax-mean.ts';

/** As in tfjs-backend-webgpu: before simd (2.5), wasm and webgl (2) and cpu (1). */
const PRIORITY = 3;

const ours = [...noiseConfigs, diffCombineConfig, diffSoftmaxMeanConfig, diffPairwiseConfig];
if (tf.getKernel('DiffCombine', 'webgpu') === undefined) {
  // tfjs-backend-webgpu has registered a backend of this name where the environment has WebGPU.
  if (tf.findBackendFactory('webgpu')) tf.removeBackend('webgpu');
  tf.registerBackend('webgpu', startBackend, PRIORITY);
  for (const config of ours) tf.registerKernel(config);
}
