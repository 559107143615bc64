/**
 * Range, LinSpace: start + i · step, each element rounded once (the cpu kernels add up float32 steps, so that 10⁵
 * points between 0 and 1 end 10⁻³ off).
 */
import {
  type KernelConfig,
  LinSpace,
  type LinSpaceAttrs,
  Range,
  type RangeAttrs,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import type { SimdBackend } from '../backend.ts';
import { kernel } from '../kernel.ts';

function progression(
  backend: SimdBackend,
  start: number,
  step: number,
  n: number,
  dtype: 'float32' | 'int32',
): TensorInfo {
  const out = backend.output([n], dtype);
  const values = backend.heap[dtype === 'float32' ? 'f32' : 'i32'](backend.pointer(out), n);
  for (let i = 0; i < n; i++) values[i] = start + i * step;
  return out;
}

export const rangeConfig: KernelConfig = kernel<object, RangeAttrs>(Range, ({ attrs, backend }) => {
  const { start, stop, dtype } = attrs;
  // As in tfjs: a default step of 1 may also lead down, and other steps that lead away give nothing.
  const step = stop < start && attrs.step === 1 ? -1 : attrs.step;
  const isEmpty = start === stop || (start < stop && step < 0) || (stop < start && step > 1);
  const n = isEmpty ? 0 : Math.abs(Math.ceil((stop - start) / step));
  return progression(backend, start, step, n, dtype as 'float32' | 'int32');
});

export const linSpaceConfig: KernelConfig = kernel<object, LinSpaceAttrs>(LinSpace, ({ attrs, backend }) => {
  const { start, stop, num } = attrs;
  return progression(backend, start, num > 1 ? (stop - start) / (num - 1) : 0, num, 'float32');
});
