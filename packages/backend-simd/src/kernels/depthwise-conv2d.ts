/**
 * DepthwiseConv2dNative, its gradients and FusedDepthwiseConv2D, NHWC, on assembly/taps.ts:
 *
 *   y[…, c·q + j] = Σ_{fy, fx} x[…, c] w[fy, fx, c, j],   j < q
 *
 * With q > 1 filters a channel, x is first written out q times, so that everything goes channel by channel. Each image
 * has the same bits whatever else is in the batch. A fused kernel gives the bits of the separate ops.
 *
 * Accuracy: the bound of a plain float32 sum over the products. float32 and NHWC; the rest falls back.
 */
import {
  backend_util,
  DepthwiseConv2dNative,
  type DepthwiseConv2dNativeAttrs,
  DepthwiseConv2dNativeBackpropFilter,
  type DepthwiseConv2dNativeBackpropFilterAttrs,
  type DepthwiseConv2dNativeBackpropFilterInputs,
  DepthwiseConv2dNativeBackpropInput,
  type DepthwiseConv2dNativeBackpropInputAttrs,
  type DepthwiseConv2dNativeBackpropInputInputs,
  type DepthwiseConv2dNativeInputs,
  FusedDepthwiseConv2D,
  type FusedDepthwiseConv2DAttrs,
  type FusedDepthwiseConv2DInputs,
  type KernelConfig,
  type TensorInfo,
  util,
} from '@tensorflow/tfjs-core';
import type { SimdBackend } from '../backend.ts';
import { kernel } from '../kernel.ts';
import { size } from '../numeric.ts';
import { BEGIN, END } from '../parallel.ts';
import { add, prelu } from './binary.ts';
import { filled } from './fill.ts';
import { activations } from './unary.ts';
import { images, lines, windowGeometry } from './window.ts';

type Shape = [number, number, number, number];
type Attrs = Pick<DepthwiseConv2dNativeAttrs, 'strides' | 'pad' | 'dilations' | 'dimRoundingMode'>;

function geometryOf(x: readonly number[], w: readonly number[], attrs: Attrs): backend_util.Conv2DInfo {
  const { strides, pad, dilations, dimRoundingMode } = attrs;
  const $dilations = dilations ?? [1, 1];
  util.assert(
    backend_util.eitherStridesOrDilationsAreOne(strides, $dilations),
    () =>
      `depthwiseConv2d: strides or dilations must be 1, got ${strides} and ${$dilations}. Set one of them to 1.`,
  );
  return backend_util.computeConv2DInfo(
    x as Shape,
    w as Shape,
    strides,
    $dilations,
    pad,
    dimRoundingMode,
    true,
  );
}

const areFloats = (...infos: readonly (TensorInfo | undefined)[]): boolean =>
  infos.every((info) => !info || info.dtype === 'float32');

/** x with every channel as often as it has filters; x itself where that is once. */
function writtenOut(backend: SimdBackend, x: TensorInfo, info: backend_util.Conv2DInfo): number {
  const times = info.outChannels / info.inChannels;
  if (times === 1) return backend.pointer(x);
  const n = size(x.shape);
  const to = backend.scratch(4 * n * times);
  backend.wasm.repeatElements(backend.pointer(x), to, n, times);
  return to;
}

function convolve(
  backend: SimdBackend,
  x: TensorInfo,
  w: TensorInfo,
  info: backend_util.Conv2DInfo,
): TensorInfo {
  const out = backend.output(info.outShape, 'float32');
  if (size(out.shape) === 0) return out;
  const from = writtenOut(backend, x, info);
  const g = windowGeometry(backend, info, info.outChannels);
  const [pw, to] = [backend.pointer(w), backend.pointer(out)];
  backend.parallel('depthwise', lines(info, 0.4), [from, pw, to, g, BEGIN, END]);
  return out;
}

export const depthwiseConv2dConfig: KernelConfig = kernel<
  DepthwiseConv2dNativeInputs,
  DepthwiseConv2dNativeAttrs
