// Convolution of a range of pixels or images, the columns of im2col.ts made and multiplied in blocks that stay in the
// cache. A block is `rows` output pixels; where blocks begin and end changes no bit. Working memory: the columns
// (rows × k floats), then what the product needs.
import { columnsToImage, imageToColumns } from './im2col';
import { sgemm } from './sgemm';

/** Output pixels `begin` … `end`: y = column(x) · w + bias, w of k × n. */
export function convolve(
  x: usize, w: usize, y: usize, bias: usize, g: usize, begin: i32, end: i32, rows: i32, n: i32, k: i32, scratch: usize,
): void {
  const own = scratch + (<usize>(rows * k) << 2);
  for (let first = begin; first < end; first += rows) {
    const count = min(rows, end - first);
    imageToColumns(x, scratch, g, first, first + count);
    sgemm(scratch, w, y + (<usize>(first * n) << 2), bias, count, n, k, false, false, own);
  }
}

/** Adds what output pixels `begin` … `end` give to dx = column*(dy · wᵀ); whole images, so that no two share a pixel. */
export function convolveInputGradient(
  dy: usize, w: usize, dx: usize, g: usize, begin: i32, end: i32, rows: i32, n: i32, k: i32, scratch: usize,
): void {
  const own = scratch + (<usize>(rows * k) << 2);
  for (let first = begin; first < end; first += rows) {
    const count = min(rows, end - first);
    sgemm(dy + (<usize>(first * n) << 2), w, scratch, 0, count, k, n, false, true, own);
    columnsToImage(scratch, dx, g, first, first + count);
  }
}
