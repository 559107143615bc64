/** Transpose, Slice, StridedSlice, Reverse, Tile, PadV2: the same elements elsewhere, as one strided copy. */
import {
  type KernelConfig,
  PadV2,
  type PadV2Attrs,
  type PadV2Inputs,
  Reverse,
  type ReverseAttrs,
  type ReverseInputs,
  Slice,
  type SliceAttrs,
  type SliceInputs,
  StridedSlice,
  type StridedSliceAttrs,
  type StridedSliceInputs,
  slice_util,
  type TensorInfo,
  Tile,
  type TileAttrs,
  type TileInputs,
  Transpose,
  type TransposeAttrs,
  type TransposeInputs,
  util,
} from '@tensorflow/tfjs-core';
import type { SimdBackend } from '../backend.ts';
import { kernel } from '../kernel.ts';
import { isNumeric, type NumericType, size, strides } from '../numeric.ts';
import { stridedCopy } from '../strided-copy.ts';
import { bytesPerElement } from '../tensor-data.ts';
import { bits } from './fill.ts';

/** A new tensor of `shape` whose element i is x[offset + Σ_d i_d · step_d]. */
function view(
  backend: SimdBackend,
  x: TensorInfo,
  shape: readonly number[],
  offset: number,
  steps: readonly number[],
): TensorInfo {
  const out = backend.output(shape, x.dtype as NumericType);
  const bytes = bytesPerElement(x.dtype);
  const to = strides(shape);
  const loops = shape.map((n, d) => ({ size: n, input: steps[d]!, output: to[d]! }));
  stridedCopy(backend, backend.pointer(x) + offset * bytes, backend.pointer(out), bytes, loops);
  return out;
}

const dot = (p: readonly number[], q: readonly number[]): number =>
  p.reduce((sum, a, d) => sum + a * q[d]!, 0);

export const transposeConfig: KernelConfig = kernel<TransposeInputs, TransposeAttrs>(
  Transpose,
  ({ inputs: { x }, attrs: { perm }, backend, args }) => {
    if (!isNumeric(x.dtype)) return backend.fallback(Transpose, args);
    const shape = perm.map((d) => x.shape[d]!);
    const long = perm.filter((d) => x.shape[d] !== 1);
    if (long.every((d, i) => i === 0 || d > long[i - 1]!)) return backend.alias(x, shape);
    const from = strides(x.shape);
    return view(
      backend,
      x,
      shape,
      0,
      perm.map((d) => from[d]!),
    );
  },
);

/** x[begin : begin + size]. */
export function slice(
  backend: SimdBackend,
  x: TensorInfo,
  begin: readonly number[],
  shape: readonly number[],
): TensorInfo {
  if (size(shape) === size(x.shape)) return backend.alias(x, shape);
  const from = strides(x.shape);
  return view(backend, x, shape, dot(begin, from), from);
}

export const sliceConfig: KernelConfig = kernel<SliceInputs, SliceAttrs>(
  Slice,
  ({ inputs: { x }, attrs, backend, args }) => {
    if (!isNumeric(x.dtype)) return backend.fallback(Slice, args);
    const [begin, shape] = slice_util.parseSliceParams(x as never, attrs.begin, attrs.size);
    slice_util.assertParamsValid(x, begin!, shape!);
    return slice(backend, x, begin!, shape!);
  },
);

export const stridedSliceConfig: KernelConfig = kernel<StridedSliceInputs, StridedSliceAttrs>(
  StridedSlice,
  ({ inputs: { x }, attrs, backend, args }) => {
    if (!isNumeric(x.dtype)) return backend.fallback(StridedSlice, args);
    const {
      begin,
      end,
      strides: step,
      beginMask,
      endMask,
      ellipsisMask,
      newAxisMask,
      shrinkAxisMask,
    } = attrs;
    const info = slice_util.sliceInfo(
      x.shape,
      begin,
      end,
      step,
      beginMask,
      endMask,
      ellipsisMask,
      newAxisMask,
      shrinkAxisMask,
    );
    if (info.isIdentity) return backend.alias(x, info.finalShape);
    const from = strides(x.shape);
    const simple = info.sliceDim0 || info.isSimpleSlice;
    const shape = simple
      ? slice_util.computeOutShape(info.begin, info.end, info.strides)
      : info.finalShapeSparse;
    const steps = from.map((s, d) => s * info.strides[d]!);
    return { ...view(backend, x, shape, dot(info.begin, from), steps), shape: info.finalShape };
  },
);