>(DepthwiseConv2dNative, ({ inputs: { x, filter }, attrs, backend, args }) => {
  if (!areFloats(x, filter) || attrs.dataFormat === 'NCHW')
    return backend.fallback(DepthwiseConv2dNative, args);
  return convolve(backend, x, filter, geometryOf(x.shape, filter.shape, attrs));
});

export const depthwiseConv2dBackpropInputConfig: KernelConfig = kernel<
  DepthwiseConv2dNativeBackpropInputInputs,
  DepthwiseConv2dNativeBackpropInputAttrs
>(DepthwiseConv2dNativeBackpropInput, ({ inputs: { dy, filter }, attrs, backend, args }) => {
  const info = geometryOf(attrs.inputShape, filter.shape, attrs);
  if (!areFloats(dy, filter) || !util.arraysEqual(dy.shape, info.outShape)) {
    return backend.fallback(DepthwiseConv2dNativeBackpropInput, args);
  }
  const times = info.outChannels / info.inChannels;
  const dx = filled(backend, info.inShape, 'float32', 0);
  const n = size(dx.shape);
  if (n === 0 || size(dy.shape) === 0) return dx;
  let to = backend.pointer(dx);
  if (times > 1) {
    to = backend.scratch(4 * n * times);
    backend.wasm.fill32(to, n * times, 0);
  }
  const g = windowGeometry(backend, info, info.outChannels);
  const [pdy, pw] = [backend.pointer(dy), backend.pointer(filter)];
  backend.parallel('depthwiseInputGradient', images(info, 0.4), [pdy, pw, to, g, BEGIN, END]);
  if (times > 1) backend.wasm.sumGroups(to, backend.pointer(dx), n, times);
  return dx;
});

export const depthwiseConv2dBackpropFilterConfig: KernelConfig = kernel<
  DepthwiseConv2dNativeBackpropFilterInputs,
  DepthwiseConv2dNativeBackpropFilterAttrs
>(DepthwiseConv2dNativeBackpropFilter, ({ inputs: { x, dy }, attrs, backend, args }) => {
  const info = geometryOf(x.shape, attrs.filterShape, attrs);
  if (!areFloats(x, dy) || !util.arraysEqual(dy.shape, info.outShape)) {
    return backend.fallback(DepthwiseConv2dNativeBackpropFilter, args);
  }
  const dw = backend.output(info.filterShape, 'float32');
  if (size(dw.shape) === 0) return dw;
  const from = writtenOut(backend, x, info);
  const part = backend.scratch(4 * size(dw.shape));
  const g = windowGeometry(backend, info, info.outChannels);
  const [pdy, pdw] = [backend.pointer(dy), backend.pointer(dw)];
  backend.wasm.depthwiseFilterGradient(from, pdy, pdw, g, 0, info.batchSize * info.outHeight, part);
  return dw;
});

export const fusedDepthwiseConv2dConfig: KernelConfig = kernel<
  FusedDepthwiseConv2DInputs,
  FusedDepthwiseConv2DAttrs
>(
  FusedDepthwiseConv2D,
  ({ inputs: { x, filter, bias, preluActivationWeights: alpha }, attrs, backend, args }) => {
    const { activation, dataFormat, leakyreluAlpha } = attrs;
    const inPlace = activations[activation];
    if (
      !areFloats(x, filter, bias, alpha) ||
      dataFormat === 'NCHW' ||
      (!inPlace && (activation !== 'prelu' || !alpha))
    ) {
      return backend.fallback(FusedDepthwiseConv2D, args);
    }
    let y = convolve(backend, x, filter, geometryOf(x.shape, filter.shape, attrs));
    if (bias) {
      const before = y;
      y = add(backend, before, bias);
      backend.discard(before);
    }
    if (inPlace) {
      inPlace(backend, y, leakyreluAlpha ?? 0);
      return y;
    }
    const out = prelu(backend, y, alpha!);
    backend.discard(y);
    return out;
  },
);
