/** Convolution and its gradients in float64, product by product; sizes and padding as tfjs computes them. */
import { backend_util } from '@tensorflow/tfjs-core';

type Shape = [number, number, number, number];

/** A convolution to be tested. */
export interface ConvCase {
  readonly x: Shape;
  /** Height, width, input channels, output channels (depthwise: per input channel). */
  readonly w: Shape;
  readonly strides: number | [number, number];
  readonly pad: 'same' | 'valid' | number | backend_util.ExplicitPadding;
  readonly dilations?: number | [number, number];
}

/** Adds `term(x index, w index, y index)` for every product in the convolution: indices into the flat arrays. */
function eachProduct(
  { x, w, strides, pad, dilations = 1 }: ConvCase,
  depthwise: boolean,
  visit: (xi: number, wi: number, yi: number) => void,
): Shape {
  const info = backend_util.computeConv2DInfo(x, w, strides, dilations, pad, undefined, depthwise);
  const [batch, height, width, channels] = x;
  const [windowHeight, windowWidth, , last] = w;
  const [, outHeight, outWidth, outChannels] = info.outShape;
  for (let b = 0; b < batch; b++)
    for (let oy = 0; oy < outHeight; oy++)
      for (let ox = 0; ox < outWidth; ox++)
        for (let fy = 0; fy < windowHeight; fy++)
          for (let fx = 0; fx < windowWidth; fx++) {
            const iy = oy * info.strideHeight - info.padInfo.top + fy * info.dilationHeight;
            const ix = ox * info.strideWidth - info.padInfo.left + fx * info.dilationWidth;
            if (iy < 0 || iy >= height || ix < 0 || ix >= width) continue;
            const pixel = ((b * outHeight + oy) * outWidth + ox) * outChannels;
            for (let c = 0; c < channels; c++)
              for (let q = 0; q < last; q++) {
                const xi = ((b * height + iy) * width + ix) * channels + c;
                const wi = ((fy * windowWidth + fx) * channels + c) * last + q;
                visit(xi, wi, pixel + (depthwise ? c * last + q : q));
              }
          }
  return info.outShape;
}

/** A float64 result, the sum of absolute values of its terms, and the number of terms. */
interface Bounded {
  readonly sum: Float64Array;
  readonly size: Float64Array;
  readonly terms: Float64Array;
}

function bounded(n: number): Bounded {
  return { sum: new Float64Array(n), size: new Float64Array(n), terms: new Float64Array(n) };
}

function put({ sum, size, terms }: Bounded, at: number, value: number): void {
  sum[at]! += value;
  size[at]! += Math.abs(value);
  terms[at]!++;
}

const count = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

/** y, dx and dw in float64. */
export function twin(
  conv: ConvCase,
  depthwise: boolean,
  x: Float32Array,
  w: Float32Array,
  dy: Float32Array,
): { readonly y: Bounded; readonly dx: Bounded; readonly dw: Bounded } {
  const y = bounded(dy.length);
  const dx = bounded(count(conv.x));
  const dw = bounded(count(conv.w));
  eachProduct(conv, depthwise, (xi, wi, yi) => {
    put(y, yi, x[xi]! * w[wi]!);
    put(dx, xi, dy[yi]! * w[wi]!);
    put(dw, wi, dy[yi]! * x[xi]!);
  });
  return { y, dx, dw };
}

/** Where the bound of a float32 sum of n products, (n + 1) u Σ|a b|, is passed: a message, or undefined. */
export function firstFault(actual: ArrayLike<number>, { sum, size, terms }: Bounded): string | undefined {
  if (actual.length !== sum.length) return `${actual.length} elements, expected ${sum.length}`;
  for (let i = 0; i < sum.length; i++) {
    const error = Math.abs(actual[i]! - sum[i]!);
    if (!(error <= (terms[i]! + 2) * 2 ** -24 * size[i]!)) {
      return `[${i}] is ${actual[i]}, expected ${sum[i]}, error ${error} of ${terms[i]} terms`;
    }
  }
  return undefined;
}
