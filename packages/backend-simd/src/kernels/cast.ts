/** Cast between float32, int32 and bool. float32 → int32 truncates and wraps around as JavaScript does. */
import {
  Cast,
  type CastAttrs,
  type CastInputs,
  type KernelConfig,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import type { SimdBackend } from '../backend.ts';
import { kernel } from '../kernel.ts';
import { isNumeric, type NumericType, size } from '../numeric.ts';

/** `x` as another type; the same elements, not copied, if it has that type already. */
export function cast(backend: SimdBackend, x: TensorInfo, dtype: NumericType): TensorInfo {
  if (x.dtype === dtype) return backend.alias(x, x.shape);
  const { wasm } = backend;
  const out = backend.output(x.shape, dtype);
  const n = size(x.shape);
  const from = backend.pointer(x);
  const to = backend.pointer(out);
  if (x.dtype === 'float32') (dtype === 'int32' ? wasm.castFloatToInt : wasm.castFloatToBool)(from, to, n);
  else if (x.dtype === 'int32') (dtype === 'float32' ? wasm.castIntToFloat : wasm.castIntToBool)(from, to, n);
  else (dtype === 'float32' ? wasm.castBoolToFloat : wasm.castBoolToInt)(from, to, n);
  return out;
}

export const castConfig: KernelConfig = kernel<CastInputs, CastAttrs>(
  Cast,
  ({ inputs: { x }, attrs: { dtype }, backend, args }) =>
    isNumeric(x.dtype) && isNumeric(dtype) ? cast(backend, x, dtype) : backend.fallback(Cast, args),
);
