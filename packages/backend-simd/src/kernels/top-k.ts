/** TopK over the last axis, float32 and int32: always falling, the first of equals first. NaN counts as least. */
import { type KernelConfig, TopK, type TopKAttrs, type TopKInputs } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel.ts';
import { size } from '../numeric.ts';
import { COUNT, each } from '../parallel.ts';

/** With more, sorting is faster than inserting. */
const MOST = 1024;

export const topKConfig: KernelConfig = kernel<TopKInputs, TopKAttrs>(
  TopK,
  ({ inputs: { x }, attrs: { k }, backend, args }) => {
    const { dtype, shape } = x;
    const n = shape.at(-1) ?? 0;
    if ((dtype !== 'float32' && dtype !== 'int32') || k < 1 || k > Math.min(n, MOST))
      return backend.fallback(TopK, args);
    const outShape = shape.with(-1, k);
    const [values, indices] = [backend.output(outShape, dtype), backend.output(outShape, 'int32')] as const;
    const rows = { items: size(shape) / n, cost: 2 * n, multiple: 16 };
    const [from, to] = [each(backend.pointer(x), 4 * n), each(backend.pointer(values), 4 * k)];
    const places = each(backend.pointer(indices), 4 * k);
    backend.parallel(dtype === 'float32' ? 'topKFloat' : 'topKInt', rows, [from, to, places, COUNT, n, k]);
    return [values, indices];
  },
);
