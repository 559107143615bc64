/** Makes "simd" known to tfjs. All that happens at import: no memory, no compilation before the first use. */
import { registerBackend, registerKernel } from '@tensorflow/tfjs-core';
import { SimdBackend } from './backend.ts';
import { cpuKernelNames } from './cpu-kernel.ts';
import { fallbackKernel } from './kernel.ts';
import { ownKernels } from './kernels/index.ts';

/** tfjs takes the highest priority when nobody chooses: webgpu has 3, wasm and webgl 2, cpu 1. */
const PRIORITY = 2.5;

// `registerBackend` says false when another copy of this package was first: then its kernels are there too.
if (registerBackend('simd', () => new SimdBackend(), PRIORITY)) {
  const own = new Set(ownKernels.map(({ kernelName }) => kernelName));
  for (const config of ownKernels) registerKernel(config);
  for (const name of cpuKernelNames) if (!own.has(name)) registerKernel(fallbackKernel(name));
}
