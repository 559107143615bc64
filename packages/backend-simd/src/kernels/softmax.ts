/** Softmax over the last axis. */
import { type KernelConfig, Softmax, type SoftmaxAttrs, type SoftmaxInputs } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel.ts';
import { size } from '../numeric.ts';
import { COUNT, each } from '../parallel.ts';
import { SHORT_ROW } from './reduce.ts';

export const softmaxConfig: KernelConfig = kernel<SoftmaxInputs, SoftmaxAttrs>(
  Softmax,
  ({ inputs: { logits }, attrs: { dim }, backend, args }) => {
    const last = logits.shape.length - 1;
    if (logits.dtype !== 'float32' || (dim !== -1 && dim !== last)) return backend.fallback(Softmax, args);
    const out = backend.output(logits.shape, 'float32');
    const n = logits.shape[last]!;
    if (n === 0) return out;
    const [from, to] = [backend.pointer(logits), backend.pointer(out)];
    const range = { items: size(logits.shape) / n, cost: 10 + 1.5 * n, multiple: 16 };
    const name = n <= SHORT_ROW ? 'softmaxShortRows' : 'softmax';
    backend.parallel(name, range, [each(from, 4 * n), each(to, 4 * n), COUNT, n]);
    return out;
  },
);
