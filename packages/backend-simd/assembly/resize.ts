// Resizing images [batch, height, width, channels]. Where an output line or column lies in the image comes in tables
// (src/kernels/resize.ts): for each, i32 lower and upper neighbour and f32 distance t from the lower, 12 bytes.
//
//   nearest   y = x[lower]
//   bilinear  y = (1 − s)((1 − t) a + t b) + s ((1 − t) c + t d), as a + (b − a) t, in both directions
//
// The gradients are the adjoints: they add to dx, in the order of the output's pixels.
import { fma } from './fma';

const ENTRY: usize = 12;

@inline
function lower(table: usize, i: i32): usize {
  return <usize>load<i32>(table + <usize>i * ENTRY);
}

@inline
function upper(table: usize, i: i32): usize {
  return <usize>load<i32>(table + <usize>i * ENTRY, 4);
}

@inline
function distance(table: usize, i: i32): f32 {
  return load<f32>(table + <usize>i * ENTRY, 8);
}

@inline
function nearestPixels(
  back: bool, x: usize, y: usize, batch: i32, height: i32, width: i32, outHeight: i32, outWidth: i32, channels: i32,
  rows: usize, columns: usize,
): void {
  const bytes = <usize>channels << 2;
  const line = <usize>width * bytes;
  for (let b = 0; b < batch; b++) {
    for (let oy = 0; oy < outHeight; oy++) {
      const row = x + lower(rows, oy) * line;
      for (let ox = 0; ox < outWidth; ox++) {
        const at = row + lower(columns, ox) * bytes;
        let k: usize = 0;
        for (; k + 16 <= bytes; k += 16) {
          if (back) v128.store(at + k, f32x4.add(v128.load(at + k), v128.load(y + k)));
          else v128.store(y + k, v128.load(at + k));
        }
        for (; k < bytes; k += 4) {
          if (back) store<f32>(at + k, load<f32>(at + k) + load<f32>(y + k));
          else store<f32>(y + k, load<f32>(at + k));
        }
        y += bytes;
      }
    }
    x += <usize>height * line;
  }
}

export function resizeNearest(
  x: usize, y: usize, batch: i32, height: i32, width: i32, outHeight: i32, outWidth: i32, channels: i32,
  rows: usize, columns: usize,
): void {
  nearestPixels(false, x, y, batch, height, width, outHeight, outWidth, channels, rows, columns);
}

export function resizeNearestGradient(
  dx: usize, dy: usize, batch: i32, height: i32, width: i32, outHeight: i32, outWidth: i32, channels: i32,
  rows: usize, columns: usize,
): void {
  nearestPixels(true, dx, dy, batch, height, width, outHeight, outWidth, channels, rows, columns);
}

@inline
function between(a: v128, b: v128, t: v128): v128 {
  return fma(f32x4.sub(b, a), t, a);
}

@inline
function addTo(at: usize, value: v128): void {
  v128.store(at, f32x4.add(v128.load(at), value));
}

@inline
function addOneTo(at: usize, value: f32): void {
  store<f32>(at, load<f32>(at) + value);
}

@inline
function bilinearPixels(
  back: bool, x: usize, y: usize, batch: i32, height: i32, width: i32, outHeight: i32, outWidth: i32, channels: i32,
  rows: usize, columns: usize,
): void {
  const bytes = <usize>channels << 2;
  const line = <usize>width * bytes;
  for (let b = 0; b < batch; b++) {
    for (let oy = 0; oy < outHeight; oy++) {
      const high = x + lower(rows, oy) * line;
      const low = x + upper(rows, oy) * line;
      const s = distance(rows, oy);
      const ss = f32x4.splat(s);
      for (let ox = 0; ox < outWidth; ox++) {
        const left = lower(columns, ox) * bytes;
        const right = upper(columns, ox) * bytes;
        const t = distance(columns, ox);
        const tt = f32x4.splat(t);
        let k: usize = 0;
        if (back) {
          const one: f32 = 1;
          const wa = (one - s) * (one - t);
          const wb = (one - s) * t;
          const wc = s * (one - t);
          const wd = s * t;
          const wwa = f32x4.splat(wa), wwb = f32x4.splat(wb), wwc = f32x4.splat(wc), wwd = f32x4.splat(wd);
          for (; k + 16 <= bytes; k += 16) {
            // Neighbours may be the same pixel: each addition ends before the next begins.
            const v = v128.load(y + k);
            addTo(high + left + k, f32x4.mul(v, wwa));
            addTo(high + right + k, f32x4.mul(v, wwb));
            addTo(low + left + k, f32x4.mul(v, wwc));
            addTo(low + right + k, f32x4.mul(v, wwd));
          }
          for (; k < bytes; k += 4) {
            const v = load<f32>(y + k);
            addOneTo(high + left + k, v * wa);
            addOneTo(high + right + k, v * wb);
            addOneTo(low + left + k, v * wc);
            addOneTo(low + right + k, v * wd);
          }
        } else {
          for (; k + 16 <= bytes; k += 16) {
            const upperEdge = between(v128.load(high + left + k), v128.load(high + right + k), tt);
            const lowerEdge = between(v128.load(low + left + k), v128.load(low + right + k), tt);
            v128.store(y + k, between(upperEdge, lowerEdge, ss));
          }
          for (; k < bytes; k += 4) {
            const a = load<f32>(high + left + k);
            const c = load<f32>(low + left + k);
            const upperEdge = a + (load<f32>(high + right + k) - a) * t;
            const lowerEdge = c + (load<f32>(low + right + k) - c) * t;
            store<f32>(y + k, upperEdge + (lowerEdge - upperEdge) * s);
          }
        }
        y += bytes;
      }
    }
    x += <usize>height * line;
  }
}

export function resizeBilinear(
  x: usize, y: usize, batch: i32, height: i32, width: i32, outHeight: i32, outWidth: i32, channels: i32,
  rows: usize, columns: usize,
): void {
  bilinearPixels(false, x, y, batch, height, width, outHeight, outWidth, channels, rows, columns);
}

export function resizeBilinearGradient(
  dx: usize, dy: usize, batch: i32, height: i32, width: i32, outHeight: i32, outWidth: i32, channels: i32,
  rows: usize, columns: usize,
): void {
  bilinearPixels(true, dx, dy, batch, height, width, outHeight, outWidth, channels, rows, columns);
}
