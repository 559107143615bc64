// The two loops of softmaxMean over a block of components for points of one to four columns and a v that belongs to
// the point: distances and exponents in one, weights and weighted sums in the other, all in registers. `d` is a
// constant at each use, so the branches on it go at compile time.
import { expBounded, expConstant } from './exp-bounded';
import { fma, fnma } from './fma';

/** Columns up to which these loops are there. */
export const NARROW: i32 = 4;

/** |x − c_k|² of four points; c is row k. */
@inline
function squared(d: i32, c: usize, x0: v128, x1: v128, x2: v128, x3: v128): v128 {
  const u0 = f32x4.sub(x0, v128.load32_splat(c));
  let sum = f32x4.mul(u0, u0);
  if (d > 1) {
    const u1 = f32x4.sub(x1, v128.load32_splat(c, 4));
    sum = fma(u1, u1, sum);
  }
  if (d > 2) {
    const u2 = f32x4.sub(x2, v128.load32_splat(c, 8));
    sum = fma(u2, u2, sum);
  }
  if (d > 3) {
    const u3 = f32x4.sub(x3, v128.load32_splat(c, 12));
    sum = fma(u3, u3, sum);
  }
  return sum;
}

@inline
function exponents(d: i32, points: usize, centres: usize, logits: usize, count: i32, halfInverse: usize, maximum: usize, newMaximum: usize, out: usize): void {
  const x0 = v128.load(points);
  const y0 = v128.load(points, 16);
  const x1 = d > 1 ? v128.load(points, 32) : x0;
  const y1 = d > 1 ? v128.load(points, 48) : y0;
  const x2 = d > 2 ? v128.load(points, 64) : x0;
  const y2 = d > 2 ? v128.load(points, 80) : y0;
  const x3 = d > 3 ? v128.load(points, 96) : x0;
  const y3 = d > 3 ? v128.load(points, 112) : y0;
  const h0 = v128.load(halfInverse);
  const h1 = v128.load(halfInverse, 16);
  let m0 = v128.load(maximum);
  let m1 = v128.load(maximum, 16);
  const end = out + (<usize>count << 5);
  for (; out < end; out += 32) {
    const logit = v128.load32_splat(logits);
    const e0 = fnma(h0, squared(d, centres, x0, x1, x2, x3), logit);
    const e1 = fnma(h1, squared(d, centres, y0, y1, y2, y3), logit);
    m0 = f32x4.pmax(m0, e0);
    m1 = f32x4.pmax(m1, e1);
    v128.store(out, e0);
    v128.store(out, e1, 16);
    logits += 4;
    centres += <usize>d << 2;
  }
  v128.store(newMaximum, m0);
  v128.store(newMaximum, m1, 16);
}

/** Exponents of a block, and the maximum with them. */
export function narrowExponents(d: i32, points: usize, centres: usize, logits: usize, count: i32, halfInverse: usize, maximum: usize, newMaximum: usize, out: usize): void {
  if (d === 1) exponents(1, points, centres, logits, count, halfInverse, maximum, newMaximum, out);
  else if (d === 2) exponents(2, points, centres, logits, count, halfInverse, maximum, newMaximum, out);
  else if (d === 3) exponents(3, points, centres, logits, count, halfInverse, maximum, newMaximum, out);
  else exponents(4, points, centres, logits, count, halfInverse, maximum, newMaximum, out);
}

@inline
function sums(m: i32, exponents: usize, rows: usize, count: i32, maximum: usize, sum: usize, out: usize): void {
  const c0 = expConstant(0);
  const c1 = expConstant(1);
  const c2 = expConstant(2);
  const c3 = expConstant(3);
  const c4 = expConstant(4);
  const c5 = expConstant(5);
  const c6 = expConstant(6);
  const c7 = expConstant(7);
  const c8 = expConstant(8);
  const c9 = expConstant(11);
  const c10 = expConstant(10);
  for (let half: usize = 0; half < 32; half += 16) {
    const m0 = v128.load(maximum + half);
    let s0 = f32x4.splat(0);
    let a0 = s0;
    let a1 = s0;
    let a2 = s0;
    let a3 = s0;
    let row = rows;
    const end = exponents + half + (<usize>count << 5);
    for (let at = exponents + half; at < end; at += 32) {
      const r0 = expBounded(f32x4.sub(v128.load(at), m0), c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10);
      s0 = f32x4.add(s0, r0);
      a0 = fma(r0, v128.load32_splat(row), a0);
      if (m > 1) a1 = fma(r0, v128.load32_splat(row, 4), a1);
      if (m > 2) a2 = fma(r0, v128.load32_splat(row, 8), a2);
      if (m > 3) a3 = fma(r0, v128.load32_splat(row, 12), a3);
      row += <usize>m << 2;
    }
    v128.store(sum + half, s0);
    v128.store(out + half, a0);
    if (m > 1) v128.store(out + half, a1, 32);
    if (m > 2) v128.store(out + half, a2, 64);
    if (m > 3) v128.store(out + half, a3, 96);
  }
}

/** Sums of the weights of a block, and of the rows (m columns) with these weights. */
export function narrowSums(m: i32, exponents: usize, rows: usize, count: i32, maximum: usize, sum: usize, out: usize): void {
  if (m === 1) sums(1, exponents, rows, count, maximum, sum, out);
  else if (m === 2) sums(2, exponents, rows, count, maximum, sum, out);
  else if (m === 3) sums(3, exponents, rows, count, maximum, sum, out);
  else sums(4, exponents, rows, count, maximum, sum, out);
}
