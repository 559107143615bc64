// Sums of float32 over the middle of [outer, n, inner].
//
// They are trees that depend on n and on nothing else: runs of 32 float32 additions a lane, then float64. So a row's
// sum does not depend on its neighbours, on threads, or (inner ≥ 4) on its column; the error is below
// 2⁻²⁴·(16 + log₂ 32) · Σ|x|, against 2⁻²⁴·n for a plain loop.

import { threadMemory } from './thread-memory';

const RUN = 32;

@inline
function flush(s: v128, v: v128): v128 {
  return f64x2.add(s, f64x2.add(f64x2.promote_low_f32x4(v), f64x2.promote_low_f32x4(v128.shuffle<i64>(v, v, 1, 1))));
}

/** inner = 1: out[i] = scale · Σ_j x[i, j]. */
export function sumRows(x: usize, out: usize, outer: i32, n: i32, scale: f64): void {
  const n16 = n & ~15;
  const n4 = n & ~3;
  for (let i = 0; i < outer; i++) {
    let s = f64x2.splat(0);
    let j = 0;
    while (j < n16) {
      const end = min(j + RUN * 16, n16);
      let a = v128.load(x);
      let b = v128.load(x, 16);
      let c = v128.load(x, 32);
      let d = v128.load(x, 48);
      x += 64;
      j += 16;
      for (; j < end; j += 16) {
        a = f32x4.add(a, v128.load(x));
        b = f32x4.add(b, v128.load(x, 16));
        c = f32x4.add(c, v128.load(x, 32));
        d = f32x4.add(d, v128.load(x, 48));
        x += 64;
      }
      s = flush(s, f32x4.add(f32x4.add(a, b), f32x4.add(c, d)));
    }
    for (; j < n4; j += 4) {
      s = flush(s, v128.load(x));
      x += 16;
    }
    let sum = f64x2.extract_lane(s, 0) + f64x2.extract_lane(s, 1);
    for (; j < n; j++) {
      sum += <f64>load<f32>(x);
      x += 4;
    }
    store<f32>(out, <f32>(sum * scale));
    out += 4;
  }
}

/** inner = 2: lanes hold columns 0 1 0 1. */
export function sumPairs(x: usize, out: usize, outer: i32, n: i32, scale: f64): void {
  const length = n << 1;
  const length8 = length & ~7;
  for (let i = 0; i < outer; i++) {
    let s = f64x2.splat(0);
    let j = 0;
    while (j < length8) {
      const end = min(j + RUN * 8, length8);
      let a = v128.load(x);
      let b = v128.load(x, 16);
      x += 32;
      j += 8;
      for (; j < end; j += 8) {
        a = f32x4.add(a, v128.load(x));
        b = f32x4.add(b, v128.load(x, 16));
        x += 32;
      }
      s = flush(s, f32x4.add(a, b));
    }
    for (; j < length; j += 2) {
      s = f64x2.add(s, f64x2.promote_low_f32x4(v128.load64_zero(x)));
      x += 8;
    }
    s = f64x2.mul(s, f64x2.splat(scale));
    v128.store64_lane(out, f32x4.demote_f64x2_zero(s), 0);
    out += 8;
  }
}

/** Four columns from their float64 sums, two and two. */
@inline
function finish(out: usize, low: v128, high: v128, scale: v128): void {
  const a = f32x4.demote_f64x2_zero(f64x2.mul(low, scale));
  const b = f32x4.demote_f64x2_zero(f64x2.mul(high, scale));
  v128.store(out, v128.shuffle<i64>(a, b, 0, 2));
}

@inline
function addLow(sum: usize, v: v128): void {
  v128.store(sum, f64x2.add(v128.load(sum), f64x2.promote_low_f32x4(v)));
  v128.store(sum, f64x2.add(v128.load(sum, 16), f64x2.promote_low_f32x4(v128.shuffle<i64>(v, v, 1, 1))), 16);
}

function sum16Columns(x: usize, out: usize, n: i32, row: usize, scale: f64): void {
  const sums = threadMemory();
  for (let k: usize = 0; k < 128; k += 16) v128.store(sums + k, f64x2.splat(0));
  let j = 0;
  while (j < n) {
    const end = min(j + RUN, n);
    let a = v128.load(x);
    let b = v128.load(x, 16);
    let c = v128.load(x, 32);
    let d = v128.load(x, 48);
    x += row;
    j++;
    for (; j < end; j++) {
      a = f32x4.add(a, v128.load(x));
      b = f32x4.add(b, v128.load(x, 16));
      c = f32x4.add(c, v128.load(x, 32));
      d = f32x4.add(d, v128.load(x, 48));
      x += row;
    }
    addLow(sums, a);
    addLow(sums + 32, b);
    addLow(sums + 64, c);
    addLow(sums + 96, d);
  }
  const s = f64x2.splat(scale);
  for (let k: usize = 0; k < 4; k++) {
    finish(out + (k << 4), v128.load(sums + (k << 5)), v128.load(sums + (k << 5), 16), s);
  }
}

function sum4Columns(x: usize, out: usize, n: i32, row: usize, scale: f64): void {
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  let j = 0;
  while (j < n) {
    const end = min(j + RUN, n);
    let a = v128.load(x);
    x += row;
    j++;
    for (; j < end; j++) {
      a = f32x4.add(a, v128.load(x));
      x += row;
    }
    low = f64x2.add(low, f64x2.promote_low_f32x4(a));
    high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<i64>(a, a, 1, 1)));
  }
  finish(out, low, high, f64x2.splat(scale));
}

/**
 * inner ≥ 4: out[i, c] = scale · Σ_j x[i, j, c] for the `columns` columns from x and out on. The last columns are
 * summed with those before them, twice.
 */
export function sumColumns(x: usize, out: usize, outer: i32, n: i32, inner: i32, columns: i32, scale: f64): void {
  const row = <usize>inner << 2;
  for (let i = 0; i < outer; i++) {
    let c = 0;
    for (; c + 16 <= columns; c += 16) sum16Columns(x + (<usize>c << 2), out + (<usize>c << 2), n, row, scale);
    for (; c + 4 <= columns; c += 4) sum4Columns(x + (<usize>c << 2), out + (<usize>c << 2), n, row, scale);
    if (c < columns) {
      c = columns - 4;
      sum4Columns(x + (<usize>c << 2), out + (<usize>c << 2), n, row, scale);
    }
    x += row * <usize>n;
    out += row;
  }
}

/** Any inner, in float64, one column at a time. */
export function sumAny(x: usize, out: usize, outer: i32, n: i32, inner: i32, scale: f64): void {
  const row = <usize>inner << 2;
  for (let i = 0; i < outer; i++) {
    for (let c = 0; c < inner; c++) {
      let sum: f64 = 0;
      let p = x + (<usize>c << 2);
      for (let j = 0; j < n; j++) {
        sum += <f64>load<f32>(p);
        p += row;
      }
      store<f32>(out + (<usize>c << 2), <f32>(sum * scale));
    }
    x += row * <usize>n;
    out += row;
  }
}
