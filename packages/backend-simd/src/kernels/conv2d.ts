/**
 * Conv2D and its gradients, NHWC, as matrix products over the columns of assembly/im2col.ts:
 *
 *   y = column(x) · w,   dx = column*(dy · wᵀ),   dw = column(x)ᵀ · dy,
 *
 * w of shape [windowHeight · windowWidth · channels, outChannels]. A window of one pixel at stride 1 is the product
 * itself, with no copy. The columns are made in blocks that stay in the cache. Every pixel of y and every image of dx
 * has the same bits whatever else is in the batch; dw sums over the batch in blocks, in order.
 *
 * Accuracy: the bound of a plain float32 sum over the products. Padding is a product with 0, so that ∞ or NaN in the
 * filter reaches pixels at the border. float32 and NHWC; the rest falls back.
 */
import {
  backend_util,
  Conv2D,
  type Conv2DAttrs,
  Conv2DBackpropFilter,
  type Conv2DBackpropFilterAttrs,
  type Conv2DBackpropFilterInputs,
  Conv2DBackpropInput,
  type Conv2DBackpropInputAttrs,
  type Conv2DBackpropInputInputs,
  type Conv2DInputs,
  type KernelConfig,
  type TensorInfo,
  util,
} from '@tensorflow/tfjs-core';
import type { SimdBackend } from '../backend.ts';
import { kernel } from '../kernel.ts';
import { size } from '../numeric.ts';
import { BEGIN, END, each } from '../parallel.ts';
import { MULTIPLY_ADD, sgemm } from '../sgemm.ts';
import { filled } from './fill.ts';
import { windowGeometry } from './window.ts';

/** Bytes of columns that are made at once: half of a second-level cache. */
const BLOCK = 1 << 19;
/** For dw, where each block costs one more pass over dw. */
const FILTER_BLOCK = 1 << 21;

/** Is the product over pixels as they lie? */
function isPointwise(info: backend_util.Conv2DInfo): boolean {
  return (
    info.filterHeight === 1 &&
    info.filterWidth === 1 &&
    info.strideHeight === 1 &&
    info.strideWidth === 1 &&
    info.inHeight === info.outHeight &&
    info.inWidth === info.outWidth &&
    info.padInfo.top === 0 &&
    info.padInfo.left === 0
  );
}

/** Rows and columns of the product: output pixels, output channels, elements of a window. */
function productOf(info: backend_util.Conv2DInfo): { m: number; n: number; k: number } {
  const m = info.batchSize * info.outHeight * info.outWidth;
  return { m, n: info.outChannels, k: info.filterHeight * info.filterWidth * info.inChannels };
}

/** How many rows of k floats make a block; few enough for one image, many enough for a product. */
function blockRows(bytes: number, k: number, m: number): number {
  return Math.min(m, Math.max(96, Math.floor(bytes / (4 * k))));
}

/** x ∗ w + bias, bias a row of output channels. */
export function convolve(
  backend: SimdBackend,
  x: TensorInfo,
  w: TensorInfo,
  info: backend_util.Conv2DInfo,
  bias?: TensorInfo,
): TensorInfo {
  const out = backend.output(info.outShape, 'float32');
  if (size(out.shape) === 0) return out;
  const { m, n, k } = productOf(info);
  const [px, pw, py] = [backend.pointer(x), backend.pointer(w), backend.pointer(out)];
  const pbias = bias ? backend.pointer(bias) : 0;
  if (isPointwise(info)) {
    sgemm(backend, { a: px, b: pw, c: py, bias: pbias, m, n, k, transposeA: false, transposeB: false });
    return out;
  }
  const rows = blockRows(BLOCK, k, m);
  const scratch = backend.scratchEach(4 * rows * k + backend.wasm.sgemmScratch(rows, n, k));
  const g = windowGeometry(backend, info);
  const range = { items: m, cost: k * (n * MULTIPLY_ADD + 0.3), multiple: Math.min(rows, 96) };
  backend.parallel('convolve', range, [px, pw, py, pbias, g, BEGIN, END, rows, n, k, scratch]);
  return out;
}

/** The gradient of x ∗ w with respect to x. */
function inputGradient(
  backend: SimdBackend,
  dy: TensorInfo,
  w: TensorInfo,
  info: backend_util.Conv2DInfo,
): TensorInfo {
  const { m, n, k } = productOf(info);
  const pointwise = isPointwise(info);
  const dx = pointwise
    ? backend.output(info.inShape, 'float32')
    : filled(backend, info.inShape, 'float32', 0);
  if (size(dx.shape) === 0 || m === 0) return dx;
  const [pdy, pw, pdx] = [backend.pointer(dy), backend.pointer(w), backend.pointer(dx)];
  if (pointwise) {
    const sizes = { m, n: k, k: n, transposeA: false, transposeB: true };
    sgemm(backend, { a: pdy, b: pw, c: pdx, bias: 0, ...sizes });
    return dx;
  }
  const rows = blockRows(BLOCK, k, m);
  const scratch = backend.scratchEach(4 * rows * k + backend.wasm.sgemmScratch(rows, k, n));
  const g = windowGeometry(backend, info);
  // By whole images: neighbouring pixels of dy add to the same pixels of dx.
  const range = { items: m, cost: k * (n * MULTIPLY_ADD + 0.3), multiple: info.outHeight * info.outWidth };
  backend.parallel('convolveInputGradient', range, [pdy, pw, pdx, g, BEGIN, END, rows, n, k, scratch]);
  return dx;
}

