/**
 * xʸ of four floats, in float64: 2^(y log₂ |x|), then the sign.
 *
 *   |x| = 2ᵉ m, √½ ≤ m < √2, f = (m − 1)/(m + 1):   log₂ |x| = e + (2/ln 2) (f + f³/3 + … + f¹³/13)
 *   t = n + r, |r| ≤ ½:   2ᵗ = 2ⁿ e^(r ln 2), to the eighth power of r ln 2
 *
 * At most 1 ulp over all floats, subnormal results included. As in JavaScript: y = 0 gives 1 (x NaN too), NaN elsewhere
 * gives NaN; |x| = 1 and y = ±∞ gives NaN; a negative finite x with a y that is no integer gives NaN.
 */
const LOG = memory.data<f64>([
  0.22195308321368667, // 2/(13 ln 2)
  0.2623081892525388, 0.3205988979753252, 0.4121985831111324, 0.5770780163555853, 0.9617966939259756,
  2.8853900817779268,
]);
const EXP = memory.data<f64>([
  2.48015873015873e-5, 1.984126984126984e-4, 1.388888888888889e-3, 8.333333333333333e-3, 4.1666666666666664e-2,
  0.16666666666666666, 0.5, 1.0, 1.0,
]);
/** The bits of √½ and of the mantissa; the bias of the exponent. */
const BITS = memory.data<i64>([0x3fe6a09e667f3bcd, 0x000fffffffffffff, 1023]);
/** ln 2; where results are 0 and ∞ for sure; 1.5·2⁵²; ∞; NaN. */
const C = memory.data<f64>([0.6931471805599453, -400.0, 400.0, 6755399441055744.0, Infinity, NaN]);

@inline
function at(table: usize, i: usize): v128 {
  return v128.load64_splat(table + (i << 3));
}

/** Two lanes: x ≥ 0. */
function power2(x: v128, y: v128): v128 {
  const root = at(BITS, 0);
  const one = at(EXP, 8);
  const i = i64x2.sub(x, root);
  const whole = i64x2.shr_s(i, 52);
  const m = i64x2.add(v128.and(i, at(BITS, 1)), root);
  const f = f64x2.div(f64x2.sub(m, one), f64x2.add(m, one));
  const z = f64x2.mul(f, f);
  let p = at(LOG, 0);
  for (let k: usize = 1; k < 7; k++) p = f64x2.add(f64x2.mul(p, z), at(LOG, k));
  const e = f64x2.convert_low_i32x4_s(v128.shuffle<i32>(whole, whole, 0, 2, 0, 2));
  let log = f64x2.add(f64x2.mul(p, f), e);
  // Of 0 and ∞, and NaN.
  log = v128.bitselect(f64x2.neg(at(C, 4)), log, f64x2.eq(x, i64x2.splat(0)));
  log = v128.bitselect(x, log, v128.or(f64x2.eq(x, at(C, 4)), f64x2.ne(x, x)));
  const t = f64x2.pmax(f64x2.pmin(f64x2.mul(y, log), at(C, 2)), at(C, 1));
  const n = f64x2.nearest(t);
  const r = f64x2.mul(f64x2.sub(t, n), at(C, 0));
  let q = at(EXP, 0);
  for (let k: usize = 1; k < 9; k++) q = f64x2.add(f64x2.mul(q, r), at(EXP, k));
  const exponent = i64x2.shl(f64x2.add(n, at(C, 3)), 52);
  const result = i64x2.add(q, exponent);
  // NaN has no exponent to add to; clamped results are 0 and ∞.
  const kept = v128.bitselect(t, result, f64x2.ne(t, t));
  return v128.bitselect(one, kept, f64x2.eq(y, i64x2.splat(0)));
}

@inline
export function power(x: v128, y: v128): v128 {
  const a = f32x4.abs(x);
  const low = power2(f64x2.promote_low_f32x4(a), f64x2.promote_low_f32x4(y));
  const c = v128.shuffle<i64>(a, a, 1, 1);
  const d = v128.shuffle<i64>(y, y, 1, 1);
  const high = power2(f64x2.promote_low_f32x4(c), f64x2.promote_low_f32x4(d));
  const z = v128.shuffle<i64>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 2);
  const isInteger = f32x4.eq(f32x4.floor(y), y);
  const half = f32x4.mul(y, f32x4.splat(0.5));
  const isOdd = v128.and(isInteger, f32x4.ne(f32x4.floor(half), half));
  const signed = v128.xor(z, v128.and(v128.and(x, i32x4.splat(0x80000000)), isOdd));
  const none = v128.andnot(
    v128.and(f32x4.lt(x, i64x2.splat(0)), f32x4.gt(x, f32x4.splat(-Infinity))),
    v128.or(isInteger, f32x4.ne(y, y)),
  );
  return v128.or(signed, none);
}
