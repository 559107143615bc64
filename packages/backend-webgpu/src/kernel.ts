/** A kernel of the webgpu backend, with the types that it works with. */
import type { KernelConfig, NamedAttrMap, TensorInfo } from '@tensorflow/tfjs-core';
import type { DiffWebGPUBackend } from './backend.ts';

interface Call<I, A> {
  readonly inputs: I;
  readonly attrs: A;
  readonly backend: DiffWebGPUBackend;
}

/**
 * @param I the tensors that the kernel is called with, by name; @param A its attributes.
 */
export function kernel<I, A>(
  kernelName: string,
  compute: (call: Call<I, A>) => TensorInfo | TensorInfo[],
): KernelConfig {
  return {
    kernelName,
    backendName: 'webgpu',
    kernelFunc: ({ inputs, attrs, backend }) =>
      compute({
        inputs: inputs as I,
        attrs: attrs as NamedAttrMap & A,
        backend: backend as DiffWebGPUBackend,
      }),
  };
}