/** The gradient of x ∗ w with respect to w. */
function filterGradient(
  backend: SimdBackend,
  x: TensorInfo,
  dy: TensorInfo,
  info: backend_util.Conv2DInfo,
): TensorInfo {
  const { m, n, k } = productOf(info);
  if (m === 0 || n === 0 || k === 0) return filled(backend, info.filterShape, 'float32', 0);
  const dw = backend.output(info.filterShape, 'float32');
  const [px, pdy, pdw] = [backend.pointer(x), backend.pointer(dy), backend.pointer(dw)];
  const product = { b: pdy, bias: 0, m: k, n, transposeA: true, transposeB: false };
  if (isPointwise(info)) {
    sgemm(backend, { ...product, a: px, c: pdw, k: m });
    return dw;
  }
  const rows = blockRows(FILTER_BLOCK, k, m);
  const columns = backend.scratch(4 * rows * k);
  const part = backend.scratch(4 * k * n);
  const g = windowGeometry(backend, info);
  for (let begin = 0; begin < m; begin += rows) {
    const count = Math.min(rows, m - begin);
    backend.parallel('imageToColumns', { items: count, cost: 0.3 * k, multiple: 16 }, [
      px,
      each(columns, 4 * k),
      g,
      { ...BEGIN, base: begin },
      { ...END, base: begin },
    ]);
    sgemm(backend, {
      ...product,
      a: columns,
      b: pdy + 4 * begin * n,
      c: begin === 0 ? pdw : part,
      k: count,
    });
    if (begin > 0) backend.wasm.addFloats(pdw, part, pdw, k * n);
  }
  return dw;
}

const areFloats = (a: TensorInfo, b: TensorInfo): boolean => a.dtype === 'float32' && b.dtype === 'float32';

export const conv2DConfig: KernelConfig = kernel<Conv2DInputs, Conv2DAttrs>(
  Conv2D,
  ({ inputs: { x, filter }, attrs, backend, args }) => {
    const { strides, pad, dataFormat, dilations, dimRoundingMode } = attrs;
    if (!areFloats(x, filter) || dataFormat !== 'NHWC') return backend.fallback(Conv2D, args);
    const info = backend_util.computeConv2DInfo(
      x.shape as [number, number, number, number],
      filter.shape as [number, number, number, number],
      strides,
      dilations,
      pad,
      dimRoundingMode,
    );
    return convolve(backend, x, filter, info);
  },
);

export const conv2DBackpropInputConfig: KernelConfig = kernel<
  Conv2DBackpropInputInputs,
  Conv2DBackpropInputAttrs
>(Conv2DBackpropInput, ({ inputs: { dy, filter }, attrs, backend, args }) => {
  const { strides, pad, dataFormat, dimRoundingMode, inputShape } = attrs;
  if (!areFloats(dy, filter) || dataFormat !== 'NHWC') return backend.fallback(Conv2DBackpropInput, args);
  const info = backend_util.computeConv2DInfo(
    inputShape,
    filter.shape as [number, number, number, number],
    strides,
    1,
    pad,
    dimRoundingMode,
  );
  // tfjs allows a dy that is larger than the convolution's output; its cpu kernel takes the top left part.
  if (!util.arraysEqual(dy.shape, info.outShape)) return backend.fallback(Conv2DBackpropInput, args);
  return inputGradient(backend, dy, filter, info);
});

export const conv2DBackpropFilterConfig: KernelConfig = kernel<
  Conv2DBackpropFilterInputs,
  Conv2DBackpropFilterAttrs
>(Conv2DBackpropFilter, ({ inputs: { x, dy }, attrs, backend, args }) => {
  const { strides, pad, dataFormat, dimRoundingMode, filterShape } = attrs;
  if (!areFloats(x, dy) || dataFormat !== 'NHWC') return backend.fallback(Conv2DBackpropFilter, args);
  const info = backend_util.computeConv2DInfo(
    x.shape as [number, number, number, number],
    filterShape,
    strides,
    1,
    pad,
    dimRoundingMode,
  );
  if (!util.arraysEqual(dy.shape, info.outShape)) return backend.fallback(Conv2DBackpropFilter, args);
  return filterGradient(backend, x, dy, info);
});
