/**
 * log, log1p and softplus of four floats.
 *
 *   x = 2ᵉ m, √½ ≤ m < √2, f = m − 1;   log x = e ln 2 + f + f² (−½ + f P(f))
 *   log1p x: the same of u = 1 + x rounded, with (x − (u − 1)) 2⁻ᵉ, what rounding took, added to f
 *   softplus x = max(x, 0) + log1p e, e = exp(−|x|) ≤ 1;   log1p e = 2 artanh s = 2 s + s³ Q(s²), s = e / (2 + e)
 *
 * log: at most 1 ulp over all floats; ±0 → −∞, negative → NaN, +∞ → +∞, NaN → NaN, subnormals as they are.
 * log1p: at most 2 ulp; −1 → −∞, below → NaN, ±0 → ±0.   softplus: at most 3 ulp.
 * Where a relaxed multiply-add rounds twice (processors that have none), log in the relaxed build: at most 1.1 ulp.
 *
 * P is that of log-positive.ts, relative error of the whole 6e-9. Q is the minimax cubic on [0, 1/9], relative error 5e-9.
 */
import { fma } from './fma';
import { constant } from './unary-constant';
import { expVector } from './unary-exp';

/** From the highest power down to f⁰, which is −½ + f P. */
const P = memory.data<f32>([
  -0.0763639584183693, 0.12762197852134705, -0.1315961331129074, 0.14201581478118896, -0.166234090924263,
  0.2000124156475067, -0.2500081956386566, 0.3333333134651184, -0.5,
]);
/**
 * 2⁻²³ ln 2, then the same in two parts, the first with trailing zeros, so that its product with e is exact: where each
 * product is rounded.
 */
const LN2 = memory.data<f32>([8.262958294867817e-8, 0.693359375 / 8388608.0, -2.12194440e-4 / 8388608.0]);
const ONE = memory.data<f32>([1.0]);
const TWO = memory.data<f32>([2.0]);
const ATANH = memory.data<f32>([0.28024473786354065, 0.27999138832092285, 0.4002169966697693, 0.6666641235351562]);
/** The bits of √½, of the smallest normal number; the span of positive normal numbers; 1; the span of subnormals. */
const BITS = memory.data<u32>([0x3f3504f3, 0x00800000, 0x7f000000, 1, 0x007fffff]);
/** The bits of the exponent and the sign. */
const EXPONENT = memory.data<u32>([0xff800000]);
/** The span of normal numbers below 2¹²⁶, whose reciprocals are normal too. */
const INVERTIBLE = memory.data<u32>([0x7e000000]);
const INFINITIES = memory.data<f32>([Infinity, -Infinity]);
const TWO23 = memory.data<f32>([8388608.0]);
/** 23 in the place of the exponent. */
const SHIFT = memory.data<i32>([0x0b800000]);
/** The sign bit: or-ing it gives −|x|. */
const SIGN = memory.data<u32>([0x80000000]);
/** exp(−x) adds nothing to an x above 25; subnormal, it would be slow. */
const NEGLIGIBLE = memory.data<f32>([-25.0]);

/** 2²³ e for positive normal numbers: the bits by which they exceed m. */
@inline
function exponentBits(x: v128): v128 {
  return v128.and(i32x4.sub(x, constant(BITS, 0)), constant(EXPONENT, 0));
}

/** f, given `exponentBits`. */
@inline
function fraction(x: v128, bits: v128): v128 {
  return f32x4.sub(i32x4.sub(x, bits), constant(ONE, 0));
}

/** e ln 2 + log(1 + f), given 2²³ e. Powers of f² one after another: half as long a chain as powers of f. */
@inline
function logOf(bits: v128, f: v128): v128 {
  const n = f32x4.convert_i32x4_s(bits);
  const z = f32x4.mul(f, f);
  let p = fma(constant(P, 0), z, fma(constant(P, 1), f, constant(P, 2)));
  p = fma(p, z, fma(constant(P, 3), f, constant(P, 4)));
  p = fma(p, z, fma(constant(P, 5), f, constant(P, 6)));
  p = fma(p, z, fma(constant(P, 7), f, constant(P, 8)));
  if (ASC_FEATURE_RELAXED_SIMD) return fma(n, constant(LN2, 0), fma(p, z, f));
  return fma(n, constant(LN2, 1), f32x4.add(f, fma(p, z, f32x4.mul(n, constant(LN2, 2)))));
}

