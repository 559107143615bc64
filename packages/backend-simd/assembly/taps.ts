// The gradients of pooling and depthwise convolution: what happens at each tap (an output pixel and one place of its
// window that lies inside the image) happens to all channels alike. They are the adjoints of window-forward.ts, except
// that avgPool's divides by the whole window also at the border, as tfjs's suite demands. Images one after another,
// pixels and taps in order, so an image has the same bits whatever else is in the batch.
import { fma } from './fma';
import {
  CHANNELS, DILATION_X, DILATION_Y, geometry, HEIGHT, LEFT, OUT_HEIGHT, OUT_WIDTH, STRIDE_X, STRIDE_Y, TOP,
  WIDTH, WINDOW_HEIGHT, WINDOW_WIDTH,
} from './window';

const SUM = 0;
const SPREAD = 1;
const DEPTHWISE_INPUT = 2;
const DEPTHWISE_FILTER = 3;
const GREATEST = 4;

/** What a tap does, over `bytes` bytes of channels. For GREATEST, `w` holds the greatest so far, `w + bytes` where. */
@inline
function tap(op: i32, x: usize, y: usize, w: usize, bytes: usize, scale: f32): void {
  const whole = bytes & ~15;
  let k: usize = 0;
  const scales = f32x4.splat(scale);
  const address = i32x4.splat(<i32>x);
  for (; k < whole; k += 16) {
    if (op == SUM) v128.store(y + k, f32x4.add(v128.load(y + k), v128.load(x + k)));
    else if (op == SPREAD) v128.store(x + k, fma(v128.load(y + k), scales, v128.load(x + k)));
    else if (op == DEPTHWISE_INPUT) v128.store(x + k, fma(v128.load(y + k), v128.load(w + k), v128.load(x + k)));
    else if (op == DEPTHWISE_FILTER) v128.store(w + k, fma(v128.load(x + k), v128.load(y + k), v128.load(w + k)));
    else {
      const v = v128.load(x + k);
      const greater = f32x4.gt(v, v128.load(w + k));
      v128.store(w + k, v128.bitselect(v, v128.load(w + k), greater));
      v128.store(w + bytes + k, v128.bitselect(address, v128.load(w + bytes + k), greater));
    }
  }
  for (; k < bytes; k += 4) {
    if (op == SUM) store<f32>(y + k, load<f32>(y + k) + load<f32>(x + k));
    else if (op == SPREAD) store<f32>(x + k, load<f32>(x + k) + load<f32>(y + k) * scale);
    else if (op == DEPTHWISE_INPUT) store<f32>(x + k, load<f32>(x + k) + load<f32>(y + k) * load<f32>(w + k));
    else if (op == DEPTHWISE_FILTER) store<f32>(w + k, load<f32>(w + k) + load<f32>(x + k) * load<f32>(y + k));
    else if (load<f32>(x + k) > load<f32>(w + k)) {
      store<f32>(w + k, load<f32>(x + k));
      store<i32>(w + bytes + k, <i32>x);
    }
  }
}

@inline
function fillFloats(to: usize, bytes: usize, value: f32): void {
  for (let k: usize = 0; k < bytes; k += 4) store<f32>(to + k, value);
}

/**
 * Output lines `begin` … `end`, counted over the whole batch; x, y are those of the whole batch.
 *
 * @param x the image, or its gradient
 * @param y the output, or its gradient
 * @param w the filter, its gradient, or working memory
 * @param part for GREATEST the image's gradient, for DEPTHWISE_FILTER working memory as large as w
 */
