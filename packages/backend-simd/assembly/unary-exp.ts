/**
 * exp and expm1 of four floats.
 *
 *   x = n ln 2 + r, |r| ≤ ln 2 / 2;   exp x = 2ⁿ (1 + r + r² P(r)),   expm1 x = 2ⁿ (r + r² P(r)) + (2ⁿ − 1)
 *
 * exp: at most 1.1 ulp over all floats, subnormal results included; −∞ → 0, +∞ → +∞, NaN → NaN.
 * expm1: at most 2 ulp; −∞ → −1, ±0 → ±0.
 *
 * P from the Cephes library (Moshier), expf.
 */
import { fma } from './fma';
import { constant } from './unary-constant';

/** Beyond these exp is ∞ and 0. At the second the factors of 2ⁿ are 0, so that nothing underflows, which is slow. */
const BOUNDS = memory.data<f32>([89.0, -176.0]);
const LOG2E = memory.data<f32>([1.44269504]);
/** 1.5 · 2²³: adding it rounds to an integer, which is then in the low bits. */
const ROUND = memory.data<f32>([12582912.0]);
/** ln 2 in two parts, the first with trailing zeros, so that its product with n is exact; negative. */
const LN2 = memory.data<f32>([-0.693359375, 2.12194440e-4]);
const P = memory.data<f32>([
  1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1,
]);
const ONE = memory.data<f32>([1.0]);
const HALF = memory.data<f32>([0.5]);
/** Below this expm1 x = x to the last bit. */
const LINEAR = memory.data<f32>([2.9802322387695312e-8]);
/** Below this expm1 is −1; above the second its way of scaling overflows. */
const EXPM1_BOUNDS = memory.data<f32>([-18.0, 88.8]);

/** r + r² P(r) */
@inline
function polynomial(r: v128): v128 {
  let p = constant(P, 0);
  p = fma(p, r, constant(P, 1));
  p = fma(p, r, constant(P, 2));
  p = fma(p, r, constant(P, 3));
  p = fma(p, r, constant(P, 4));
  p = fma(p, r, constant(P, 5));
  return fma(f32x4.mul(r, r), p, r);
}

@inline
export function expVector(x: v128): v128 {
  const one = constant(ONE, 0);
  const round = constant(ROUND, 0);
  x = f32x4.pmax(f32x4.pmin(x, constant(BOUNDS, 0)), constant(BOUNDS, 1));
  const t = fma(x, constant(LOG2E, 0), round);
  const n = f32x4.sub(t, round);
  const r = fma(n, constant(LN2, 1), fma(n, constant(LN2, 0), x));
  const p = f32x4.add(polynomial(r), one);
  // 2ⁿ in two factors: it may lie outside the floats where the result does not.
  const whole = i32x4.sub(t, round);
  const half = i32x4.shr_s(whole, 1);
  const s = i32x4.add(i32x4.shl(half, 23), one);
  const rest = i32x4.add(i32x4.shl(i32x4.sub(whole, half), 23), one);
  return f32x4.mul(f32x4.mul(p, s), rest);
}

@inline
export function expm1Vector(x: v128): v128 {
  const round = constant(ROUND, 0);
  const half = constant(HALF, 0);
  const bounded = f32x4.pmax(f32x4.pmin(x, constant(EXPM1_BOUNDS, 1)), constant(EXPM1_BOUNDS, 0));
  const t = fma(bounded, constant(LOG2E, 0), round);
  const n = f32x4.sub(t, round);
  const r = fma(n, constant(LN2, 1), fma(n, constant(LN2, 0), bounded));
  const q = polynomial(r);
  // 2ⁿ⁻¹ is a float where 2ⁿ is not.
  const s = i32x4.add(i32x4.shl(t, 23), half);
  const y = fma(s, q, f32x4.sub(s, half));
  return v128.bitselect(x, f32x4.add(y, y), f32x4.lt(f32x4.abs(x), constant(LINEAR, 0)));
}
