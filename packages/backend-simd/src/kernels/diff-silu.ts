/**
 * DiffSilu: x·sigmoid(x), and DiffSiluGradient: dy times its derivative at x, each in one pass (see `silu` in
 * @diff/score and assembly/silu.ts). Error ≤ 4 ulp; below −87.3 the result is −0.
 */
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel.ts';
import { size } from '../numeric.ts';
import { COUNT, each, type Range } from '../parallel.ts';
import { floatPointer } from './float-pointer.ts';

const over = (x: TensorInfo): Range => ({ items: size(x.shape), cost: 0.8, multiple: 32 });

export const diffSiluConfig: KernelConfig = kernel<{ x: TensorInfo }>(
  'DiffSilu',
  ({ inputs: { x }, backend }) => {
    const out = backend.output(x.shape, 'float32');
    const [from, to] = [floatPointer(backend, x), backend.pointer(out)];
    backend.parallel('silu', over(x), [each(from, 4), each(to, 4), COUNT]);
    return out;
  },
);

export const diffSiluGradientConfig: KernelConfig = kernel<{ x: TensorInfo; dy: TensorInfo }>(
  'DiffSiluGradient',
  ({ inputs: { x, dy }, backend }) => {
    const out = backend.output(x.shape, 'float32');
    const [from, slope] = [floatPointer(backend, x), floatPointer(backend, dy)];
    const to = backend.pointer(out);
    backend.parallel('siluGradient', over(x), [each(from, 4), each(slope, 4), each(to, 4), COUNT]);
    return out;
  },
);
