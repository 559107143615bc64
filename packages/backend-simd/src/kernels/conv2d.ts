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

/** Calls `run` for blocks of output pixels. */
function inBlocks(pixels: number, rows: number, run: (begin: number, count: number) => void): void {
  for (let begin = 0; begin < pixels; begin += rows) run(begin, Math.min(rows, pixels - begin));
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
  const { sgemm, sgemmScratch, imageToColumns } = backend.wasm;
  const [px, pw, py, pbias] = [x, w, out, bias].map((t) => (t ? backend.pointer(t) : 0)) as [
    number,
    number,
    number,
    number,
  ];
  if (isPointwise(info)) {
    sgemm(px, pw, py, pbias, m, n, k, false, false, backend.scratch(sgemmScratch(m, n, k)));
    return out;
  }
  const rows = blockRows(BLOCK, k, m);
  const columns = backend.scratch(4 * rows * k);
  const scratch = backend.scratch(sgemmScratch(rows, n, k));
  const g = windowGeometry(backend, info);
  inBlocks(m, rows, (begin, count) => {
    imageToColumns(px, columns, g, begin, begin + count);
    // A last block of few rows would need other working memory, so it asks for its own.
    const own = count === rows ? scratch : backend.scratch(sgemmScratch(count, n, k));
    sgemm(columns, pw, py + 4 * begin * n, pbias, count, n, k, false, false, own);
  });
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
  const { sgemm, sgemmScratch, columnsToImage } = backend.wasm;
  const pointwise = isPointwise(info);
  const dx = pointwise
    ? backend.output(info.inShape, 'float32')
    : filled(backend, info.inShape, 'float32', 0);
  if (size(dx.shape) === 0 || m === 0) return dx;
  const [pdy, pw, pdx] = [backend.pointer(dy), backend.pointer(w), backend.pointer(dx)];
  if (pointwise) {
    sgemm(pdy, pw, pdx, 0, m, k, n, false, true, backend.scratch(sgemmScratch(m, k, n)));
    return dx;
  }
  const rows = blockRows(BLOCK, k, m);
  const columns = backend.scratch(4 * rows * k);
  const scratch = backend.scratch(sgemmScratch(rows, k, n));
  const g = windowGeometry(backend, info);
  inBlocks(m, rows, (begin, count) => {
    const own = count === rows ? scratch : backend.scratch(sgemmScratch(count, k, n));
    sgemm(pdy + 4 * begin * n, pw, columns, 0, count, k, n, false, true, own);
    columnsToImage(columns, pdx, g, begin, begin + count);
  });
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
  const { sgemm, sgemmScratch, imageToColumns, addFloats } = backend.wasm;
  const [px, pdy, pdw] = [backend.pointer(x), backend.pointer(dy), backend.pointer(dw)];
  if (isPointwise(info)) {
    sgemm(px, pdy, pdw, 0, k, n, m, true, false, backend.scratch(sgemmScratch(k, n, m)));
    return dw;
  }
  const rows = blockRows(FILTER_BLOCK, k, m);
  const columns = backend.scratch(4 * rows * k);
  const scratch = backend.scratch(sgemmScratch(k, n, rows));
  const part = backend.scratch(4 * k * n);
  const g = windowGeometry(backend, info);
  inBlocks(m, rows, (begin, count) => {
    imageToColumns(px, columns, g, begin, begin + count);
    const own = count === rows ? scratch : backend.scratch(sgemmScratch(k, n, count));
    sgemm(columns, pdy + 4 * begin * n, begin === 0 ? pdw : part, 0, k, n, count, true, false, own);
    if (begin > 0) addFloats(pdw, part, pdw, k * n);
  });
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
