import type { backend_util } from '@tensorflow/tfjs-core';
import type { SimdBackend } from '../backend.ts';
import type { Range } from '../parallel.ts';

/** The geometry of a window that slides over images, as assembly/window.ts reads it; working memory. */
export function windowGeometry(
  backend: SimdBackend,
  info: backend_util.Conv2DInfo,
  channels: number = info.inChannels,
): number {
  const fields = [
    info.batchSize,
    info.inHeight,
    info.inWidth,
    channels,
    info.outHeight,
    info.outWidth,
    info.filterHeight,
    info.filterWidth,
    info.strideHeight,
    info.strideWidth,
    info.dilationHeight,
    info.dilationWidth,
    info.padInfo.top,
    info.padInfo.left,
  ];
  const address = backend.scratch(4 * fields.length);
  backend.heap.i32(address, fields.length).set(fields);
  return address;
}

/** The output lines of a batch, as the kernels of assembly/taps.ts go through them; `cost` is that of a tap. */
export function lines(info: backend_util.Conv2DInfo, cost: number): Range {
  const taps = info.outWidth * info.filterHeight * info.filterWidth;
  return { items: info.batchSize * info.outHeight, cost: taps * (info.outChannels * cost + 3) };
}

/** The same by whole images: for gradients, where neighbouring lines add to the same pixels. */
export function images(info: backend_util.Conv2DInfo, cost: number): Range {
  return { ...lines(info, cost), multiple: Math.max(1, info.outHeight) };
}
