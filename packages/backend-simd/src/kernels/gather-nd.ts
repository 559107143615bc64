/** GatherNd, ScatterNd: slices by index vectors, and their sum at such places (in order; float32). */
import {
  backend_util,
  GatherNd,
  type GatherNdInputs,
  type KernelConfig,
  ScatterNd,
  type ScatterNdAttrs,
  type ScatterNdInputs,
  scatter_util,
  type TensorInfo,
  util,
} from '@tensorflow/tfjs-core';
import type { SimdBackend } from '../backend.ts';
import { kernel } from '../kernel.ts';
import { isNumeric, size } from '../numeric.ts';
import { bytesPerElement } from '../tensor-data.ts';
import { filled } from './fill.ts';

/** Address of the number of the slice that each of `count` index vectors names; working memory. */
function sliceNumbers(
  backend: SimdBackend,
  indices: TensorInfo,
  count: number,
  strides: readonly number[],
  slices: number,
  shape: readonly number[],
): number {
  const address = backend.scratch(4 * count);
  const numbers = backend.heap.i32(address, count);
  const rank = strides.length;
  const vectors = backend.heap.i32(backend.pointer(indices), count * rank);
  for (let i = 0; i < count; i++) {
    let number = 0;
    for (let d = 0; d < rank; d++) number += vectors[i * rank + d]! * strides[d]!;
    util.assert(
      number >= 0 && number < slices,
      () => `Invalid indices: ${vectors.slice(i * rank, (i + 1) * rank)} does not index into ${shape}`,
    );
    numbers[i] = number;
  }
  return address;
}

export const gatherNdConfig: KernelConfig = kernel<GatherNdInputs>(
  GatherNd,
  ({ inputs: { params, indices }, backend, args }) => {
    if (!isNumeric(params.dtype) || indices.dtype !== 'int32') return backend.fallback(GatherNd, args);
    const [shape, count, length, strides] = backend_util.prepareAndValidate(
      params as never,
      indices as never,
    );
    const out = backend.output(shape, params.dtype);
    if (size(shape) === 0) return out;
    const slices = size(params.shape) / length;
    const rank = indices.shape.at(-1)!;
    const at = sliceNumbers(backend, indices, count, strides.slice(0, rank), slices, params.shape);
    const bytes = length * bytesPerElement(params.dtype);
    backend.wasm.gatherRows(backend.pointer(params), at, backend.pointer(out), 1, 1, slices, count, bytes);
    return out;
  },
);

export const scatterNdConfig: KernelConfig = kernel<ScatterNdInputs, ScatterNdAttrs>(
  ScatterNd,
  ({ inputs: { indices, updates }, attrs: { shape }, backend, args }) => {
    if (updates.dtype !== 'float32' || indices.dtype !== 'int32') return backend.fallback(ScatterNd, args);
    const { sliceRank, numUpdates, sliceSize, strides, outputSize } = scatter_util.calculateShapes(
      updates as never,
      indices as never,
      shape as number[],
    );
    const out = filled(backend, shape as number[], 'float32', 0);
    if (outputSize === 0) return out;
    const slices = outputSize / sliceSize;
    const at = sliceNumbers(
      backend,
      indices,
      numUpdates,
      strides.slice(0, sliceRank),
      slices,
      shape as number[],
    );
    const [from, to] = [backend.pointer(updates), backend.pointer(out)];
    backend.wasm.segmentSum(from, at, to, numUpdates, sliceSize, slices);
    return out;
  },
);
