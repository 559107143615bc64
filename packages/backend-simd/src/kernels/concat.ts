/** Concat, Pack, SplitV, Unpack: putting tensors together along an axis, and apart. */
import {
  backend_util,
  Concat,
  type ConcatAttrs,
  type ConcatInputs,
  type KernelConfig,
  Pack,
  type PackAttrs,
  type PackInputs,
  SplitV,
  type SplitVAttrs,
  type SplitVInputs,
  type TensorInfo,
  Unpack,
  type UnpackAttrs,
  type UnpackInputs,
  util,
} from '@tensorflow/tfjs-core';
import type { SimdBackend } from '../backend.ts';
import { kernel } from '../kernel.ts';
import { allNumeric, isNumeric, type NumericType, size } from '../numeric.ts';
import { stridedCopy } from '../strided-copy.ts';
import { bytesPerElement } from '../tensor-data.ts';
import { slice } from './layout.ts';

/** All parts have the same shape but for `axis`, and the same type. */
function concat(
  backend: SimdBackend,
  parts: readonly TensorInfo[],
  axis: number,
  shape: readonly number[],
): TensorInfo {
  const dtype = parts[0]!.dtype as NumericType;
  const out = backend.output(shape, dtype);
  const bytes = bytesPerElement(dtype);
  const rows = size(shape.slice(0, axis));
  const rowLength = size(shape.slice(axis));
  let to = backend.pointer(out);
  for (const part of parts) {
    const length = rows === 0 ? 0 : size(part.shape) / rows;
    const loops = [
      { size: rows, input: length, output: rowLength },
      { size: length, input: 1, output: 1 },
    ];
    stridedCopy(backend, backend.pointer(part), to, bytes, loops);
    to += length * bytes;
  }
  return out;
}

export const concatConfig: KernelConfig = kernel<ConcatInputs, ConcatAttrs>(
  Concat,
  ({ inputs, attrs, backend, args }) => {
    const parts: readonly TensorInfo[] = inputs;
    const dtype = parts[0]!.dtype;
    if (!allNumeric(...parts) || parts.some((part) => part.dtype !== dtype))
      return backend.fallback(Concat, args);
    const axis = util.parseAxisParam(attrs.axis, parts[0]!.shape)[0]!;
    const shapes = parts.map((part) => part.shape);
    backend_util.assertParamsConsistent(shapes, axis);
    const filled = parts.filter((part) => size(part.shape) > 0);
    const shape = backend_util.computeOutShape(shapes, axis);
    if (filled.length === 1) return backend.alias(filled[0]!, shape);
    return concat(backend, parts, axis, shape);
  },
);

export const packConfig: KernelConfig = kernel<PackInputs, PackAttrs>(
  Pack,
  ({ inputs, attrs, backend, args }) => {
    const parts: readonly TensorInfo[] = inputs;
    const { shape, dtype } = parts[0]!;
    if (!allNumeric(...parts)) return backend.fallback(Pack, args);
    for (const part of parts) {
      util.assertShapesMatch(shape, part.shape, 'stack: all tensors must have the same shape. ');
      util.assert(
        dtype === part.dtype,
        () => `stack: all tensors must have the same dtype, got ${dtype} and ${part.dtype}.`,
      );
    }
    const axis = attrs.axis < 0 ? shape.length + 1 + attrs.axis : attrs.axis;
    return concat(backend, parts, axis, shape.toSpliced(axis, 0, parts.length));
  },
);

export const splitConfig: KernelConfig = kernel<SplitVInputs, SplitVAttrs>(
  SplitV,
  ({ inputs: { x }, attrs, backend, args }) => {
    if (!isNumeric(x.dtype)) return backend.fallback(SplitV, args);
    const axis = util.parseAxisParam(attrs.axis, x.shape)[0]!;
    const begin = x.shape.map(() => 0);
    return backend_util.prepareSplitSize(x as never, attrs.numOrSizeSplits, axis).map((length) => {
      const part = slice(backend, x, begin, x.shape.with(axis, length));
      begin[axis]! += length;
      return part;
    });
  },
);

export const unpackConfig: KernelConfig = kernel<UnpackInputs, UnpackAttrs>(
  Unpack,
  ({ inputs: { value }, attrs, backend, args }) => {
    if (!isNumeric(value.dtype)) return backend.fallback(Unpack, args);
    const axis = attrs.axis < 0 ? attrs.axis + value.shape.length : attrs.axis;
    const shape = value.shape.toSpliced(axis, 1);
    const zeros = value.shape.map(() => 0);
    return Array.from({ length: value.shape[axis]! }, (_, i) => ({
      ...slice(backend, value, zeros.with(axis, i), value.shape.with(axis, 1)),
      shape,
    }));
  },
);
