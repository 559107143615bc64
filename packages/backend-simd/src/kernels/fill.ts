/** Fill, ZerosLike, OnesLike: every element the same. */
import {
  Fill,
  type FillAttrs,
  type KernelConfig,
  OnesLike,
  type OnesLikeInputs,
  type TensorInfo,
  util,
  ZerosLike,
  type ZerosLikeInputs,
} from '@tensorflow/tfjs-core';
import type { SimdBackend } from '../backend.ts';
import { kernel } from '../kernel.ts';
import { isNumeric, type NumericType, size } from '../numeric.ts';

const word = new DataView(new ArrayBuffer(4));

/** The 32 bits of a number as stored. */
export function bits(value: number, dtype: NumericType): number {
  if (dtype === 'float32') word.setFloat32(0, value);
  else word.setInt32(0, value);
  return word.getInt32(0);
}

/** A new tensor with every element `value`. */
export function filled(
  backend: SimdBackend,
  shape: readonly number[],
  dtype: NumericType,
  value: number,
): TensorInfo {
  const out = backend.output(shape, dtype);
  const address = backend.pointer(out);
  if (dtype === 'bool') backend.heap.u8(address, size(shape)).fill(value);
  else backend.wasm.fill32(address, size(shape), bits(value, dtype));
  return out;
}

export const fillConfig: KernelConfig = kernel<object, FillAttrs>(Fill, ({ attrs, backend, args }) => {
  const dtype = attrs.dtype ?? util.inferDtype(attrs.value);
  if (!isNumeric(dtype)) return backend.fallback(Fill, args);
  return filled(backend, attrs.shape, dtype, Number(attrs.value));
});

export const zerosLikeConfig: KernelConfig = kernel<ZerosLikeInputs>(
  ZerosLike,
  ({ inputs: { x }, backend, args }) =>
    isNumeric(x.dtype) ? filled(backend, x.shape, x.dtype, 0) : backend.fallback(ZerosLike, args),
);

export const onesLikeConfig: KernelConfig = kernel<OnesLikeInputs>(
  OnesLike,
  ({ inputs: { x }, backend, args }) =>
    isNumeric(x.dtype) ? filled(backend, x.shape, x.dtype, 1) : backend.fallback(OnesLike, args),
);
