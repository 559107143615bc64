/**
 * MaxPool, AvgPool and their gradients on assembly/taps.ts. An average is over the pixels of a window that lie inside
 * the image; its gradient divides by the whole window also at the border, where it is therefore not the derivative:
 * tfjs's suite demands it. A maximum passes NaN over, as in tfjs. float32; the rest falls back.
 */
import {
  AvgPool,
  type AvgPoolAttrs,
  AvgPoolGrad,
  type AvgPoolGradAttrs,
  type AvgPoolGradInputs,
  type AvgPoolInputs,
  backend_util,
  type KernelConfig,
  MaxPool,
  type MaxPoolAttrs,
  MaxPoolGrad,
  type MaxPoolGradAttrs,
  type MaxPoolGradInputs,
  type MaxPoolInputs,
  util,
} from '@tensorflow/tfjs-core';
import { kernel } from '../kernel.ts';
import { size } from '../numeric.ts';
import { BEGIN, END } from '../parallel.ts';
import { filled } from './fill.ts';
import { images, lines, windowGeometry } from './window.ts';

function geometryOf(
  shape: readonly number[],
  attrs: MaxPoolAttrs | AvgPoolGradAttrs,
): backend_util.Conv2DInfo {
  const { filterSize, strides, pad } = attrs;
  const rounding = 'dimRoundingMode' in attrs ? attrs.dimRoundingMode : undefined;
  const x = shape as [number, number, number, number];
  return backend_util.computePool2DInfo(x, filterSize, strides, 1, pad, rounding);
}

function pool(name: string, select: 'maxPool' | 'avgPool'): KernelConfig {
  return kernel<MaxPoolInputs & AvgPoolInputs, MaxPoolAttrs & AvgPoolAttrs>(
    name,
    ({ inputs: { x }, attrs, backend, args }) => {
      if (x.dtype !== 'float32') return backend.fallback(name, args);
      const info = geometryOf(x.shape, attrs);
      if (info.filterHeight === 1 && info.filterWidth === 1 && util.arraysEqual(x.shape, info.outShape)) {
        return backend.alias(x, x.shape);
      }
      const out = backend.output(info.outShape, 'float32');
      if (size(out.shape) === 0) return out;
      const [from, to] = [backend.pointer(x), backend.pointer(out)];
      backend.parallel(select, lines(info, 0.4), [from, to, windowGeometry(backend, info), BEGIN, END]);
      return out;
    },
  );
}

export const maxPoolConfig: KernelConfig = pool(MaxPool, 'maxPool');
export const avgPoolConfig: KernelConfig = pool(AvgPool, 'avgPool');

export const maxPoolGradConfig: KernelConfig = kernel<MaxPoolGradInputs, MaxPoolGradAttrs>(
  MaxPoolGrad,
  ({ inputs: { dy, input: x }, attrs, backend, args }) => {
    const info = geometryOf(x.shape, attrs);
    const areFloats = x.dtype === 'float32' && dy.dtype === 'float32';
    if (!areFloats || !util.arraysEqual(dy.shape, info.outShape)) return backend.fallback(MaxPoolGrad, args);
    const dx = filled(backend, x.shape, 'float32', 0);
    if (size(dx.shape) === 0) return dx;
    const g = windowGeometry(backend, info);
    const scratch = backend.scratchEach(8 * info.inChannels);
    const [px, pdy, pdx] = [backend.pointer(x), backend.pointer(dy), backend.pointer(dx)];
    backend.parallel('maxPoolGradient', images(info, 1), [px, pdy, pdx, g, BEGIN, END, scratch]);
    return dx;
  },
);

export const avgPoolGradConfig: KernelConfig = kernel<AvgPoolGradInputs, AvgPoolGradAttrs>(
  AvgPoolGrad,
  ({ inputs: { dy, input: x }, attrs, backend, args }) => {
    const info = geometryOf(x.shape, attrs);
    if (dy.dtype !== 'float32' || !util.arraysEqual(dy.shape, info.outShape)) {
      return backend.fallback(AvgPoolGrad, args);
    }
    const dx = filled(backend, x.shape, 'float32', 0);
    if (size(dx.shape) === 0) return dx;
    const [pdy, pdx] = [backend.pointer(dy), backend.pointer(dx)];
    backend.parallel('avgPoolGradient', images(info, 0.4), [
      pdy,
      pdx,
      windowGeometry(backend, info),
      BEGIN,
      END,
    ]);
    return dx;
  },
);
