/**
 * Register tiles of the matrix product.
 *
 *   C[i, j] = C0[i, j] + Σ_p A[i, p] B[p, j]  (+ bias[j])
 *
 * for MR rows and NR columns, where C0 is zero (`first`) or what C holds already (a later block of p).
 * Each element is ONE chain of multiply-adds in ascending p, whichever lane or row of a tile it sits in:
 * this is what makes a row of a product the same bits however the rows are cut into batches.
 *
 * Relaxed SIMD: 6×8, 12 accumulators, 2 vectors of B and a splat of A in 15 registers; 4×8 where four rows or fewer
 * are left. SIMD128: 2×16, since an unfused multiply needs a register for the product and 6×8 would spill.
 */

import { fma } from './fma';

/** Rows of a tile. */
export const MR: i32 = ASC_FEATURE_RELAXED_SIMD ? 6 : 2;
/** Columns of a tile. */
export const NR: i32 = ASC_FEATURE_RELAXED_SIMD ? 8 : 16;

/**
 * One tile. Strides are in bytes: `aRow` from one row of A to the next, `aStep` along a row; `b` holds NR columns
 * one after another; `bias` is NR floats or 0. Of the MR rows only the first `rows` exist: the rest repeat the last
 * one, and store it again.
 */
export function tile(
  rows: i32, a: usize, aRow: usize, aStep: usize, b: usize, c: usize, ldc: usize, k: i32, first: bool, bias: usize,
): void {
  const last = rows - 1;
  const r1 = <usize>min(1, last);
  if (ASC_FEATURE_RELAXED_SIMD) {
    const r2 = <usize>min(2, last);
    const r3 = <usize>min(3, last);
    if (rows <= 4) {
      tile4x8(
        a, a + r1 * aRow, a + r2 * aRow, a + r3 * aRow, aStep, b,
        c, c + r1 * ldc, c + r2 * ldc, c + r3 * ldc, k, first, bias,
      );
    } else {
      const r5 = <usize>min(5, last);
      tile6x8(
        a, a + aRow, a + 2 * aRow, a + 3 * aRow, a + 4 * aRow, a + r5 * aRow, aStep, b,
        c, c + ldc, c + 2 * ldc, c + 3 * ldc, c + 4 * ldc, c + r5 * ldc, k, first, bias,
      );
    }
  } else {
    tile2x16(a, a + r1 * aRow, aStep, b, c, c + r1 * ldc, k, first, bias);
  }
}

/** `tile` for a whole tile whose A is packed: the MR elements that a step takes lie together. */
export function packedTile(a: usize, b: usize, c0: usize, ldc: usize, k: i32, first: bool, bias: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) packed6x8(a, b, c0, ldc, k, first, bias);
  else tile2x16(a, a + 4, 8, b, c0, c0 + ldc, k, first, bias);
}

