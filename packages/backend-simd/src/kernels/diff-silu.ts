/**
 * DiffSilu: x·sigmoid(x), and DiffSiluGradient: dy times its derivative at x, each in one pass (see `silu` in
 * @diff/score and assembly/silu.ts). Error ≤ 3 ulp; below −87.3 the result is −0.
 */
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel.ts';
import { size } from '../numeric.ts';
import { floatPointer } from './float-pointer.ts';

export const diffSiluConfig: KernelConfig = kernel<{ x: TensorInfo }>(
  'DiffSilu',
  ({ inputs: { x }, backend }) => {
    const out = backend.output(x.shape, 'float32');
    backend.wasm.silu(floatPointer(backend, x), backend.pointer(out), size(x.shape));
    return out;
  },
);

export const diffSiluGradientConfig: KernelConfig = kernel<{ x: TensorInfo; dy: TensorInfo }>(
  'DiffSiluGradient',
  ({ inputs: { x, dy }, backend }) => {
    const out = backend.output(x.shape, 'float32');
    const [from, slope] = [floatPointer(backend, x), floatPointer(backend, dy)];
    backend.wasm.siluGradient(from, slope, backend.pointer(out), size(x.shape));
    return out;
  },
);
