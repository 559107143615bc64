/** AddN: the sum of several tensors of one shape, from left to right. */
import { AddN, type AddNInputs, type KernelConfig, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel.ts';
import { size } from '../numeric.ts';
import { COUNT, each } from '../parallel.ts';

export const addNConfig: KernelConfig = kernel<AddNInputs>(AddN, ({ inputs, backend, args }) => {
  const terms: readonly TensorInfo[] = inputs;
  const first = terms[0]!;
  if (terms.some(({ dtype }) => dtype !== 'float32')) return backend.fallback(AddN, args);
  if (terms.length === 1) return backend.alias(first, first.shape);
  const out = backend.output(first.shape, 'float32');
  const to = backend.pointer(out);
  let sum = backend.pointer(first);
  for (const term of terms.slice(1)) {
    const operands = [sum, backend.pointer(term), to].map((address) => each(address, 4));
    backend.parallel('addFloats', { items: size(first.shape), cost: 0.3, multiple: 32 }, [
      ...operands,
      COUNT,
    ]);
    sum = to;
  }
  return out;
});