@inline
function eachTap(op: i32, x: usize, y: usize, w: usize, g: usize, begin: i32, end: i32, part: usize): void {
  const height = geometry(g, HEIGHT);
  const width = geometry(g, WIDTH);
  const outHeight = geometry(g, OUT_HEIGHT);
  const outWidth = geometry(g, OUT_WIDTH);
  const windowHeight = geometry(g, WINDOW_HEIGHT);
  const windowWidth = geometry(g, WINDOW_WIDTH);
  const dilationX = geometry(g, DILATION_X);
  const dilationY = geometry(g, DILATION_Y);
  const bytes = <usize>geometry(g, CHANNELS) << 2;
  const line = <usize>width * bytes;
  const windowBytes = <usize>(windowHeight * windowWidth) * bytes;
  const image = x;
  if (op == DEPTHWISE_FILTER) fillFloats(w, windowBytes, 0);
  if (begin >= end) return;
  let oy = begin % outHeight;
  x += <usize>(begin / outHeight * height) * line;
  y += <usize>(begin * outWidth) * bytes;
  for (let i = begin; i < end; i++) {
    const top = oy * geometry(g, STRIDE_Y) - geometry(g, TOP);
    // Sums over many pixels are kept by line, so that their error grows with the sides and not with the area.
    if (op == DEPTHWISE_FILTER) fillFloats(part, windowBytes, 0);
    for (let ox = 0; ox < outWidth; ox++) {
      const left = ox * geometry(g, STRIDE_X) - geometry(g, LEFT);
      let scale: f32 = 1;
      if (op == SPREAD) scale = 1 / <f32>(windowHeight * windowWidth);
      if (op == GREATEST) {
        fillFloats(w, bytes, -f32.POSITIVE_INFINITY);
        memory.fill(w + bytes, 0, bytes);
      }
      for (let fy = 0; fy < windowHeight; fy++) {
        const row = top + fy * dilationY;
        if (<u32>row >= <u32>height) continue;
        for (let fx = 0; fx < windowWidth; fx++) {
          const column = left + fx * dilationX;
          if (<u32>column >= <u32>width) continue;
          const at = x + <usize>row * line + <usize>column * bytes;
          const place = <usize>(fy * windowWidth + fx) * bytes;
          const weights = op == GREATEST ? w : op == DEPTHWISE_FILTER ? part + place : w + place;
          tap(op, at, y, weights, bytes, scale);
        }
      }
      if (op == GREATEST) {
        for (let k: usize = 0; k < bytes; k += 4) {
          const pixel = <usize>load<i32>(w + bytes + k);
          if (pixel == 0) continue;
          const to = part + (pixel - image) + k;
          store<f32>(to, load<f32>(to) + load<f32>(y + k));
        }
      }
      y += bytes;
    }
    if (op == DEPTHWISE_FILTER) tap(SUM, part, w, 0, windowBytes, 1);
    if (++oy == outHeight) {
      oy = 0;
      x += <usize>height * line;
    }
  }
}

/** Adds the gradient to dx. The first of equal elements of a window gets all of it. @param scratch 8·channels bytes */
export function maxPoolGradient(x: usize, dy: usize, dx: usize, g: usize, begin: i32, end: i32, scratch: usize): void {
  eachTap(GREATEST, x, dy, scratch, g, begin, end, dx);
}

/** Adds the gradient to dx. */
export function avgPoolGradient(dy: usize, dx: usize, g: usize, begin: i32, end: i32): void {
  eachTap(SPREAD, dx, dy, 0, g, begin, end, 0);
}

/** Adds the gradient to dx. */
export function depthwiseInputGradient(dy: usize, w: usize, dx: usize, g: usize, begin: i32, end: i32): void {
  eachTap(DEPTHWISE_INPUT, dx, dy, w, g, begin, end, 0);
}

/** @param part as large as dw */
export function depthwiseFilterGradient(x: usize, dy: usize, dw: usize, g: usize, begin: i32, end: i32, part: usize): void {
  eachTap(DEPTHWISE_FILTER, x, dy, dw, g, begin, end, part);
}

/** out[i] = Σ_j x[i, j], for n short rows. */
export function sumGroups(x: usize, out: usize, n: i32, group: i32): void {
  for (let i = 0; i < n; i++) {
    let sum: f32 = 0;
    for (let j = 0; j < group; j++) {
      sum += load<f32>(x);
      x += 4;
    }
    store<f32>(out + (<usize>i << 2), sum);
  }
}
