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

const word = new DataView(new ArrayBuffer(4));

function fill(
  backend: SimdBackend,
  shape: readonly number[],
  dtype: 'float32' | 'int32' | 'bool',
  value: number,
): TensorInfo {
  const out = backend.output(shape, dtype);
  const address = backend.pointer(out);
  const n = util.sizeFromShape(out.shape);
  if (dtype === 'bool') backend.heap.u8(address, n).fill(value);
  else {
    if (dtype === 'float32') word.setFloat32(0, value);
    else word.setInt32(0, value);
    backend.wasm.fill32(address, n, word.getInt32(0));
  }
  return out;
}

const isNumeric = (dtype: string): dtype is 'float32' | 'int32' | 'bool' =>
  dtype === 'float32' || dtype === 'int32' || dtype === 'bool';

export const fillConfig: KernelConfig = kernel<object, FillAttrs>(Fill, ({ attrs, backend, args }) => {
  const dtype = attrs.dtype ?? util.inferDtype(attrs.value);
  if (!isNumeric(dtype)) return backend.fallback(Fill, args);
  return fill(backend, attrs.shape, dtype, Number(attrs.value));
});

export const zerosLikeConfig: KernelConfig = kernel<ZerosLikeInputs>(
  ZerosLike,
  ({ inputs: { x }, backend, args }) =>
    isNumeric(x.dtype) ? fill(backend, x.shape, x.dtype, 0) : backend.fallback(ZerosLike, args),
);

export const onesLikeConfig: KernelConfig = kernel<OnesLikeInputs>(
  OnesLike,
  ({ inputs: { x }, backend, args }) =>
    isNumeric(x.dtype) ? fill(backend, x.shape, x.dtype, 1) : backend.fallback(OnesLike, args),
);
