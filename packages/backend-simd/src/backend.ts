/**
 * The tfjs backend "simd": tensors in one WebAssembly memory, kernels in AssemblyScript, and the kernels of tfjs's
 * cpu backend for every op that has no kernel of its own.
 *
 * ## Writing a kernel
 *
 * In assembly/x.ts: a function over byte addresses and counts (export it from assembly/index.ts).
 * In src/kernels/x.ts: one or more configs (list them in src/kernels/index.ts):
 *
 *     export const absConfig: KernelConfig = kernel<AbsInputs>(Abs, ({ inputs: { x }, backend, args }) => {
 *       if (x.dtype !== 'float32') return backend.fallback(Abs, args);   // counted, so that users see it
 *       const out = backend.output(x.shape, 'float32');
 *       backend.wasm.abs(backend.pointer(x), backend.pointer(out), size(x.shape));
 *       return out;
 *     });
 *
 * - `backend.pointer(info)`: byte address of a tensor's elements, row-major, dense, 64-aligned. float32 and int32
 *   take 4 bytes, bool 1 (0 or 1). Strings and complex64 have none (it throws): test the dtype first.
 *   The block ends at a multiple of 64 bytes, so that a last vector may be loaded and stored whole. An address
 *   stays valid while the tensor lives, also when the memory grows. An empty tensor has a valid address of 0 elements.
 * - `backend.output(shape, dtype)`: a new tensor, uninitialised: the kernel must write every element.
 *   `backend.discard(info)` gives one back that is not returned.
 * - `backend.scratch(bytes)`: address of working memory, given back when the kernel returns.
 * - `backend.parallel('abs', { items, cost }, [each(x, 4), each(out, 4), COUNT])`: the same call cut into pieces for the
 *   threads (see parallel.ts), if what an item gives does not depend on the cut. `backend.scratchEach(bytes)` is working
 *   memory for each thread. Nothing that a piece writes may be static data of the module (assembly/thread-memory.ts).
 * - `backend.alias(info, shape)`: the same elements under another shape, nothing copied.
 * - Typed-array views (`backend.values(info)`) are dead after the next `output` or `scratch`: take them last.
 * - Outputs never share memory with inputs unless made by `alias`; inputs may be the same tensor twice.
 * - `backend.fallback(kernelName, args)`: the cpu kernel. No other way to call one.
 */
import * as tf from '@tensorflow/tfjs-core';
import { cpuKernel } from './cpu-kernel.ts';
import { OutOfMemoryError, SimdBackendError } from './errors.ts';
import type { WasmExports } from './generated/wasm-exports.ts';
import type { Heap } from './heap.ts';
import { countFallback } from './kernel-counts.ts';
import type { Parallel } from './parallel.ts';
import type { PieceArgument } from './pieces.ts';
import { type RunningKernels, runningKernels } from './running-kernels.ts';
import { bytesPerElement, TensorData } from './tensor-data.ts';
import { wasm } from './wasm.ts';

type Values = tf.backend_util.BackendValues;

/** What a kernel function is called with. */
export interface KernelArguments {
  readonly inputs: tf.NamedTensorInfoMap;
  readonly attrs?: tf.NamedAttrMap;
}

/** Kernels count elements in 32 bits with a sign. Of 4-byte elements fewer fit into the memory. */
const MOST_ELEMENTS = 2 ** 31 - 1;

const isTyped = (values: unknown): values is tf.TypedArray => ArrayBuffer.isView(values);

/** The backend; make it with `tf.setBackend('simd')`. What its methods are for is said at the top of this file. */
export class SimdBackend extends tf.KernelBackend {
  /** Read by cpu matMul. */
  readonly blockSize = 48;
  readonly data: tf.DataStorage<TensorData>;
  /** The compiled kernels. */
  readonly wasm: WasmExports;
  readonly heap: Heap;
  /** Calls a compiled kernel over a range of items, on all threads. */
  readonly parallel: Parallel;
  /** Threads that `parallel` cuts for. */
  readonly threads: () => number;
  /** All data of this instance, so that `dispose` can free it. */
  readonly #live = new Set<TensorData>();
  readonly #running: RunningKernels;
  /** How many cpu kernels are running. While one is, what it makes stays in JavaScript. */
  #fallbackDepth = 0;

  constructor() {
    super();
    const { exports, heap, parallel, pool } = wasm();
    this.parallel = parallel;
    this.threads = pool ? pool.threads : () => 1;
    this.wasm = exports;
    this.heap = heap;
    this.#running = runningKernels(heap, (dataId) => this.disposeData(dataId));
    this.data = new tf.DataStorage<TensorData>(this, tf.engine());
  }

  // For kernels of our own.

  /** Byte address of the elements of a float32, int32 or bool tensor. */
  pointer(info: tf.TensorInfo): number {
    const data = this.data.get(info.dataId);
    return data.address || this.#upload(data, info.shape);
  }

