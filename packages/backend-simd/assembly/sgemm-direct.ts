/**
 * Matrix products C = A B + bias that packing does not pay for, with B read where it lies (k × n):
 * few rows, and shallow ones (k ≤ 4). Each element is one chain of multiply-adds in ascending p from zero,
 * then the bias, as in the tiles. n must be at least 4: the last vector of a row overlaps the one before it.
 */
import { fma } from './fma';

/** A few rows, one after another, 32 columns at a time. */
export function sgemmFewRows(
  a: usize, stored: i32, b: usize, c: usize, bias: usize, m: i32, n: i32, k: i32, transA: bool,
): void {
  const aStep = <usize>(transA ? stored : <i32>1) << 2;
  const aRow = <usize>(transA ? 1 : k) << 2;
  const ldb = <usize>n << 2;
  for (let i = 0; i < m; i++) {
    const end = <usize>n << 2;
    let j: usize = 0;
    for (; j + 128 <= end; j += 128) {
      columns32(a, aStep, b + j, ldb, c + j, k, bias ? bias + j : 0);
    }
    for (; j + 16 <= end; j += 16) columns4(a, aStep, b + j, ldb, c + j, k, bias ? bias + j : 0);
    if (j < end) {
      j = end - 16;
      columns4(a, aStep, b + j, ldb, c + j, k, bias ? bias + j : 0);
    }
    a += aRow;
    c += ldb;
  }
}

function columns32(a: usize, aStep: usize, b: usize, ldb: usize, c: usize, k: i32, bias: usize): void {
  let x0 = i64x2.splat(0), x1 = x0, x2 = x0, x3 = x0, x4 = x0, x5 = x0, x6 = x0, x7 = x0;
  for (let p = 0; p < k; p++) {
    const s = v128.load32_splat(a);
    x0 = fma(s, v128.load(b), x0);
    x1 = fma(s, v128.load(b, 16), x1);
    x2 = fma(s, v128.load(b, 32), x2);
    x3 = fma(s, v128.load(b, 48), x3);
    x4 = fma(s, v128.load(b, 64), x4);
    x5 = fma(s, v128.load(b, 80), x5);
    x6 = fma(s, v128.load(b, 96), x6);
    x7 = fma(s, v128.load(b, 112), x7);
    a += aStep;
    b += ldb;
  }
  if (bias) {
    x0 = f32x4.add(x0, v128.load(bias));
    x1 = f32x4.add(x1, v128.load(bias, 16));
    x2 = f32x4.add(x2, v128.load(bias, 32));
    x3 = f32x4.add(x3, v128.load(bias, 48));
    x4 = f32x4.add(x4, v128.load(bias, 64));
    x5 = f32x4.add(x5, v128.load(bias, 80));
    x6 = f32x4.add(x6, v128.load(bias, 96));
    x7 = f32x4.add(x7, v128.load(bias, 112));
  }
  v128.store(c, x0);
  v128.store(c, x1, 16);
  v128.store(c, x2, 32);
  v128.store(c, x3, 48);
  v128.store(c, x4, 64);
  v128.store(c, x5, 80);
  v128.store(c, x6, 96);
  v128.store(c, x7, 112);
}

function columns4(a: usize, aStep: usize, b: usize, ldb: usize, c: usize, k: i32, bias: usize): void {
  let x = i64x2.splat(0);
  for (let p = 0; p < k; p++) {
    x = fma(v128.load32_splat(a), v128.load(b), x);
    a += aStep;
    b += ldb;
  }
  if (bias) x = f32x4.add(x, v128.load(bias));
  v128.store(c, x);
}

/** Shallow rows, k ≤ 4: the time goes into storing C. Two rows at a time share the loads of B. */
export function sgemmShallow(
  a: usize, stored: i32, b: usize, c: usize, bias: usize, m: i32, n: i32, k: i32, transA: bool,
): void {
  const aStep = <usize>(transA ? stored : <i32>1) << 2;
  const aRow = <usize>(transA ? <i32>1 : k) << 2;
  if (k == 1) shallowRows(1, a, aStep, aRow, b, c, bias, m, n);
  else if (k == 2) shallowRows(2, a, aStep, aRow, b, c, bias, m, n);
  else if (k == 3) shallowRows(3, a, aStep, aRow, b, c, bias, m, n);
  else if (k == 4) shallowRows(4, a, aStep, aRow, b, c, bias, m, n);
  else shallowRows(0, a, aStep, aRow, b, c, bias, m, n);
}

@inline
function shallowRows(
  k: i32, a: usize, aStep: usize, aRow: usize, b: usize, c: usize, bias: usize, m: i32, n: i32,
): void {
  const ldc = <usize>n << 2;
  const zero = i64x2.splat(0);
  for (let i = 0; i < m; i += 2) {
    // A last row without a partner is its own.
    const pair: usize = i + 1 < m ? 1 : 0;
    const a1 = a + pair * aRow;
    const c1 = c + pair * ldc;
    const s0 = k > 0 ? v128.load32_splat(a) : zero;
    const s1 = k > 1 ? v128.load32_splat(a + aStep) : zero;
    const s2 = k > 2 ? v128.load32_splat(a + 2 * aStep) : zero;
    const s3 = k > 3 ? v128.load32_splat(a + 3 * aStep) : zero;
    const t0 = k > 0 ? v128.load32_splat(a1) : zero;
    const t1 = k > 1 ? v128.load32_splat(a1 + aStep) : zero;
    const t2 = k > 2 ? v128.load32_splat(a1 + 2 * aStep) : zero;
    const t3 = k > 3 ? v128.load32_splat(a1 + 3 * aStep) : zero;
    for (let j: usize = 0; j < ldc; j += 16) {
      // The last vector overlaps the one before it.
      const o = min(j, ldc - 16);
      let x = zero;
      let y = zero;
      if (k > 0) {
        const r = v128.load(b + o);
        x = fma(s0, r, x);
        y = fma(t0, r, y);
      }
      if (k > 1) {
        const r = v128.load(b + ldc + o);
        x = fma(s1, r, x);
        y = fma(t1, r, y);
      }
      if (k > 2) {
        const r = v128.load(b + 2 * ldc + o);
        x = fma(s2, r, x);
        y = fma(t2, r, y);
      }
      if (k > 3) {
        const r = v128.load(b + 3 * ldc + o);
        x = fma(s3, r, x);
        y = fma(t3, r, y);
      }
      if (bias) {
        const r = v128.load(bias + o);
        x = f32x4.add(x, r);
        y = f32x4.add(y, r);
      }
      v128.store(c + o, x);
      v128.store(c1 + o, y);
    }
    a += 2 * aRow;
    c += 2 * ldc;
  }
}
