/** Softmax over the last axis. */
import { type KernelConfig, Softmax, type SoftmaxAttrs, type SoftmaxInputs } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel.ts';
import { size } from '../numeric.ts';

export const softmaxConfig: KernelConfig = kernel<SoftmaxInputs, SoftmaxAttrs>(
  Softmax,
  ({ inputs: { logits }, attrs: { dim }, backend, args }) => {
    const last = logits.shape.length - 1;
    if (logits.dtype !== 'float32' || (dim !== -1 && dim !== last)) return backend.fallback(Softmax, args);
    const out = backend.output(logits.shape, 'float32');
    const n = logits.shape[last]!;
    if (n === 0) return out;
    backend.wasm.softmax(backend.pointer(logits), backend.pointer(out), size(logits.shape) / n, n);
    return out;
  },
);
