/**
 * log, log1p and softplus of four floats.
 *
 *   x = 2ᵉ m, √½ ≤ m < √2, f = m − 1;   log x = e ln 2 + f − f²/2 + f³ P(f)
 *   log1p x = log u + (x − (u − 1)) / u,  u = 1 + x rounded
 *   softplus x = max(x, 0) + log1p e, e = exp(−|x|) ≤ 1;   log1p e = 2 artanh s = 2 s + s³ Q(s²), s = e / (2 + e)
 *
 * log: at most 1 ulp over all floats; ±0 → −∞, negative → NaN, +∞ → +∞, NaN → NaN, subnormals as they are.
 * log1p: at most 2 ulp; −1 → −∞, below → NaN, ±0 → ±0.   softplus: at most 3 ulp.
 *
 * P is that of log-positive.ts, relative error of the whole 6e-9. Q is the minimax cubic on [0, 1/9], relative error 5e-9.
 */
import { fma } from './fma';
import { constant } from './unary-constant';
import { expVector } from './unary-exp';

const P = memory.data<f32>([
  -0.0763639584183693, 0.12762197852134705, -0.1315961331129074, 0.14201581478118896, -0.166234090924263,
  0.2000124156475067, -0.2500081956386566, 0.3333333134651184,
]);
/** ln 2 in two parts, the first with trailing zeros, so that its product with e is exact. */
const LN2 = memory.data<f32>([0.693359375, -2.12194440e-4]);
const ONE = memory.data<f32>([1.0]);
const TWO = memory.data<f32>([2.0]);
const ATANH = memory.data<f32>([0.28024473786354065, 0.27999138832092285, 0.4002169966697693, 0.6666641235351562]);
const HALF = memory.data<f32>([-0.5]);
/** The bits of √½, of the smallest normal number; the span of positive normal numbers; 1; the span of subnormals. */
const BITS = memory.data<u32>([0x3f3504f3, 0x00800000, 0x7f000000, 1, 0x007fffff]);
const INFINITIES = memory.data<f32>([Infinity, -Infinity]);
const TWO23 = memory.data<f32>([8388608.0]);
const SHIFT = memory.data<i32>([23]);
/** The sign bit: or-ing it gives −|x|. */
const SIGN = memory.data<u32>([0x80000000]);

/** log of positive normal numbers times 2^−shift. */
@inline
function logNormal(x: v128, shift: v128): v128 {
  const e = i32x4.shr_s(i32x4.sub(x, constant(BITS, 0)), 23);
  const f = f32x4.sub(i32x4.sub(x, i32x4.shl(e, 23)), constant(ONE, 0));
  const n = f32x4.convert_i32x4_s(i32x4.sub(e, shift));
  const z = f32x4.mul(f, f);
  let p = constant(P, 0);
  p = fma(p, f, constant(P, 1));
  p = fma(p, f, constant(P, 2));
  p = fma(p, f, constant(P, 3));
  p = fma(p, f, constant(P, 4));
  p = fma(p, f, constant(P, 5));
  p = fma(p, f, constant(P, 6));
  p = fma(p, f, constant(P, 7));
  p = fma(n, constant(LN2, 1), f32x4.mul(f32x4.mul(z, f), p));
  p = fma(z, constant(HALF, 0), p);
  return fma(n, constant(LN2, 0), f32x4.add(f, p));
}

/** Which lanes are positive normal numbers: `logVector` is for those, `logAny` for all. */
@inline
export function logOrdinary(x: v128): v128 {
  return i32x4.lt_u(i32x4.sub(x, constant(BITS, 1)), constant(BITS, 2));
}

@inline
export function logVector(x: v128): v128 {
  return logNormal(x, i64x2.splat(0));
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
  const y = logNormal(scaled, v128.and(subnormal, constant(SHIFT, 0)));
  const nan = f32x4.sub(infinity, infinity);
  const special = v128.bitselect(
    constant(INFINITIES, 1),
    v128.bitselect(infinity, nan, f32x4.eq(x, infinity)),
    f32x4.eq(x, zero),
  );
  return v128.bitselect(y, special, v128.and(f32x4.gt(x, zero), f32x4.lt(x, infinity)));
}

/** Which lanes are above −1 and finite, not 0: `log1pVector` is for those, `log1pAny` for all. */
@inline
export function log1pOrdinary(x: v128): v128 {
  return v128.and(logOrdinary(f32x4.add(x, constant(ONE, 0))), f32x4.ne(x, i64x2.splat(0)));
}

@inline
export function log1pVector(x: v128): v128 {
  const one = constant(ONE, 0);
  const u = f32x4.add(x, one);
  const correction = f32x4.div(f32x4.sub(x, f32x4.sub(u, one)), u);
  return f32x4.add(logNormal(u, i64x2.splat(0)), correction);
}

@inline
export function log1pAny(x: v128): v128 {
  const y = v128.bitselect(log1pVector(x), logAny(f32x4.add(x, constant(ONE, 0))), log1pOrdinary(x));
  return v128.bitselect(x, y, f32x4.eq(x, i64x2.splat(0)));
}

@inline
export function softplusVector(x: v128): v128 {
  const e = expVector(v128.or(x, constant(SIGN, 0)));
  const s = f32x4.div(e, f32x4.add(e, constant(TWO, 0)));
  const z = f32x4.mul(s, s);
  let p = constant(ATANH, 0);
  p = fma(p, z, constant(ATANH, 1));
  p = fma(p, z, constant(ATANH, 2));
  p = fma(p, z, constant(ATANH, 3));
  const y = fma(f32x4.mul(p, z), s, f32x4.add(s, s));
  return f32x4.add(f32x4.pmax(x, i64x2.splat(0)), y);
}
