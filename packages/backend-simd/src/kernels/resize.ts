/**
 * ResizeNearestNeighbor, ResizeBilinear and their gradients on assembly/resize.ts. Output line i lies in the image at
 *
 *   i · r, or (i + ½) r − ½ with halfPixelCenters;   r = height / outHeight, or (height − 1) / (outHeight − 1) with
 *   alignCorners,
 *
 * rounded as tfjs's cpu backend rounds. The gradients are the adjoints of these maps, for every option and every shape
 * (the cpu backend's differ: nearest reads the wrong lines of dy from the second image of a batch on, bilinear leaves
 * halfPixelCenters out and turns images that are not square). float32; the rest falls back.
 */
import {
  type KernelConfig,
  ResizeBilinear,
  type ResizeBilinearAttrs,
  ResizeBilinearGrad,
  type ResizeBilinearGradInputs,
  type ResizeBilinearInputs,
  ResizeNearestNeighbor,
  type ResizeNearestNeighborAttrs,
  ResizeNearestNeighborGrad,
  type ResizeNearestNeighborGradInputs,
  type ResizeNearestNeighborInputs,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import type { SimdBackend } from '../backend.ts';
import { kernel } from '../kernel.ts';
import { size } from '../numeric.ts';
import { filled } from './fill.ts';

interface Centers {
  readonly alignCorners: boolean;
  readonly halfPixelCenters?: boolean;
}

/** Where output line i lies between image lines. */
interface Place {
  readonly lower: number;
  readonly upper: number;
  readonly distance: number;
}
type Placing = (i: number, input: number, output: number, centers: Centers) => Place;

function ratio(input: number, output: number, alignCorners: boolean): number {
  return alignCorners && output > 1 ? (input - 1) / (output - 1) : input / output;
}

const nearest: Placing = (i, input, output, { alignCorners, halfPixelCenters }) => {
  const at = ratio(input, output, alignCorners) * (halfPixelCenters ? i + 0.5 : i);
  const lower = Math.min(input - 1, alignCorners ? Math.round(at) : Math.floor(at));
  return { lower, upper: lower, distance: 0 };
};

const bilinear: Placing = (i, input, output, { alignCorners, halfPixelCenters }) => {
  const r = ratio(input, output, alignCorners);
  const at = halfPixelCenters ? r * (i + 0.5) - 0.5 : r * i;
  const lower = Math.min(input - 1, Math.max(0, Math.floor(at)));
  // Above the first line there is nothing to be between.
  const upper = Math.min(input - 1, Math.max(0, Math.ceil(at)));
  return { lower, upper, distance: at - lower };
};

/** The places of all output lines, as assembly/resize.ts reads them; working memory. */
function table(
  backend: SimdBackend,
  place: Placing,
  input: number,
  output: number,
  centers: Centers,
): number {
  const address = backend.scratch(12 * output);
  const integers = backend.heap.i32(address, 3 * output);
  const floats = backend.heap.f32(address, 3 * output);
  for (let i = 0; i < output; i++) {
    const { lower, upper, distance } = place(i, input, output, centers);
    integers[3 * i] = lower;
    integers[3 * i + 1] = upper;
    floats[3 * i + 2] = distance;
  }
  return address;
}

type Run = SimdBackend['wasm']['resizeNearest'];

/** Calls `run` with the image and the resized image. */
function withTables(
  backend: SimdBackend,
  run: Run,
  place: Placing,
  image: TensorInfo,
  resized: TensorInfo,
  centers: Centers,
): void {
  if (size(image.shape) === 0 || size(resized.shape) === 0) return;
  const [batch, height, width, channels] = image.shape as [number, number, number, number];
  const [, outHeight, outWidth] = resized.shape as [number, number, number, number];
  const rows = table(backend, place, height, outHeight, centers);
  const columns = table(backend, place, width, outWidth, centers);
  const [x, y] = [backend.pointer(image), backend.pointer(resized)];
  run(x, y, batch, height, width, outHeight, outWidth, channels, rows, columns);
}

function resized(
  backend: SimdBackend,
  run: Run,
  place: Placing,
  images: TensorInfo,
  newSize: readonly [number, number],
  centers: Centers,
): TensorInfo {
  const [batch, , , channels] = images.shape as [number, number, number, number];
  const out = backend.output([batch, ...newSize, channels], 'float32');
  withTables(backend, run, place, images, out, centers);
  return out;
}

function gradient(
  backend: SimdBackend,
  run: Run,
  place: Placing,
  images: TensorInfo,
  dy: TensorInfo,
  centers: Centers,
): TensorInfo {
  const dx = filled(backend, images.shape, 'float32', 0);
  withTables(backend, run, place, dx, dy, centers);
  return dx;
}

export const resizeConfigs: readonly KernelConfig[] = [
  kernel<ResizeNearestNeighborInputs, ResizeNearestNeighborAttrs>(
    ResizeNearestNeighbor,
    ({ inputs: { images }, attrs, backend, args }) =>
      images.dtype === 'float32'
        ? resized(backend, backend.wasm.resizeNearest, nearest, images, attrs.size, attrs)
        : backend.fallback(ResizeNearestNeighbor, args),
  ),
  kernel<ResizeNearestNeighborGradInputs, ResizeNearestNeighborAttrs>(
    ResizeNearestNeighborGrad,
    ({ inputs: { images, dy }, attrs, backend, args }) =>
      images.dtype === 'float32' && dy.dtype === 'float32'
        ? gradient(backend, backend.wasm.resizeNearestGradient, nearest, images, dy, attrs)
        : backend.fallback(ResizeNearestNeighborGrad, args),
  ),
  kernel<ResizeBilinearInputs, ResizeBilinearAttrs>(
    ResizeBilinear,
    ({ inputs: { images }, attrs, backend, args }) =>
      images.dtype === 'float32'
        ? resized(backend, backend.wasm.resizeBilinear, bilinear, images, attrs.size, attrs)
        : backend.fallback(ResizeBilinear, args),
  ),
  kernel<ResizeBilinearGradInputs, ResizeBilinearAttrs>(
    ResizeBilinearGrad,
    ({ inputs: { images, dy }, attrs, backend, args }) =>
      images.dtype === 'float32' && dy.dtype === 'float32'
        ? gradient(backend, backend.wasm.resizeBilinearGradient, bilinear, images, dy, attrs)
        : backend.fallback(ResizeBilinearGrad, args),
  ),
];
