// Convolution as a matrix product: the row of an output pixel is the input that its window sees,
//
//   column[b, y, x][fy, fx, c] = image[b, y·sy − top + fy·dy, x·sx − left + fx·dx, c], 0 outside the image,
//
// so that image ∗ filter = column · filter, and the gradient with respect to the image is the adjoint of this copy.
import {
  CHANNELS, DILATION_X, DILATION_Y, geometry, HEIGHT, LEFT, OUT_HEIGHT, OUT_WIDTH, STRIDE_X, STRIDE_Y, TOP, WIDTH,
  WINDOW_HEIGHT, WINDOW_WIDTH,
} from './window';

@inline
function copyFloats(from: usize, to: usize, bytes: usize): void {
  let k: usize = 0;
  for (; k + 16 <= bytes; k += 16) v128.store(to + k, v128.load(from + k));
  for (; k < bytes; k += 4) store<f32>(to + k, load<f32>(from + k));
}

@inline
function zeroFloats(to: usize, bytes: usize): void {
  const zero = i64x2.splat(0);
  let k: usize = 0;
  for (; k + 16 <= bytes; k += 16) v128.store(to + k, zero);
  for (; k < bytes; k += 4) store<f32>(to + k, 0);
}

@inline
function addFloats(from: usize, to: usize, bytes: usize): void {
  let k: usize = 0;
  for (; k + 16 <= bytes; k += 16) v128.store(to + k, f32x4.add(v128.load(to + k), v128.load(from + k)));
  for (; k < bytes; k += 4) store<f32>(to + k, load<f32>(to + k) + load<f32>(from + k));
}

/**
 * Goes through the windows of output pixels `begin` … `end`, counted over the whole batch. With `back` false copies
 * the image into columns, with `back` true adds the columns to the image (in the order of the pixels, whatever the
 * cuts). A run of window columns that are neighbours in the image is one copy.
 */
@inline
function slide(back: bool, image: usize, column: usize, g: usize, begin: i32, end: i32): void {
  const height = geometry(g, HEIGHT);
  const width = geometry(g, WIDTH);
  const outHeight = geometry(g, OUT_HEIGHT);
  const outWidth = geometry(g, OUT_WIDTH);
  const windowHeight = geometry(g, WINDOW_HEIGHT);
  const windowWidth = geometry(g, WINDOW_WIDTH);
  const strideX = geometry(g, STRIDE_X);
  const strideY = geometry(g, STRIDE_Y);
  const dilationX = geometry(g, DILATION_X);
  const dilationY = geometry(g, DILATION_Y);
  const pixel = <usize>geometry(g, CHANNELS) << 2;
  const line = <usize>width * pixel;
  const windowLine = <usize>windowWidth * pixel;
  let x = begin % outWidth;
  let y = begin / outWidth % outHeight;
  let base = image + <usize>(begin / outWidth / outHeight * height) * line;
  for (let i = begin; i < end; i++) {
    const left = x * strideX - geometry(g, LEFT);
    let row = y * strideY - geometry(g, TOP);
    for (let fy = 0; fy < windowHeight; fy++) {
      if (<u32>row >= <u32>height) {
        if (!back) zeroFloats(column, windowLine);
      } else if (dilationX == 1) {
        const first = min(max(0, -left), windowWidth);
        const last = max(first, min(windowWidth, width - left));
        const before = <usize>first * pixel;
        const inside = <usize>(last - first) * pixel;
        const at = base + <usize>row * line + <usize>(left + first) * pixel;
        if (back) addFloats(column + before, at, inside);
        else {
          zeroFloats(column, before);
          copyFloats(at, column + before, inside);
          zeroFloats(column + before + inside, windowLine - before - inside);
        }
      } else {
        for (let fx = 0; fx < windowWidth; fx++) {
          const from = left + fx * dilationX;
          const to = column + <usize>fx * pixel;
          const at = base + <usize>row * line + <usize>from * pixel;
          if (<u32>from >= <u32>width) {
            if (!back) zeroFloats(to, pixel);
          } else if (back) addFloats(to, at, pixel);
          else copyFloats(at, to, pixel);
        }
      }
      column += windowLine;
      row += dilationY;
    }
    if (++x == outWidth) {
      x = 0;
      if (++y == outHeight) {
        y = 0;
        base += <usize>height * line;
      }
    }
  }
}

/** Columns of output pixels `begin` … `end`. */
export function imageToColumns(image: usize, column: usize, g: usize, begin: i32, end: i32): void {
  slide(false, image, column, g, begin, end);
}

/** Adds the columns of output pixels `begin` … `end` to the image. */
export function columnsToImage(column: usize, image: usize, g: usize, begin: i32, end: i32): void {
  slide(true, image, column, g, begin, end);
}
