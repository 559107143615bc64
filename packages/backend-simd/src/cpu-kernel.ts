import type { KernelFunc } from '@tensorflow/tfjs-core';
import { SimdBackendError } from './errors.ts';
import { cpuKernels } from './generated/cpu-kernels.js';

const byName: ReadonlyMap<string, KernelFunc> = new Map(
  cpuKernels.map(({ kernelName, kernelFunc }) => [kernelName, kernelFunc]),
);

/** Names of all ops that the cpu backend implements. */
export const cpuKernelNames: readonly string[] = [...byName.keys()];

/** The function of the cpu backend for an op. */
export function cpuKernel(kernelName: string): KernelFunc {
  const kernelFunc = byName.get(kernelName);
  if (!kernelFunc)
    throw new SimdBackendError(
      `simd: needs a cpu kernel named '${kernelName}', which there is none of. Please report this.`,
    );
  return kernelFunc;
}
