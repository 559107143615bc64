/** Select: elements of `t` where the condition holds, of `e` elsewhere; a condition of rank 1 chooses whole rows. */
import { backend_util, type KernelConfig, Select, type SelectInputs } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel.ts';
import { allNumeric, size } from '../numeric.ts';
import { COUNT, each } from '../parallel.ts';
import { cast } from './cast.ts';

export const selectConfig: KernelConfig = kernel<SelectInputs>(
  Select,
  ({ inputs: { condition, t, e }, backend, args }) => {
    const dtype = backend_util.upcastType(t.dtype, e.dtype);
    if (!allNumeric(t, e) || condition.dtype !== 'bool' || (dtype !== 'float32' && dtype !== 'int32')) {
      return backend.fallback(Select, args);
    }
    const [a, b] = [cast(backend, t, dtype), cast(backend, e, dtype)];
    const out = backend.output(t.shape, dtype);
    const rowLength = condition.shape.length === 1 && t.shape.length > 1 ? size(t.shape.slice(1)) : 1;
    const [c, p, q, to] = [
      backend.pointer(condition),
      backend.pointer(a),
      backend.pointer(b),
      backend.pointer(out),
    ];
    const rows = [p, q, to].map((address) => each(address, 4 * rowLength));
    const range = { items: size(condition.shape), cost: 0.4 * rowLength, multiple: 64 };
    backend.parallel('select32', range, [each(c, 1), ...rows, COUNT, rowLength]);
    backend.discard(a);
    backend.discard(b);
    return out;
  },
);
