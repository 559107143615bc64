import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { SimdBackend } from '../backend.ts';

/** Address of the elements of a tensor as float32; int32 and bool elements are converted into working memory. */
export function floatPointer(backend: SimdBackend, info: TensorInfo): number {
  if (info.dtype === 'float32') return backend.pointer(info);
  const size = util.sizeFromShape(info.shape);
  const address = backend.scratch(4 * size);
  backend.heap.f32(address, size).set(backend.values(info) as Int32Array | Uint8Array);
  return address;
}