@inline
function packed6x8(a: usize, b: usize, c0: usize, ldc: usize, k: i32, first: bool, bias: usize): void {
  const c1 = c0 + ldc, c2 = c0 + 2 * ldc, c3 = c0 + 3 * ldc, c4 = c0 + 4 * ldc, c5 = c0 + 5 * ldc;
  let x0 = i64x2.splat(0), x1 = x0, x2 = x0, x3 = x0, x4 = x0, x5 = x0, y0 = x0, y1 = x0, y2 = x0, y3 = x0, y4 = x0, y5 = x0;
  if (!first) {
    x0 = v128.load(c0); y0 = v128.load(c0, 16);
    x1 = v128.load(c1); y1 = v128.load(c1, 16);
    x2 = v128.load(c2); y2 = v128.load(c2, 16);
    x3 = v128.load(c3); y3 = v128.load(c3, 16);
    x4 = v128.load(c4); y4 = v128.load(c4, 16);
    x5 = v128.load(c5); y5 = v128.load(c5, 16);
  }
  let p = x0, q = x0, s = x0;
  const end = b + (<usize>k << 5);
  // Two steps a turn. The way out between them also keeps the compiler from doing both for one row after another, for
  // which there are too few registers.
  for (;;) {
    p = v128.load(b); q = v128.load(b, 16);
    s = v128.load32_splat(a);
    x0 = fma(s, p, x0); y0 = fma(s, q, y0);
    s = v128.load32_splat(a, 4);
    x1 = fma(s, p, x1); y1 = fma(s, q, y1);
    s = v128.load32_splat(a, 8);
    x2 = fma(s, p, x2); y2 = fma(s, q, y2);
    s = v128.load32_splat(a, 12);
    x3 = fma(s, p, x3); y3 = fma(s, q, y3);
    s = v128.load32_splat(a, 16);
    x4 = fma(s, p, x4); y4 = fma(s, q, y4);
    s = v128.load32_splat(a, 20);
    x5 = fma(s, p, x5); y5 = fma(s, q, y5);
    if (b + 32 >= end) break;
    p = v128.load(b, 32); q = v128.load(b, 48);
    s = v128.load32_splat(a, 24);
    x0 = fma(s, p, x0); y0 = fma(s, q, y0);
    s = v128.load32_splat(a, 28);
    x1 = fma(s, p, x1); y1 = fma(s, q, y1);
    s = v128.load32_splat(a, 32);
    x2 = fma(s, p, x2); y2 = fma(s, q, y2);
    s = v128.load32_splat(a, 36);
    x3 = fma(s, p, x3); y3 = fma(s, q, y3);
    s = v128.load32_splat(a, 40);
    x4 = fma(s, p, x4); y4 = fma(s, q, y4);
    s = v128.load32_splat(a, 44);
    x5 = fma(s, p, x5); y5 = fma(s, q, y5);
    a += 48;
    b += 64;
    if (b >= end) break;
  }
  if (bias) {
    const p = v128.load(bias), q = v128.load(bias, 16);
    x0 = f32x4.add(x0, p); y0 = f32x4.add(y0, q);
    x1 = f32x4.add(x1, p); y1 = f32x4.add(y1, q);
    x2 = f32x4.add(x2, p); y2 = f32x4.add(y2, q);
    x3 = f32x4.add(x3, p); y3 = f32x4.add(y3, q);
    x4 = f32x4.add(x4, p); y4 = f32x4.add(y4, q);
    x5 = f32x4.add(x5, p); y5 = f32x4.add(y5, q);
  }
  v128.store(c0, x0); v128.store(c0, y0, 16);
  v128.store(c1, x1); v128.store(c1, y1, 16);
  v128.store(c2, x2); v128.store(c2, y2, 16);
  v128.store(c3, x3); v128.store(c3, y3, 16);
  v128.store(c4, x4); v128.store(c4, y4, 16);
  v128.store(c5, x5); v128.store(c5, y5, 16);
}

@inline
function tile6x8(
  a0: usize, a1: usize, a2: usize, a3: usize, a4: usize, a5: usize, aStep: usize, b: usize,
  c0: usize, c1: usize, c2: usize, c3: usize, c4: usize, c5: usize, k: i32, first: bool, bias: usize,
): void {
  let x0 = i64x2.splat(0), x1 = x0, x2 = x0, x3 = x0, x4 = x0, x5 = x0, y0 = x0, y1 = x0, y2 = x0, y3 = x0, y4 = x0, y5 = x0;
  if (!first) {
    x0 = v128.load(c0); y0 = v128.load(c0, 16);
    x1 = v128.load(c1); y1 = v128.load(c1, 16);
    x2 = v128.load(c2); y2 = v128.load(c2, 16);
    x3 = v128.load(c3); y3 = v128.load(c3, 16);
    x4 = v128.load(c4); y4 = v128.load(c4, 16);
    x5 = v128.load(c5); y5 = v128.load(c5, 16);
  }
  const end = b + (<usize>k << 5);
  let o: usize = 0;
  while (b < end) {
    const p = v128.load(b), q = v128.load(b, 16);
    let s = v128.load32_splat(a0 + o);
    x0 = fma(s, p, x0); y0 = fma(s, q, y0);
    s = v128.load32_splat(a1 + o);
    x1 = fma(s, p, x1); y1 = fma(s, q, y1);
    s = v128.load32_splat(a2 + o);
    x2 = fma(s, p, x2); y2 = fma(s, q, y2);
    s = v128.load32_splat(a3 + o);
    x3 = fma(s, p, x3); y3 = fma(s, q, y3);
    s = v128.load32_splat(a4 + o);
    x4 = fma(s, p, x4); y4 = fma(s, q, y4);
    s = v128.load32_splat(a5 + o);
    x5 = fma(s, p, x5); y5 = fma(s, q, y5);
    b += 32;
    o += aStep;
  }
  if (bias) {
    const p = v128.load(bias), q = v128.load(bias, 16);
    x0 = f32x4.add(x0, p); y0 = f32x4.add(y0, q);
    x1 = f32x4.add(x1, p); y1 = f32x4.add(y1, q);
    x2 = f32x4.add(x2, p); y2 = f32x4.add(y2, q);
    x3 = f32x4.add(x3, p); y3 = f32x4.add(y3, q);
    x4 = f32x4.add(x4, p); y4 = f32x4.add(y4, q);
    x5 = f32x4.add(x5, p); y5 = f32x4.add(y5, q);
  }
  v128.store(c0, x0); v128.store(c0, y0, 16);
  v128.store(c1, x1); v128.store(c1, y1, 16);
  v128.store(c2, x2); v128.store(c2, y2, 16);
  v128.store(c3, x3); v128.store(c3, y3, 16);
  v128.store(c4, x4); v128.store(c4, y4, 16);
  v128.store(c5, x5); v128.store(c5, y5, 16);
}

