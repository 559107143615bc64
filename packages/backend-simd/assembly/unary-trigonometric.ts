/**
 * sin and cos of four floats.
 *
 *   x = j π/2 + r, |r| ≤ π/4;   sin or cos of r by polynomials, chosen and signed by j mod 4
 *
 * |error| ≤ 2 ulp + 4e-15 |x| for |x| ≤ 8192 (the second part shows next to the zeros, other than 0 itself, alone);
 * beyond, the float64 functions of AssemblyScript's library, rounded. ±∞ and NaN → NaN, sin ±0 = ±0.
 *
 * Polynomials and the three parts of π/2: the Cephes library (Moshier), sinf.
 */
import { fma } from './fma';
import { constant } from './unary-constant';

const TWO_OVER_PI = memory.data<f32>([0.636619772]);
const ROUND = memory.data<f32>([12582912.0]);
/** −π/2 in three parts, the first two short, so that their products with j are exact. */
const HALF_PI = memory.data<f32>([-1.5703125, -4.837512969970703125e-4, -7.54978995489188216e-8]);
const SIN = memory.data<f32>([-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1]);
const COS = memory.data<f32>([2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2, 0.5]);
const ONE = memory.data<f32>([1.0]);
const INTEGER_ONE = memory.data<i32>([1]);
const LARGE = memory.data<f32>([8192.0]);

/** sin(x + quarter π/2), quarter 0 or 1. */
@inline
function sine(x: v128, quarter: i32): v128 {
  const round = constant(ROUND, 0);
  const t = fma(x, constant(TWO_OVER_PI, 0), round);
  const n = f32x4.sub(t, round);
  const r = fma(n, constant(HALF_PI, 2), fma(n, constant(HALF_PI, 1), fma(n, constant(HALF_PI, 0), x)));
  const z = f32x4.mul(r, r);
  let s = constant(SIN, 0);
  s = fma(s, z, constant(SIN, 1));
  s = fma(s, z, constant(SIN, 2));
  s = fma(f32x4.mul(s, z), r, r);
  let c = constant(COS, 0);
  c = fma(c, z, constant(COS, 1));
  c = fma(c, z, constant(COS, 2));
  c = fma(f32x4.mul(c, z), z, f32x4.sub(constant(ONE, 0), f32x4.mul(z, constant(COS, 3))));
  const one = constant(INTEGER_ONE, 0);
  const j = quarter ? i32x4.add(t, one) : t;
  const odd = i32x4.eq(v128.and(j, one), one);
  const sign = i32x4.shl(i32x4.shr_u(j, 1), 31);
  return v128.xor(v128.bitselect(c, s, odd), sign);
}

/** Which lanes are small enough (or NaN) for `sinVector` and `cosVector`; `sinAny` and `cosAny` are for all. */
@inline
export function trigonometricOrdinary(x: v128): v128 {
  return v128.not(f32x4.gt(f32x4.abs(x), constant(LARGE, 0)));
}

@inline
export function sinVector(x: v128): v128 {
  // The sum that makes the last digits of the sine turns −0 into 0.
  return v128.bitselect(x, sine(x, 0), f32x4.eq(x, i64x2.splat(0)));
}

@inline
export function cosVector(x: v128): v128 {
  return sine(x, 1);
}

@inline
export function sinAny(x: v128): v128 {
  return v128.bitselect(sinVector(x), sinScalar(x), trigonometricOrdinary(x));
}

@inline
export function cosAny(x: v128): v128 {
  return v128.bitselect(cosVector(x), cosScalar(x), trigonometricOrdinary(x));
}

function sinScalar(x: v128): v128 {
  let y = f32x4.splat(<f32>Math.sin(f32x4.extract_lane(x, 0)));
  y = f32x4.replace_lane(y, 1, <f32>Math.sin(f32x4.extract_lane(x, 1)));
  y = f32x4.replace_lane(y, 2, <f32>Math.sin(f32x4.extract_lane(x, 2)));
  return f32x4.replace_lane(y, 3, <f32>Math.sin(f32x4.extract_lane(x, 3)));
}

function cosScalar(x: v128): v128 {
  let y = f32x4.splat(<f32>Math.cos(f32x4.extract_lane(x, 0)));
  y = f32x4.replace_lane(y, 1, <f32>Math.cos(f32x4.extract_lane(x, 1)));
  y = f32x4.replace_lane(y, 2, <f32>Math.cos(f32x4.extract_lane(x, 2)));
  return f32x4.replace_lane(y, 3, <f32>Math.cos(f32x4.extract_lane(x, 3)));
}

/** tan = sin/cos: 5 ulp + 8e-15 |x| (1 + tan²) up to |x| = 8192; 1 ulp beyond. */
@inline
export function tanAny(x: v128): v128 {
  const near = trigonometricOrdinary(x);
  const y = f32x4.div(sinVector(x), cosVector(x));
  return i32x4.all_true(near) ? y : v128.bitselect(y, tanScalar(x), near);
}

function tanScalar(x: v128): v128 {
  let y = f32x4.splat(tan(f32x4.extract_lane(x, 0)));
  y = f32x4.replace_lane(y, 1, tan(f32x4.extract_lane(x, 1)));
  y = f32x4.replace_lane(y, 2, tan(f32x4.extract_lane(x, 2)));
  return f32x4.replace_lane(y, 3, tan(f32x4.extract_lane(x, 3)));
}

function tan(x: f64): f32 {
  return <f32>(Math.sin(x) / Math.cos(x));
}
