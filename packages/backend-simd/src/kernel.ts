import type { KernelConfig, NamedAttrMap, NamedTensorInfoMap, TensorInfo } from '@tensorflow/tfjs-core';
import type { KernelArguments, SimdBackend } from './backend.ts';
import { countOwn } from './kernel-counts.ts';

/** What a kernel of this package is called with. */
export interface KernelCall<Inputs, Attrs> {
  readonly inputs: { readonly [Name in keyof Inputs]: NonNullable<Inputs[Name]> };
  readonly attrs: Attrs;
  readonly backend: SimdBackend;
  /** Inputs and attributes as they came: what `backend.fallback` takes. */
  readonly args: KernelArguments;
}

/**
 * A kernel of the backend "simd": counts its calls and gives its working memory back. The types name tfjs's own
 * (`kernel<AddInputs>`, `kernel<SumInputs, SumAttrs>`); see backend.ts for how to write one.
 */
export function kernel<Inputs extends object, Attrs extends object = Record<never, never>>(
  kernelName: string,
  run: (call: KernelCall<Inputs, Attrs>) => TensorInfo | TensorInfo[],
): KernelConfig {
  return {
    kernelName,
    backendName: 'simd',
    kernelFunc({
      inputs,
      attrs,
      backend,
    }: {
      inputs: NamedTensorInfoMap;
      attrs?: NamedAttrMap;
      backend: object;
    }) {
      const simd = backend as SimdBackend;
      const args: KernelArguments = attrs === undefined ? { inputs } : { inputs, attrs };
      const stop = countOwn(kernelName);
      try {
        return simd.guarded(() =>
          run({
            inputs: inputs as object as KernelCall<Inputs, Attrs>['inputs'],
            attrs: (attrs ?? {}) as Attrs,
            backend: simd,
            args,
          }),
        );
      } finally {
        stop();
      }
    },
  };
}

/** The kernel of an op that has only the cpu's. */
export function fallbackKernel(kernelName: string): KernelConfig {
  return {
    kernelName,
    backendName: 'simd',
    kernelFunc: ({ inputs, attrs, backend }) =>
      (backend as SimdBackend).fallback(kernelName, attrs === undefined ? { inputs } : { inputs, attrs }),
  };
}
