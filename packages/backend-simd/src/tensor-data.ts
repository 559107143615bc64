import type { backend_util, DataType, TensorInfo } from '@tensorflow/tfjs-core';
import type { Heap } from './heap.ts';

/** Bytes per element of the types that live in WebAssembly memory; bool is one byte, 0 or 1. */
export function bytesPerElement(dtype: DataType): number {
  return dtype === 'bool' ? 1 : 4;
}

/**
 * What the backend keeps for one data id. The elements are either in WebAssembly memory (`address`) or in
 * JavaScript (`local`): strings, the two parts of complex tensors, and what a cpu kernel has just made.
 *
 * `values` is what cpu kernels read. It makes a fresh view each time, because growth detaches old ones.
 */
export class TensorData {
  readonly dtype: DataType;
  readonly length: number;
  refCount: number;
  /** Byte address in WebAssembly memory; 0 when there is none. */
  address = 0;
  local: backend_util.BackendValues | undefined;
  complexTensorInfos?: { real: TensorInfo; imag: TensorInfo };
  readonly #heap: Heap;

  constructor(heap: Heap, dtype: DataType, length: number, refCount: number) {
    this.#heap = heap;
    this.dtype = dtype;
    this.length = length;
    this.refCount = refCount;
  }

  get bytes(): number {
    return this.length * bytesPerElement(this.dtype);
  }

  get values(): backend_util.BackendValues | undefined {
    if (this.address === 0) return this.local;
    if (this.dtype === 'float32') return this.#heap.f32(this.address, this.length);
    if (this.dtype === 'int32') return this.#heap.i32(this.address, this.length);
    return this.#heap.u8(this.address, this.length);
  }
}
