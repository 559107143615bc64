/**
 * Matrix products with at most four columns, C = A B + bias, n ≤ 4: tiles would be mostly empty.
 *
 * A row after row: B's columns are laid out along p and each element is a dot product in four partial sums
 * (p mod 4), added up as (s0 + s2) + (s1 + s3); the k mod 4 last terms go to the first sum.
 * A transposed: lanes run along the rows and each element is a chain in ascending p.
 * Neither depends on m or on a row's place.
 */
import { fma } from './fma';
import { transposeBlock } from './sgemm-pack';

/** Rows of Aᵀ that go through in one pass over C: their lines stay in the cache. */
const KC: i32 = 128;

/** Bytes of scratch memory that `sgemmNarrow` needs. */
export function sgemmNarrowScratch(m: i32, n: i32, k: i32): usize {
  return <usize>(n * max(m, k)) << 2;
}

export function sgemmNarrow(
  a: usize, stored: i32, b: usize, c: usize, bias: usize, m: i32, n: i32, k: i32, transA: bool, transB: bool, scratch: usize,
): void {
  if (transA) return transposedRows(a, stored, b, c, bias, m, n, k, transB, scratch);
  if (!transB && n > 1) {
    transposeBlock(b, <usize>n << 2, scratch, <usize>k << 2, k, n);
    b = scratch;
  }
  const lda = <usize>k << 2;
  // Four rows of A stay in the cache for all columns.
  for (let i = 0; i < m; i += 4) {
    const rows = a + <usize>i * lda;
    let j = 0;
    for (; j + 2 <= n; j += 2) dotColumns(2, rows, b, c, bias, m - i, n, k, j);
    if (j < n) dotColumns(1, rows, b, c, bias, m - i, n, k, j);
    c += <usize>n << 4;
  }
}

/** Column j, and the next with `columns` = 2, of the first four of m rows; missing rows repeat the last. */
@inline
function dotColumns(
  columns: i32, a0: usize, b: usize, c: usize, bias: usize, m: i32, n: i32, k: i32, j: i32,
): void {
  const lda = <usize>k << 2;
  const whole = <usize>(k & ~3) << 2;
  b += <usize>j * lda;
  const b1 = columns > 1 ? b + lda : b;
  const bias0 = bias ? v128.load32_splat(bias + (<usize>j << 2)) : i64x2.splat(0);
  const bias1 = bias && columns > 1 ? v128.load32_splat(bias + (<usize>j << 2) + 4) : i64x2.splat(0);
  const last = m - 1;
  const i1 = <usize>min(1, last);
  const i2 = <usize>min(2, last);
  const i3 = <usize>min(3, last);
  const a1 = a0 + i1 * lda;
  const a2 = a0 + i2 * lda;
  const a3 = a0 + i3 * lda;
  let x0 = i64x2.splat(0), x1 = x0, x2 = x0, x3 = x0, y0 = x0, y1 = x0, y2 = x0, y3 = x0;
  let p: usize = 0;
  for (; p < whole; p += 16) {
    const r0 = v128.load(a0 + p), r1 = v128.load(a1 + p), r2 = v128.load(a2 + p), r3 = v128.load(a3 + p);
    const s = v128.load(b + p);
    x0 = fma(r0, s, x0);
    x1 = fma(r1, s, x1);
    x2 = fma(r2, s, x2);
    x3 = fma(r3, s, x3);
    if (columns > 1) {
      const t = v128.load(b1 + p);
      y0 = fma(r0, t, y0);
      y1 = fma(r1, t, y1);
      y2 = fma(r2, t, y2);
      y3 = fma(r3, t, y3);
    }
  }
  for (; p < lda; p += 4) {
    const r0 = v128.load32_zero(a0 + p), r1 = v128.load32_zero(a1 + p);
    const r2 = v128.load32_zero(a2 + p), r3 = v128.load32_zero(a3 + p);
    const s = v128.load32_zero(b + p);
    x0 = fma(r0, s, x0);
    x1 = fma(r1, s, x1);
    x2 = fma(r2, s, x2);
    x3 = fma(r3, s, x3);
    if (columns > 1) {
      const t = v128.load32_zero(b1 + p);
      y0 = fma(r0, t, y0);
      y1 = fma(r1, t, y1);
      y2 = fma(r2, t, y2);
      y3 = fma(r3, t, y3);
    }
  }
  const ldc = <usize>n << 2;
  const c0 = c + (<usize>j << 2);
  storeSums(sums(x0, x1, x2, x3, bias0), c0, i1 * ldc, i2 * ldc, i3 * ldc);
  if (columns > 1) storeSums(sums(y0, y1, y2, y3, bias1), c0 + 4, i1 * ldc, i2 * ldc, i3 * ldc);
}

