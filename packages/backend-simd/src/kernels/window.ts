import type { backend_util } from '@tensorflow/tfjs-core';
import type { SimdBackend } from '../backend.ts';

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
