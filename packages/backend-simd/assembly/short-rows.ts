// Rows of 2 to 16 elements, four rows at a time: a lane is a row, so nothing is summed across lanes. Missing rows of
// the last four repeat the last row there is. A row's result depends on the row alone.
import { expBounded, expConstant } from './exp-bounded';
import { threadMemory } from './thread-memory';

enum Op { Sum, Max, Min }

/** Element j of four rows; `o1` … `o3` are the rows' distances from the first, in bytes. */
@inline
function column(x: usize, o1: usize, o2: usize, o3: usize): v128 {
  let v = v128.load32_zero(x);
  v = v128.load_lane<f32>(x + o1, v, 1);
  v = v128.load_lane<f32>(x + o2, v, 2);
  return v128.load_lane<f32>(x + o3, v, 3);
}

@inline
function joined(op: Op, a: v128, b: v128): v128 {
  if (op == Op.Sum) return f32x4.add(a, b);
  // These are NaN where either is.
  return op == Op.Max ? f32x4.max(a, b) : f32x4.min(a, b);
}

@inline
function reduce(op: Op, x: usize, out: usize, rows: i32, n: i32, divisor: f32): void {
  const row = <usize>n << 2;
  const factor = f32x4.splat(divisor);
  for (let i = 0; i < rows; i += 4) {
    const last = rows - 1 - i;
    let y: v128;
    if (n == 2 && last >= 3) {
      const p = v128.load(x);
      const q = v128.load(x, 16);
      y = joined(op, v128.shuffle<f32>(p, q, 0, 2, 4, 6), v128.shuffle<f32>(p, q, 1, 3, 5, 7));
    } else {
      const o1 = <usize>min(1, last) * row;
      const o2 = <usize>min(2, last) * row;
      const o3 = <usize>min(3, last) * row;
      y = column(x, o1, o2, o3);
      for (let j: usize = 4; j < row; j += 4) y = joined(op, y, column(x + j, o1, o2, o3));
    }
    if (op == Op.Sum && divisor != 1) y = f32x4.div(y, factor);
    if (last >= 3) {
      v128.store(out, y);
    } else {
      v128.store_lane<f32>(out, y, 0);
      if (last > 0) v128.store_lane<f32>(out, y, 1, 4);
      if (last > 1) v128.store_lane<f32>(out, y, 2, 8);
    }
    x += 4 * row;
    out += 16;
  }
}

/** out[i] = (Σ_j x[i, j]) / divisor, n − 1 float32 additions in order. */
export function sumShortRows(x: usize, out: usize, rows: i32, n: i32, divisor: f32): void {
  reduce(Op.Sum, x, out, rows, n, divisor);
}

/** out[i] = max_j x[i, j]; NaN if there is one. */
export function maxShortRows(x: usize, out: usize, rows: i32, n: i32): void {
  reduce(Op.Max, x, out, rows, n, 1);
}

/** out[i] = min_j x[i, j]; NaN if there is one. */
export function minShortRows(x: usize, out: usize, rows: i32, n: i32): void {
  reduce(Op.Min, x, out, rows, n, 1);
}

/** Softmax of each row, as in softmax.ts; the terms are summed in order. */
export function softmaxShortRows(x: usize, out: usize, rows: i32, n: i32): void {
  const row = <usize>n << 2;
  const terms = threadMemory();
  const c0 = expConstant(0);
  const c1 = expConstant(1);
  const c2 = expConstant(2);
  const c3 = expConstant(3);
  const c4 = expConstant(4);
  const c5 = expConstant(5);
  const c6 = expConstant(6);
  const c7 = expConstant(7);
  const c8 = expConstant(8);
  const c9 = expConstant(9);
  const c10 = expConstant(10);
  for (let i = 0; i < rows; i += 4) {
    const last = rows - 1 - i;
    const o1 = <usize>min(1, last) * row;
    const o2 = <usize>min(2, last) * row;
    const o3 = <usize>min(3, last) * row;
    let greatest = column(x, o1, o2, o3);
    v128.store(terms, greatest);
    for (let j: usize = 4; j < row; j += 4) {
      const y = column(x + j, o1, o2, o3);
      v128.store(terms + (j << 2), y);
      // Lets NaN pass by; it comes back in the terms and so in the sum.
      greatest = f32x4.pmax(greatest, y);
    }
    let sum = i64x2.splat(0);
    for (let j: usize = 0; j < row; j += 4) {
      const at = terms + (j << 2);
      const e = expBounded(f32x4.sub(v128.load(at), greatest), c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10);
      v128.store(at, e);
      sum = f32x4.add(sum, e);
    }
    const scale = f32x4.div(c10, sum);
    for (let j: usize = 0; j < row; j += 4) {
      const y = f32x4.mul(v128.load(terms + (j << 2)), scale);
      // The last row first: a missing one is written over by the one it repeats.
      v128.store_lane<f32>(out + o3 + j, y, 3);
      v128.store_lane<f32>(out + o2 + j, y, 2);
      v128.store_lane<f32>(out + o1 + j, y, 1);
      v128.store_lane<f32>(out + j, y, 0);
    }
    x += 4 * row;
    out += 4 * row;
  }
}
