// silu x = x s, s = 1 / (1 + e^−x), and its gradient dy·s·(1 + x (1 − s)), with e = e^−|x| ≤ 1:
//
//   s = 1 / (1 + e) for x ≥ 0, e / (1 + e) below
//
// Error ≤ 4 ulp; below −87.3 silu is −0 (true: above −1.2·10⁻³⁶) and its slope 0. The slope's error is 4 ulp of
// s (1 + |x|): it has a zero at −1.278. NaN and −∞ give NaN. Goes in steps of 32 bytes, as unary.ts.
import { expBounded, expConstant } from './exp-bounded';
import { fma } from './fma';

/** How far ahead of the gradient, in bytes, its sum is loaded: a page. */
const AHEAD: usize = 4096;
const SIGN = memory.data<u32>([0x80000000]);

/** Which of them goes to `out`. */
const VALUE = 0;
const GRADIENT = 1;
/** The value, and its slope to `other`. */
const BOTH = 2;

/** `other` is dy, or where the slope goes. */
@inline
function map(what: i32, x: usize, other: usize, out: usize, n: i32): void {
  const sign = v128.load32_splat(SIGN);
  const one = expConstant(10);
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
  const end = x + (<usize>n + 7 & ~7) * 4;
  const last = end - 1;
  for (; x < end; x += 16) {
    // Loaded for nothing, as in sgemm-ahead.ts: the sum was kept long ago, and fetching each page in its turn took longer
    // than computing.
    if (what == GRADIENT && (x & 63) == 0) load<u8>(min(x + AHEAD, last));
    const a = v128.load(x);
    const e = expBounded(v128.or(a, sign), c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, one);
    // Negative by its sign bit: then e stands above the line, else 1.
    const top = v128.bitselect(e, one, i32x4.shr_s(a, 31));
    const bottom = f32x4.add(e, one);
    if (what != VALUE) {
      const s = f32x4.div(top, bottom);
      const slope = fma(f32x4.mul(a, s), f32x4.sub(one, s), s);
      if (what == GRADIENT) v128.store(out, f32x4.mul(v128.load(other), slope));
      else v128.store(other, slope);
      other += 16;
    }
    if (what != GRADIENT) v128.store(out, f32x4.div(f32x4.mul(a, top), bottom));
    out += 16;
  }
}

export function silu(x: usize, out: usize, n: i32): void {
  map(VALUE, x, 0, out, n);
}

/** out = dy · silu′(x). */
export function siluGradient(x: usize, dy: usize, out: usize, n: i32): void {
  map(GRADIENT, x, dy, out, n);
}

/** out = silu(x), slope = silu′(x); out may be x. */
export function siluWithSlope(x: usize, out: usize, slope: usize, n: i32): void {
  map(BOTH, x, slope, out, n);
}