@inline
function tile4x8(
  a0: usize, a1: usize, a2: usize, a3: usize, aStep: usize, b: usize,
  c0: usize, c1: usize, c2: usize, c3: usize, k: i32, first: bool, bias: usize,
): void {
  let x0 = i64x2.splat(0), x1 = x0, x2 = x0, x3 = x0, y0 = x0, y1 = x0, y2 = x0, y3 = x0;
  if (!first) {
    x0 = v128.load(c0); y0 = v128.load(c0, 16);
    x1 = v128.load(c1); y1 = v128.load(c1, 16);
    x2 = v128.load(c2); y2 = v128.load(c2, 16);
    x3 = v128.load(c3); y3 = v128.load(c3, 16);
  }
  const end = b + (<usize>k << 5);
  let o: usize = 0;
  while (b < end) {
    const p = v128.load(b), q = v128.load(b, 16);
    let s = v128.load32_splat(a0 + o);
    x0 = fma(s, p, x0); y0 = fma(s, q, y0);
    s = v128.load32_splat(a1 + o);
    x1 = fma(s, p, x1); y1 = fma(s, q, y1);
    s = v128.load32_splat(a2 + o);
    x2 = fma(s, p, x2); y2 = fma(s, q, y2);
    s = v128.load32_splat(a3 + o);
    x3 = fma(s, p, x3); y3 = fma(s, q, y3);
    b += 32;
    o += aStep;
  }
  if (bias) {
    const p = v128.load(bias), q = v128.load(bias, 16);
    x0 = f32x4.add(x0, p); y0 = f32x4.add(y0, q);
    x1 = f32x4.add(x1, p); y1 = f32x4.add(y1, q);
    x2 = f32x4.add(x2, p); y2 = f32x4.add(y2, q);
    x3 = f32x4.add(x3, p); y3 = f32x4.add(y3, q);
  }
  v128.store(c0, x0); v128.store(c0, y0, 16);
  v128.store(c1, x1); v128.store(c1, y1, 16);
  v128.store(c2, x2); v128.store(c2, y2, 16);
  v128.store(c3, x3); v128.store(c3, y3, 16);
}

@inline
function tile2x16(
  a0: usize, a1: usize, aStep: usize, b: usize, c0: usize, c1: usize, k: i32, first: bool, bias: usize,
): void {
  let w0 = i64x2.splat(0), x0 = w0, y0 = w0, z0 = w0;
  let w1 = w0, x1 = w0, y1 = w0, z1 = w0;
  if (!first) {
    w0 = v128.load(c0); x0 = v128.load(c0, 16); y0 = v128.load(c0, 32); z0 = v128.load(c0, 48);
    w1 = v128.load(c1); x1 = v128.load(c1, 16); y1 = v128.load(c1, 32); z1 = v128.load(c1, 48);
  }
  const end = b + (<usize>k << 6);
  let o: usize = 0;
  while (b < end) {
    const p = v128.load(b), q = v128.load(b, 16), r = v128.load(b, 32), t = v128.load(b, 48);
    let s = v128.load32_splat(a0 + o);
    w0 = fma(s, p, w0); x0 = fma(s, q, x0);
    y0 = fma(s, r, y0); z0 = fma(s, t, z0);
    s = v128.load32_splat(a1 + o);
    w1 = fma(s, p, w1); x1 = fma(s, q, x1);
    y1 = fma(s, r, y1); z1 = fma(s, t, z1);
    b += 64;
    o += aStep;
  }
  if (bias) {
    const p = v128.load(bias), q = v128.load(bias, 16), r = v128.load(bias, 32), t = v128.load(bias, 48);
    w0 = f32x4.add(w0, p); x0 = f32x4.add(x0, q); y0 = f32x4.add(y0, r); z0 = f32x4.add(z0, t);
    w1 = f32x4.add(w1, p); x1 = f32x4.add(x1, q); y1 = f32x4.add(y1, r); z1 = f32x4.add(z1, t);
  }
  v128.store(c0, w0); v128.store(c0, x0, 16); v128.store(c0, y0, 32); v128.store(c0, z0, 48);
  v128.store(c1, w1); v128.store(c1, x1, 16); v128.store(c1, y1, 32); v128.store(c1, z1, 48);
}
