/**
 * FusedConv2D: activation(x ∗ w + bias), bit for bit what the separate ops give.
 *
 * A bias of one row is added as the product is stored, any other by Add; the activation goes over the result in
 * place.
 */
import {
  backend_util,
  FusedConv2D,
  type FusedConv2DAttrs,
  type FusedConv2DInputs,
  type KernelConfig,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import type { SimdBackend } from '../backend.ts';
import { kernel } from '../kernel.ts';
import { size } from '../numeric.ts';
import { add, prelu } from './binary.ts';
import { convolve } from './conv2d.ts';
import { activations } from './unary.ts';

function convolveAndAdd(
  backend: SimdBackend,
  x: TensorInfo,
  w: TensorInfo,
  info: backend_util.Conv2DInfo,
  bias: TensorInfo | undefined,
): TensorInfo {
  const isRow = bias?.shape.at(-1) === info.outChannels && size(bias.shape) === info.outChannels;
  if (!bias || isRow) return convolve(backend, x, w, info, bias);
  const y = convolve(backend, x, w, info);
  const out = add(backend, y, bias);
  backend.discard(y);
  return out;
}

export const fusedConv2DConfig: KernelConfig = kernel<FusedConv2DInputs, FusedConv2DAttrs>(
  FusedConv2D,
  ({ inputs: { x, filter, bias, preluActivationWeights: alpha }, attrs, backend, args }) => {
    const { strides, pad, dataFormat, dilations, dimRoundingMode, activation, leakyreluAlpha } = attrs;
    const inPlace = activations[activation];
    const areFloats = [x, filter, bias, alpha].every((info) => !info || info.dtype === 'float32');
    if (!areFloats || dataFormat !== 'NHWC' || (!inPlace && (activation !== 'prelu' || !alpha))) {
      return backend.fallback(FusedConv2D, args);
    }
    const info = backend_util.computeConv2DInfo(
      x.shape as [number, number, number, number],
      filter.shape as [number, number, number, number],
      strides,
      dilations,
      pad,
      dimRoundingMode,
    );
    const y = convolveAndAdd(backend, x, filter, info, bias);
    if (inPlace) {
      inPlace(backend, y, leakyreluAlpha ?? 0);
      return y;
    }
    const out = prelu(backend, y, alpha!);
    backend.discard(y);
    return out;
  },
);