export const reverseConfig: KernelConfig = kernel<ReverseInputs, ReverseAttrs>(
  Reverse,
  ({ inputs: { x }, attrs, backend, args }) => {
    if (!isNumeric(x.dtype)) return backend.fallback(Reverse, args);
    const dims = util.parseAxisParam(attrs.dims, x.shape);
    if (x.shape.length === 0) return backend.alias(x, x.shape);
    const from = strides(x.shape);
    const offset = dims.reduce((sum, d) => sum + (x.shape[d]! - 1) * from[d]!, 0);
    return view(
      backend,
      x,
      x.shape,
      offset,
      from.map((s, d) => (dims.includes(d) ? -s : s)),
    );
  },
);

export const tileConfig: KernelConfig = kernel<TileInputs, TileAttrs>(
  Tile,
  ({ inputs: { x }, attrs: { reps }, backend, args }) => {
    if (!isNumeric(x.dtype)) return backend.fallback(Tile, args);
    const shape = x.shape.map((n, d) => n * reps[d]!);
    if (reps.every((r) => r === 1)) return backend.alias(x, shape);
    const out = backend.output(shape, x.dtype);
    const from = strides(x.shape);
    const to = strides(shape);
    const loops = x.shape.flatMap((n, d) => [
      { size: reps[d]!, input: 0, output: n * to[d]! },
      { size: n, input: from[d]!, output: to[d]! },
    ]);
    stridedCopy(backend, backend.pointer(x), backend.pointer(out), bytesPerElement(x.dtype), loops);
    return out;
  },
);

/** Address of one element of this value; working memory. */
function constantOf(backend: SimdBackend, dtype: NumericType, value: number): number {
  const address = backend.scratch(4);
  if (dtype === 'bool') backend.heap.u8(address, 1)[0] = value;
  else backend.heap.i32(address, 1)[0] = bits(value, dtype);
  return address;
}

export const padConfig: KernelConfig = kernel<PadV2Inputs, PadV2Attrs>(
  PadV2,
  ({ inputs: { x }, attrs: { paddings, constantValue }, backend, args }) => {
    if (!isNumeric(x.dtype)) return backend.fallback(PadV2, args);
    const shape = x.shape.map((n, d) => paddings[d]![0] + n + paddings[d]![1]);
    if (size(shape) === size(x.shape)) return backend.alias(x, shape);
    const out = backend.output(shape, x.dtype);
    const bytes = bytesPerElement(x.dtype);
    const from = strides(x.shape);
    const to = strides(shape);
    const address = backend.pointer(out);
    const value = constantOf(backend, x.dtype, constantValue);
    // The block itself, then what lies before and behind it along each axis: all of the later axes, and of the
    // earlier ones what the block has.
    let corner = address;
    const inside = x.shape.map((n, d) => ({ size: n, input: from[d]!, output: to[d]! }));
    const start = dot(
      paddings.map(([before]) => before),
      to,
    );
    stridedCopy(backend, backend.pointer(x), address + start * bytes, bytes, inside);
    x.shape.forEach((n, d) => {
      const [before, after] = paddings[d]!;
      const slab = (length: number, at: number): void => {
        const loops = shape.map((whole, e) => ({
          size: e < d ? x.shape[e]! : e === d ? length : whole,
          input: 0,
          output: to[e]!,
        }));
        stridedCopy(backend, value, corner + at * to[d]! * bytes, bytes, loops);
      };
      slab(before, 0);
      slab(after, before + n);
      corner += before * to[d]! * bytes;
    });
    return out;
  },
);