/** The four lane sums of four vectors, plus the bias. */
@inline
function sums(x0: v128, x1: v128, x2: v128, x3: v128, bias: v128): v128 {
  const s0 = v128.shuffle<f32>(x0, x1, 0, 4, 1, 5), s1 = v128.shuffle<f32>(x0, x1, 2, 6, 3, 7);
  const s2 = v128.shuffle<f32>(x2, x3, 0, 4, 1, 5), s3 = v128.shuffle<f32>(x2, x3, 2, 6, 3, 7);
  const t0 = f32x4.add(s0, s1);
  const t1 = f32x4.add(s2, s3);
  const even = v128.shuffle<f64>(t0, t1, 0, 2), odd = v128.shuffle<f64>(t0, t1, 1, 3);
  return f32x4.add(f32x4.add(even, odd), bias);
}

@inline
function storeSums(x: v128, c: usize, o1: usize, o2: usize, o3: usize): void {
  v128.store_lane<f32>(c, x, 0);
  if (o1) v128.store_lane<f32>(c + o1, x, 1);
  if (o2 > o1) v128.store_lane<f32>(c + o2, x, 2);
  if (o3 > o2) v128.store_lane<f32>(c + o3, x, 3);
}

/** A stored k × m: sums of each column of C in scratch memory, then interleaved. */
function transposedRows(
  a: usize, stored: i32, b: usize, c: usize, bias: usize, m: i32, n: i32, k: i32, transB: bool, sums: usize,
): void {
  memory.fill(sums, 0, <usize>(n * m) << 2);
  const lda = <usize>stored << 2;
  const length = <usize>m << 2;
  const bStep = <usize>(transB ? 1 : n) << 2;
  const bColumn = <usize>(transB ? k : <i32>1) << 2;
  for (let p0 = 0; p0 < k; p0 += KC) {
    const kc = min(KC, k - p0);
    const rows = a + <usize>p0 * lda;
    const column = b + <usize>p0 * bStep;
    for (let j = 0; j < n; j += 2) {
      const pair = j + 1 < n;
      const b0 = column + <usize>j * bColumn;
      const b1 = pair ? b0 + bColumn : b0;
      const s0 = sums + <usize>j * length;
      const s1 = pair ? s0 + length : s0;
      let i: usize = 0;
      for (; i + 64 <= length; i += 64) {
        let x0 = v128.load(s0 + i), x1 = v128.load(s0 + i, 16), x2 = v128.load(s0 + i, 32), x3 = v128.load(s0 + i, 48);
        let y0 = v128.load(s1 + i), y1 = v128.load(s1 + i, 16), y2 = v128.load(s1 + i, 32), y3 = v128.load(s1 + i, 48);
        let r = rows + i;
        let o: usize = 0;
        for (let p = 0; p < kc; p++) {
          const s = v128.load32_splat(b0 + o), t = v128.load32_splat(b1 + o);
          const r0 = v128.load(r), r1 = v128.load(r, 16), r2 = v128.load(r, 32), r3 = v128.load(r, 48);
          x0 = fma(r0, s, x0); y0 = fma(r0, t, y0);
          x1 = fma(r1, s, x1); y1 = fma(r1, t, y1);
          x2 = fma(r2, s, x2); y2 = fma(r2, t, y2);
          x3 = fma(r3, s, x3); y3 = fma(r3, t, y3);
          r += lda;
          o += bStep;
        }
        v128.store(s1 + i, y0); v128.store(s1 + i, y1, 16); v128.store(s1 + i, y2, 32); v128.store(s1 + i, y3, 48);
        v128.store(s0 + i, x0); v128.store(s0 + i, x1, 16); v128.store(s0 + i, x2, 32); v128.store(s0 + i, x3, 48);
      }
      for (; i < length; i += 4) {
        let x = v128.load32_zero(s0 + i), y = v128.load32_zero(s1 + i);
        let r = rows + i;
        let o: usize = 0;
        for (let p = 0; p < kc; p++) {
          const r0 = v128.load32_zero(r);
          x = fma(r0, v128.load32_zero(b0 + o), x);
          y = fma(r0, v128.load32_zero(b1 + o), y);
          r += lda;
          o += bStep;
        }
        v128.store_lane<f32>(s1 + i, y, 0);
        v128.store_lane<f32>(s0 + i, x, 0);
      }
    }
  }
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let s = load<f32>(sums + <usize>j * length + (<usize>i << 2));
      if (bias) s += load<f32>(bias + (<usize>j << 2));
      store<f32>(c, s);
      c += 4;
    }
  }
}
