/** GatherV2, UnsortedSegmentSum, OneHot: rows by index and the adjoint of taking them. */
import {
  backend_util,
  GatherV2,
  type GatherV2Attrs,
  type GatherV2Inputs,
  type KernelConfig,
  OneHot,
  type OneHotAttrs,
  type OneHotInputs,
  UnsortedSegmentSum,
  type UnsortedSegmentSumAttrs,
  type UnsortedSegmentSumInputs,
  util,
} from '@tensorflow/tfjs-core';
import { kernel } from '../kernel.ts';
import { isNumeric, size } from '../numeric.ts';
import { bytesPerElement } from '../tensor-data.ts';
import { bits, filled } from './fill.ts';

export const gatherConfig: KernelConfig = kernel<GatherV2Inputs, GatherV2Attrs>(
  GatherV2,
  ({ inputs: { x, indices }, attrs, backend, args }) => {
    if (!isNumeric(x.dtype) || indices.dtype !== 'int32') return backend.fallback(GatherV2, args);
    const axis = util.parseAxisParam(attrs.axis, x.shape)[0]!;
    const dim = x.shape[axis]!;
    const count = size(indices.shape);
    for (const index of backend.heap.i32(backend.pointer(indices), count)) {
      util.assert(
        index >= 0 && index < dim,
        () => `GatherV2: the index value ${index} is not in [0, ${dim - 1}]`,
      );
    }
    const info = backend_util.segment_util.collectGatherOpShapeInfo(
      x as never,
      indices as never,
      axis,
      attrs.batchDims ?? 0,
    );
    const out = backend.output(info.outputShape, x.dtype);
    if (size(info.outputShape) === 0) return out;
    const bytes = info.sliceSize * bytesPerElement(x.dtype);
    const each = count / info.batchSize;
    backend.wasm.gatherRows(
      backend.pointer(x),
      backend.pointer(indices),
      backend.pointer(out),
      info.batchSize,
      info.outerSize,
      info.dimSize,
      each,
      bytes,
    );
    return out;
  },
);

export const segmentSumConfig: KernelConfig = kernel<UnsortedSegmentSumInputs, UnsortedSegmentSumAttrs>(
  UnsortedSegmentSum,
  ({ inputs: { x, segmentIds }, attrs: { numSegments }, backend, args }) => {
    // The cpu kernel sums only over the first axis; so does this one, and leaves other cases to it.
    if (x.dtype !== 'float32' || segmentIds.dtype !== 'int32' || segmentIds.shape.length !== 1) {
      return backend.fallback(UnsortedSegmentSum, args);
    }
    const rowShape = x.shape.slice(1);
    const out = filled(backend, [numSegments, ...rowShape], 'float32', 0);
    const n = segmentIds.shape[0]!;
    backend.wasm.segmentSum(
      backend.pointer(x),
      backend.pointer(segmentIds),
      backend.pointer(out),
      n,
      size(rowShape),
      numSegments,
    );
    return out;
  },
);

export const oneHotConfig: KernelConfig = kernel<OneHotInputs, OneHotAttrs>(
  OneHot,
  ({ inputs: { indices }, attrs: { dtype, depth, onValue, offValue }, backend, args }) => {
    if ((dtype !== 'float32' && dtype !== 'int32') || indices.dtype !== 'int32')
      return backend.fallback(OneHot, args);
    const out = backend.output([...indices.shape, depth], dtype);
    const n = size(indices.shape);
    backend.wasm.oneHot32(
      backend.pointer(indices),
      backend.pointer(out),
      n,
      depth,
      bits(onValue, dtype),
      bits(offValue, dtype),
    );
    return out;
  },
);
