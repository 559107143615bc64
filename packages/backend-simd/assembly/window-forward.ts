// What a sliding window makes of an image, channel by channel, with the sums in registers:
//
//   maxPool    y = max x, from −∞; NaN is passed over, as in tfjs
//   avgPool    y = Σ x / number of taps inside the image
//   depthwise  y = Σ x w
//
// over the taps that lie inside the image, in order: so an output pixel has the same bits whatever else is made. The
// gradients are in taps.ts; lines of output, of all images one after another, are counted from `begin` to `end`.
import { fma } from './fma';
import {
  CHANNELS, DILATION_X, DILATION_Y, geometry, HEIGHT, LEFT, OUT_HEIGHT, OUT_WIDTH, STRIDE_X, STRIDE_Y, TOP, WIDTH,
  WINDOW_HEIGHT, WINDOW_WIDTH,
} from './window';

enum Op { Max, Mean, Depthwise }

const LEAST = memory.data<f32>([-Infinity]);

@inline
function joined(op: Op, sum: v128, x: usize, w: usize): v128 {
  if (op == Op.Max) return f32x4.pmax(sum, v128.load(x));
  return op == Op.Mean ? f32x4.add(sum, v128.load(x)) : fma(v128.load(x), v128.load(w), sum);
}

/** The same for a single channel: a whole vector may reach beyond the memory. */
@inline
function joinedOne(op: Op, sum: v128, x: usize, w: usize): v128 {
  if (op == Op.Max) return f32x4.pmax(sum, v128.load32_zero(x));
  return op == Op.Mean ? f32x4.add(sum, v128.load32_zero(x)) : fma(v128.load32_zero(x), v128.load32_zero(w), sum);
}

/** First tap inside, of places first, first + step, … */
@inline
function firstInside(first: i32, step: i32): i32 {
  return first >= 0 ? 0 : (step - 1 - first) / step;
}

/** How many taps there are up to the end of the image. */
@inline
function tapsUpTo(size: i32, first: i32, step: i32, taps: i32): i32 {
  return first >= size ? 0 : min(taps, (size - first + step - 1) / step);
}

@inline
function windows(op: Op, image: usize, w: usize, y: usize, g: usize, begin: i32, end: i32): void {
  const height = geometry(g, HEIGHT);
  const width = geometry(g, WIDTH);
  const outHeight = geometry(g, OUT_HEIGHT);
  const outWidth = geometry(g, OUT_WIDTH);
  const windowWidth = geometry(g, WINDOW_WIDTH);
  const dilationX = geometry(g, DILATION_X);
  const dilationY = geometry(g, DILATION_Y);
  const bytes = <usize>geometry(g, CHANNELS) << 2;
  const stepX = <usize>dilationX * bytes;
  const stepY = <usize>(dilationY * width) * bytes;
  const start = op == Op.Max ? v128.load32_splat(LEAST) : i64x2.splat(0);
  y += <usize>(begin * outWidth) * bytes;
  for (let line = begin; line < end; line++) {
    const top = line % outHeight * geometry(g, STRIDE_Y) - geometry(g, TOP);
    const y0 = firstInside(top, dilationY);
    const y1 = tapsUpTo(height, top, dilationY, geometry(g, WINDOW_HEIGHT));
    const rows = image + <usize>((line / outHeight * height + top + y0 * dilationY) * width) * bytes;
    for (let ox = 0; ox < outWidth; ox++) {
      const left = ox * geometry(g, STRIDE_X) - geometry(g, LEFT);
      const x0 = firstInside(left, dilationX);
      const x1 = tapsUpTo(width, left, dilationX, windowWidth);
      const at = rows + <usize>(left + x0 * dilationX) * bytes;
      const weights = w + <usize>(y0 * windowWidth + x0) * bytes;
      const scale = f32x4.splat(1 / <f32>(max(0, y1 - y0) * max(0, x1 - x0)));
      let k: usize = 0;
      for (; k + 64 <= bytes; k += 64) {
        let a = start;
        let b = start;
        let c = start;
        let d = start;
        for (let i = y0; i < y1; i++) {
          let p = at + k + <usize>(i - y0) * stepY;
          let q = weights + k + <usize>((i - y0) * windowWidth) * bytes;
          for (let j = x0; j < x1; j++) {
            a = joined(op, a, p, q);
            b = joined(op, b, p + 16, q + 16);
            c = joined(op, c, p + 32, q + 32);
            d = joined(op, d, p + 48, q + 48);
            p += stepX;
            q += bytes;
          }
        }
        v128.store(y + k, op == Op.Mean ? f32x4.mul(a, scale) : a);
        v128.store(y + k, op == Op.Mean ? f32x4.mul(b, scale) : b, 16);
        v128.store(y + k, op == Op.Mean ? f32x4.mul(c, scale) : c, 32);
        v128.store(y + k, op == Op.Mean ? f32x4.mul(d, scale) : d, 48);
      }
      while (k < bytes) {
        let a = start;
        const few = k + 16 > bytes;
        for (let i = y0; i < y1; i++) {
          let p = at + k + <usize>(i - y0) * stepY;
          let q = weights + k + <usize>((i - y0) * windowWidth) * bytes;
          for (let j = x0; j < x1; j++) {
            a = few ? joinedOne(op, a, p, q) : joined(op, a, p, q);
            p += stepX;
            q += bytes;
          }
        }
        if (op == Op.Mean) a = f32x4.mul(a, scale);
        if (few) v128.store_lane<f32>(y + k, a, 0);
        else v128.store(y + k, a);
        k += few ? 4 : 16;
      }
      y += bytes;
    }
  }
}

export function maxPool(x: usize, y: usize, g: usize, begin: i32, end: i32): void {
  windows(Op.Max, x, 0, y, g, begin, end);
}

export function avgPool(x: usize, y: usize, g: usize, begin: i32, end: i32): void {
  windows(Op.Mean, x, 0, y, g, begin, end);
}

/** One filter element per tap and channel. */
export function depthwise(x: usize, w: usize, y: usize, g: usize, begin: i32, end: i32): void {
  windows(Op.Depthwise, x, w, y, g, begin, end);
}