/** Are all of eight lanes positive normal numbers? `logVector` is for those, `logAny` for all. */
@inline
export function logOrdinary(x: v128, y: v128): bool {
  const least = constant(BITS, 1);
  const greatest = i32x4.max_u(i32x4.sub(x, least), i32x4.sub(y, least));
  return !v128.any_true(i32x4.ge_u(greatest, constant(BITS, 2)));
}

@inline
export function logVector(x: v128): v128 {
  const bits = exponentBits(x);
  return logOf(bits, fraction(x, bits));
}

/** Lanes below 0 (NaN) and at 0 (−∞) cost little; +∞ and positive subnormals are rare. */
@inline
export function logAny(x: v128): v128 {
  const infinity = constant(INFINITIES, 0);
  // The bits of positive subnormals, 1 … 2²³ − 1, become 0 … 2²³ − 2.
  const subnormal = i32x4.lt_u(i32x4.sub(x, constant(BITS, 3)), constant(BITS, 4));
  if (v128.any_true(v128.or(subnormal, f32x4.eq(x, infinity)))) return logSpecial(x);
  const zero = i64x2.splat(0);
  const special = v128.bitselect(constant(INFINITIES, 1), f32x4.sub(infinity, infinity), f32x4.eq(x, zero));
  return v128.bitselect(logVector(x), special, f32x4.gt(x, zero));
}

/** Out of line: it is long and rarely needed. */
function logSpecial(x: v128): v128 {
  const zero = i64x2.splat(0);
  const infinity = constant(INFINITIES, 0);
  const subnormal = v128.and(f32x4.lt(x, constant(BITS, 1)), f32x4.gt(x, zero));
  const scaled = v128.bitselect(f32x4.mul(x, constant(TWO23, 0)), x, subnormal);
  const bits = exponentBits(scaled);
  const y = logOf(i32x4.sub(bits, v128.and(subnormal, constant(SHIFT, 0))), fraction(scaled, bits));
  const nan = f32x4.sub(infinity, infinity);
  const special = v128.bitselect(
    constant(INFINITIES, 1),
    v128.bitselect(infinity, nan, f32x4.eq(x, infinity)),
    f32x4.eq(x, zero),
  );
  return v128.bitselect(y, special, v128.and(f32x4.gt(x, zero), f32x4.lt(x, infinity)));
}

/** Are all of eight lanes above −1 and below 2¹²⁶, and none 0? `log1pVector` is for those, `log1pAny` for all. */
@inline
export function log1pOrdinary(x: v128, y: v128): bool {
  const zero = i64x2.splat(0);
  const special = i32x4.ge_u(i32x4.max_u(fromLeast(x), fromLeast(y)), constant(INVERTIBLE, 0));
  return !v128.any_true(v128.or(special, v128.or(f32x4.eq(x, zero), f32x4.eq(y, zero))));
}

/** The bits of 1 + x, counted from the smallest normal number's. */
@inline
function fromLeast(x: v128): v128 {
  return i32x4.sub(f32x4.add(x, constant(ONE, 0)), constant(BITS, 1));
}

@inline
export function log1pVector(x: v128): v128 {
  const one = constant(ONE, 0);
  const u = f32x4.add(x, one);
  const lost = f32x4.sub(x, f32x4.sub(u, one));
  const bits = exponentBits(u);
  // 2⁻ᵉ is the float with these bits.
  const scale = i32x4.sub(one, bits);
  return logOf(bits, fma(lost, scale, fraction(u, bits)));
}

@inline
export function log1pAny(x: v128): v128 {
  const invertible = i32x4.lt_u(fromLeast(x), constant(INVERTIBLE, 0));
  const y = v128.bitselect(log1pVector(x), logAny(f32x4.add(x, constant(ONE, 0))), invertible);
  return v128.bitselect(x, y, f32x4.eq(x, i64x2.splat(0)));
}

@inline
export function softplusVector(x: v128): v128 {
  const e = expVector(f32x4.pmax(v128.or(x, constant(SIGN, 0)), f32x4.pmin(x, constant(NEGLIGIBLE, 0))));
  const s = f32x4.div(e, f32x4.add(e, constant(TWO, 0)));
  const z = f32x4.mul(s, s);
  let p = constant(ATANH, 0);
  p = fma(p, z, constant(ATANH, 1));
  p = fma(p, z, constant(ATANH, 2));
  p = fma(p, z, constant(ATANH, 3));
  const y = fma(f32x4.mul(p, z), s, f32x4.add(s, s));
  return f32x4.add(f32x4.pmax(x, i64x2.splat(0)), y);
}