  /** A new tensor with uninitialised elements. @throws OutOfMemoryError */
  output(shape: readonly number[], dtype: 'float32' | 'int32' | 'bool'): tf.TensorInfo {
    const data = new TensorData(this.heap, dtype, tf.util.sizeFromShape(shape as number[]), 1);
    this.#place(data, shape);
    return { dataId: this.#keep(data), shape: shape as number[], dtype };
  }

  /** Working memory until the running kernel returns. @throws OutOfMemoryError */
  scratch(bytes: number): number {
    return this.#running.scratch(bytes);
  }

  /** Working memory for each thread, as an argument of `parallel`. @throws OutOfMemoryError */
  scratchEach(bytes: number): PieceArgument {
    const perThread = Math.ceil(bytes / 64) * 64;
    return { base: this.scratch(perThread * this.threads()), perItem: 0, perCount: 0, perThread };
  }

  /** The same elements under another shape of the same size. */
  alias(info: tf.TensorInfo, shape: readonly number[]): tf.TensorInfo {
    this.incRef(info.dataId);
    this.#running.made(info.dataId);
    return { dataId: info.dataId, shape: shape as number[], dtype: info.dtype };
  }

  /** A view of the elements, dead after the next allocation; for complex64 undefined. */
  values(info: tf.TensorInfo): Values | undefined {
    return this.data.get(info.dataId).values;
  }

  /** Gives back an intermediate result. */
  discard(info: tf.TensorInfo): void {
    this.#running.discarded(info.dataId);
    this.disposeData(info.dataId);
  }

  /** Runs the cpu kernel of this name, counted as such. */
  fallback(kernelName: string, { inputs, attrs }: KernelArguments): tf.TensorInfo | tf.TensorInfo[] {
    const kernelFunc = cpuKernel(kernelName);
    const stop = countFallback(kernelName);
    try {
      return this.guarded(() => {
        const outputs = this.#local(() =>
          kernelFunc(attrs === undefined ? { inputs, backend: this } : { inputs, attrs, backend: this }),
        );
        if (this.#fallbackDepth > 0) return outputs;
        return Array.isArray(outputs) ? outputs.map((info) => this.#commit(info)) : this.#commit(outputs);
      });
    } finally {
      stop();
    }
  }

  /**
   * Used by `kernel`: runs it, then frees its working memory; if it throws (out of memory, a cpu kernel's complaint),
   * also all that it made.
   */
  guarded<Result>(run: () => Result): Result {
    return this.#running.guarded(run);
  }

  // What tfjs's engine calls.

  override write(values: Values, shape: number[], dtype: tf.DataType): tf.DataId {
    return this.#keep(this.#store(values, shape, dtype, 1));
  }

  override move(
    dataId: tf.DataId,
    values: Values,
    shape: number[],
    dtype: tf.DataType,
    refCount: number,
  ): void {
    const data = this.#store(dtype === 'complex64' ? undefined : values, shape, dtype, refCount);
    if (dtype === 'complex64') {
      const { real, imag } = tf.backend_util.splitRealAndImagArrays(values as Float32Array);
      data.complexTensorInfos = {
        real: this.makeTensorInfo(shape, 'float32', real),
        imag: this.makeTensorInfo(shape, 'float32', imag),
      };
    }
    this.#live.add(data);
    this.data.set(dataId, data);
  }

  override async read(dataId: tf.DataId): Promise<Values> {
    return this.readSync(dataId);
  }

  /** A copy of the elements. */
  override readSync(dataId: tf.DataId): Values {
    const data = this.data.get(dataId);
    if (data.complexTensorInfos) {
      const { real, imag } = data.complexTensorInfos;
      return tf.backend_util.mergeRealAndImagArrays(
        this.readSync(real.dataId) as Float32Array,
        this.readSync(imag.dataId) as Float32Array,
      );
    }
    const values = data.values;
    if (values === undefined)
      throw new SimdBackendError(
        'simd: the tensor to read must have elements, got one that is disposed. Read it before.',
      );
    return data.address
      ? (values as tf.TypedArray).slice()
      : tf.util.convertBackendValuesAndArrayBuffer(values, data.dtype);
  }

  override refCount(dataId: tf.DataId): number {
    return this.data.has(dataId) ? this.data.get(dataId).refCount : 0;
  }

  override incRef(dataId: tf.DataId): void {
    this.data.get(dataId).refCount++;
  }

  decRef(dataId: tf.DataId): void {
    if (this.data.has(dataId)) this.data.get(dataId).refCount--;
  }

  override disposeData(dataId: tf.DataId, force = false): boolean {
    if (!this.data.has(dataId)) return true;
    const data = this.data.get(dataId);
    data.refCount--;
    if (!force && data.refCount > 0) return false;
    if (data.complexTensorInfos) {
      this.disposeData(data.complexTensorInfos.real.dataId, true);
      this.disposeData(data.complexTensorInfos.imag.dataId, true);
    }
    this.#free(data);
    this.#live.delete(data);
    this.data.delete(dataId);
    return true;
  }

  override numDataIds(): number {
    return this.data.numDataIds();
  }

  override async time(f: () => void): Promise<{ kernelMs: number }> {
    const start = tf.util.now();
    f();
    return { kernelMs: tf.util.now() - start };
  }

  /** Frees the memory of every tensor of this instance. */
  override dispose(): void {
    for (const data of this.#live) this.#free(data);
    this.#live.clear();
  }

  override memory(): { unreliable: boolean; numBytesInWasm: number } {
    return { unreliable: false, numBytesInWasm: this.heap.stats().inUse };
  }

  override floatPrecision(): 16 | 32 {
    return 32;
  }

  // What cpu kernels call besides.

  makeTensorInfo(shape: number[], dtype: tf.DataType, values?: Values | string[]): tf.TensorInfo {
    const encoded =
      dtype === 'string' && values?.length && typeof values[0] === 'string'
        ? (values as string[]).map((text) => tf.util.encodeString(text))
        : (values as Values | undefined);
    return { dataId: this.#keep(this.#store(encoded, shape, dtype, 1)), shape, dtype };
  }

  makeOutput(values: Values, shape: number[], dtype: tf.DataType): tf.Tensor {
    return tf.engine().makeTensorFromTensorInfo(this.makeTensorInfo(shape, dtype, values), this);
  }

  bufferSync(info: tf.TensorInfo): tf.TensorBuffer<tf.Rank, tf.DataType> {
    const values = this.readSync(info.dataId);
    if (info.dtype === 'string') {
      const strings = (values as Uint8Array[]).map((bytes) => tf.util.decodeString(bytes));
      return tf.buffer(info.shape as tf.ShapeMap[tf.Rank], 'string', strings as tf.DataTypeMap['string']);
    }
    return tf.buffer(
      info.shape as tf.ShapeMap[tf.Rank],
      info.dtype,
      values as tf.DataTypeMap[typeof info.dtype],
    );
  }

  disposeIntermediateTensorInfo(info: tf.TensorInfo): void {
    this.disposeData(info.dataId);
  }

  // Storage.

  /** What is made meanwhile stays in JavaScript. */
  #local<Result>(run: () => Result): Result {
    this.#fallbackDepth++;
    try {
      return run();
    } finally {
      this.#fallbackDepth--;
    }
  }

  #keep(data: TensorData): tf.DataId {
    const dataId = {};
    this.#running.made(dataId);
    this.#live.add(data);
    this.data.set(dataId, data);
    return dataId;
  }

  /** New data holding `values`: in WebAssembly memory, unless it belongs in JavaScript or a cpu kernel is running. */
  #store(
    values: Values | undefined,
    shape: readonly number[],
    dtype: tf.DataType,
    refCount: number,
  ): TensorData {
    const length = tf.util.sizeFromShape(shape as number[]);
    const data = new TensorData(this.heap, dtype, length, refCount);
    if (values === undefined) return data;
    // A cpu kernel may hand on a view of an input: it would die when the memory grows or the input is freed.
    data.local = isTyped(values) && this.heap.isView(values) ? (values.slice() as tf.TypedArray) : values;
    if (this.#fallbackDepth === 0 && dtype !== 'string' && dtype !== 'complex64') this.#upload(data, shape);
    return data;
  }

  /** Gives data its place in WebAssembly memory. */
  #place(data: TensorData, shape: readonly number[]): void {
    if (data.length > MOST_ELEMENTS) {
      throw new OutOfMemoryError(
        `simd: ${data.dtype} tensor [${shape}] must have fewer than 2³¹ elements, got ${data.length}. Use smaller batches.`,
      );
    }
    data.address = this.heap.allocate(data.bytes, () => `${data.dtype} tensor [${shape}]`);
  }

  /** Moves elements from JavaScript to WebAssembly memory; returns the address. */
  #upload(data: TensorData, shape: readonly number[]): number {
    const { local, dtype, length } = data;
    if (local === undefined || dtype === 'string' || dtype === 'complex64') {
      throw new SimdBackendError(
        `simd: a kernel needs a float32, int32 or bool tensor with elements, got ${dtype} [${shape}]${local === undefined ? ' without' : ''}. Cast it first.`,
      );
    }
    this.#place(data, shape);
    data.local = undefined;
    const target = data.values as tf.TypedArray;
    if (local.length > length) target.set((local as tf.TypedArray).subarray(0, length));
    else target.set(local as tf.TypedArray);
    if (local.length < length) target.fill(0, local.length);
    return data.address;
  }

  /** Makes what a cpu kernel returns a tensor like any other. */
  #commit(info: tf.TensorInfo): tf.TensorInfo {
    const data = this.data.get(info.dataId);
    if (data.dtype !== info.dtype && data.dtype !== 'string' && data.dtype !== 'complex64') {
      // cpu's Cast to a wider type returns the same elements under another dtype: convert the bits.
      const converted = this.makeTensorInfo(info.shape, info.dtype, (data.values as tf.TypedArray).slice());
      this.disposeData(info.dataId);
      return converted;
    }
    if (data.local !== undefined && data.dtype !== 'string' && data.dtype !== 'complex64')
      this.#upload(data, info.shape);
    return info;
  }

  #free(data: TensorData): void {
    data.local = undefined;
    if (data.address === 0) return;
    this.heap.release(data.address, data.length * bytesPerElement(data.dtype));
    data.address = 0;
  }
}
