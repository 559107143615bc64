import type { DataType, TensorInfo } from '@tensorflow/tfjs-core';

/** The types that live in WebAssembly memory. */
export type NumericType = 'float32' | 'int32' | 'bool';

export function isNumeric(dtype: DataType): dtype is NumericType {
  return dtype === 'float32' || dtype === 'int32' || dtype === 'bool';
}

/** Do all these tensors live in WebAssembly memory? */
export function allNumeric(...infos: readonly TensorInfo[]): boolean {
  return infos.every(({ dtype }) => isNumeric(dtype));
}

/** Number of elements of a shape. */
export function size(shape: readonly number[]): number {
  let n = 1;
  for (const d of shape) n *= d;
  return n;
}

/** Row-major strides, in elements. */
export function strides(shape: readonly number[]): number[] {
  const out = new Array<number>(shape.length);
  let n = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    out[d] = n;
    n *= shape[d]!;
  }
  return out;
}
