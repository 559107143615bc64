// The k rows of y nearest to every row of x, nearest first, ties in favour of the smaller index; streaming over y.
//
// Squared distances come in blocks as in pairwise.ts, eight rows of x at a time. Each row of x keeps its k best so far
// in order; only where a distance beats the worst of them (tested for eight rows at once) is it put in its place.
import { LANES, packRows } from './panel';
import { leaveOut, PAIR_BLOCK } from './pairwise';
import { squaredDistances } from './squared-distances';

const BUFFER_BYTES: usize = 2048;
/** The worst kept distance of each lane. */
const WORST_BYTES: usize = 32;

/** Scratch bytes that `pairwiseNearest` needs. */
export function pairwiseNearestScratch(d: i32): i32 {
  return <i32>(BUFFER_BYTES + WORST_BYTES + <usize>d * 64);
}

/**
 * NaN is never near: a row with too few other distances ends in distance NaN with index −1.
 *
 * @param distance n rows of k, float32; @param index n rows of k, int32; 1 ≤ k ≤ m
 * @param firstRow what number x's first row has, for the diagonal
 */
export function pairwiseNearest(
  x: usize, n: i32, d: i32, y: usize, m: i32, k: i32, excludeDiagonal: bool, distance: usize, index: usize, scratch: usize,
  firstRow: i32,
): void {
  const buffer = scratch;
  const worst = scratch + BUFFER_BYTES;
  const panel = worst + WORST_BYTES;
  const staging = panel + <usize>d * 32;
  const rowBytes = <usize>d << 2;
  const kBytes = <usize>k << 2;
  for (let row = 0; row < n; row += LANES) {
    const rows = min(LANES, n - row);
    packRows(x + <usize>row * rowBytes, rows, d, panel, staging);
    const best = distance + <usize>row * kBytes;
    const which = index + <usize>row * kBytes;
    // Nothing kept yet: distances NaN, which any number beats.
    for (let i = 0; i < rows * k; i++) {
      store<f32>(best + (<usize>i << 2), NaN);
      store<i32>(which + (<usize>i << 2), -1);
    }
    v128.store(worst, f32x4.splat(NaN));
    v128.store(worst, f32x4.splat(NaN), 16);
    const lanes = (1 << rows) - 1;
    for (let first = 0; first < m; first += PAIR_BLOCK) {
      const count = min(PAIR_BLOCK, m - first);
      squaredDistances(panel, y + <usize>first * rowBytes, d, count, buffer);
      if (excludeDiagonal) leaveOut(buffer, firstRow + row, first, count, NaN);
      let w0 = v128.load(worst);
      let w1 = v128.load(worst, 16);
      for (let j = 0; j < count; j++) {
        const at = buffer + (<usize>j << 5);
        // Not (D² ≥ worst): true also while the worst is NaN.
        const far = i32x4.bitmask(f32x4.ge(v128.load(at), w0)) | (i32x4.bitmask(f32x4.ge(v128.load(at, 16), w1)) << 4);
        let near = ~far & lanes;
        if (near === 0) continue;
        while (near !== 0) {
          const lane = ctz(near);
          near &= near - 1;
          const value = load<f32>(at + (<usize>lane << 2));
          if (isNaN(value)) continue;
          const values = best + <usize>lane * kBytes;
          insert(values, which + <usize>lane * kBytes, k, value, first + j);
          store<f32>(worst + (<usize>lane << 2), load<f32>(values + kBytes - 4));
        }
        w0 = v128.load(worst);
        w1 = v128.load(worst, 16);
      }
    }
    for (let i = 0; i < rows * k; i++) {
      const at = best + (<usize>i << 2);
      store<f32>(at, sqrt<f32>(load<f32>(at)));
    }
  }
}

/** Puts (value, j) behind all kept values ≤ value; the last one falls out. */
function insert(values: usize, indices: usize, k: i32, value: f32, j: i32): void {
  // The first kept value that is greater, or NaN (an empty place).
  let low = 0;
  let high = k;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (load<f32>(values + (<usize>middle << 2)) <= value) low = middle + 1;
    else high = middle;
  }
  for (let i = k - 1; i > low; i--) {
    store<f32>(values + (<usize>i << 2), load<f32>(values + (<usize>(i - 1) << 2)));
    store<i32>(indices + (<usize>i << 2), load<i32>(indices + (<usize>(i - 1) << 2)));
  }
  store<f32>(values + (<usize>low << 2), value);
  store<i32>(indices + (<usize>low << 2), j);
}
