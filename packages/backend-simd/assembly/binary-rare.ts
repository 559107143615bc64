/**
 * out[i, j] = f(a[i, j], b[i, j]) over rows × columns as in binary.ts, for functions that are rarely called or long:
 * one loop for all, which asks for the function at each vector.
 *
 * int32: sums and products modulo 2³²; comparisons and the logical ones (of 0 or not 0) give bytes, 0 or 1.
 * float32: power, floor of the quotient and remainder are worked out in float64. power: at most 1 ulp. The floor is
 * that of the float64 quotient, as int32. The remainder has the divisor's sign, as tfjs has it. atan2: at most 4 ulp.
 */
import { atanUnit } from './inverse-trigonometric';
import { power } from './power';
import { constant } from './unary-constant';

/** As src/kernels/binary-rare.ts has them. From Equal on the result is bytes. */
enum Op {
  Power, FloorDivide, Modulo, Atan2, FloorDivideInt,
  AddInt, SubtractInt, MultiplyInt, MaximumInt, MinimumInt, SquaredDifferenceInt,
  Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual, And, Or,
}

const PI = memory.data<f32>([3.1415927410125732, 1.5707963705062866]);
const ONE = memory.data<f32>([1.0]);
const TWO31 = memory.data<f64>([2147483648.0]);
const TWO24 = memory.data<f64>([16777216.0]);

function apply(op: i32, a: v128, b: v128): v128 {
  const zero = i64x2.splat(0);
  switch (op) {
    case Op.Power: return power(a, b);
    case Op.FloorDivide: return floorDivide(a, b);
    case Op.Modulo: return modulo(a, b);
    case Op.Atan2: return atan2(a, b);
    case Op.FloorDivideInt: return floorDivideInt(a, b);
    case Op.AddInt: return i32x4.add(a, b);
    case Op.SubtractInt: return i32x4.sub(a, b);
    case Op.MultiplyInt: return i32x4.mul(a, b);
    case Op.MaximumInt: return i32x4.max_s(a, b);
    case Op.MinimumInt: return i32x4.min_s(a, b);
    case Op.SquaredDifferenceInt: {
      const d = i32x4.sub(a, b);
      return i32x4.mul(d, d);
    }
    case Op.Equal: return i32x4.eq(a, b);
    case Op.NotEqual: return i32x4.ne(a, b);
    case Op.Less: return i32x4.lt_s(a, b);
    case Op.LessEqual: return i32x4.le_s(a, b);
    case Op.Greater: return i32x4.gt_s(a, b);
    case Op.GreaterEqual: return i32x4.ge_s(a, b);
    case Op.And: return v128.and(i32x4.ne(a, zero), i32x4.ne(b, zero));
    default: return i32x4.ne(v128.or(a, b), zero);
  }
}

@inline
function low(x: v128): v128 {
  return f64x2.promote_low_f32x4(x);
}

@inline
function high(x: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<i64>(x, x, 1, 1));
}

@inline
function joined(x: v128, y: v128): v128 {
  return v128.shuffle<i64>(f32x4.demote_f64x2_zero(x), f32x4.demote_f64x2_zero(y), 0, 2);
}

function floorDivide(a: v128, b: v128): v128 {
  return integers(f64x2.floor(f64x2.div(low(a), low(b))), f64x2.floor(f64x2.div(high(a), high(b))));
}

function floorDivideInt(a: v128, b: v128): v128 {
  const x = f64x2.div(f64x2.convert_low_i32x4_s(a), f64x2.convert_low_i32x4_s(b));
  const c = v128.shuffle<i64>(a, a, 1, 1);
  const d = v128.shuffle<i64>(b, b, 1, 1);
  return integers(f64x2.floor(x), f64x2.floor(f64x2.div(f64x2.convert_low_i32x4_s(c), f64x2.convert_low_i32x4_s(d))));
}

/** Whole numbers → int32: modulo 2³², and 0 for ±∞, NaN and from 9.2·10¹⁸ on. */
function integers(x: v128, y: v128): v128 {
  const z = v128.shuffle<i64>(i32x4.trunc_sat_f64x2_s_zero(x), i32x4.trunc_sat_f64x2_s_zero(y), 0, 2);
  const bound = v128.load64_splat(TWO31);
  if (i64x2.all_true(v128.and(f64x2.lt(f64x2.abs(x), bound), f64x2.lt(f64x2.abs(y), bound)))) return z;
  let w = i32x4.splat(wrap(f64x2.extract_lane(x, 0)));
  w = i32x4.replace_lane(w, 1, wrap(f64x2.extract_lane(x, 1)));
  w = i32x4.replace_lane(w, 2, wrap(f64x2.extract_lane(y, 0)));
  return i32x4.replace_lane(w, 3, wrap(f64x2.extract_lane(y, 1)));
}

@inline
function wrap(x: f64): i32 {
  return abs<f64>(x) < 9.2e18 ? <i32>(<i64>x) : 0;
}

function modulo(a: v128, b: v128): v128 {
  return joined(modulo2(low(a), low(b)), modulo2(high(a), high(b)));
}

/** The remainder of truncated division, then, where the signs differ, that of what it lacks to the divisor. */
function modulo2(a: v128, b: v128): v128 {
  const zero = i64x2.splat(0);
  const rest = remainder(a, b);
  const alike = v128.or(
    v128.and(f64x2.lt(a, zero), f64x2.lt(b, zero)),
    v128.and(f64x2.ge(a, zero), f64x2.ge(b, zero)),
  );
  return v128.bitselect(rest, remainder(f64x2.add(rest, b), b), alike);
}

/** a − b trunc(a / b), exact where float32 numbers have a quotient below 2²⁴; the long way for larger ones. */
function remainder(a: v128, b: v128): v128 {
  const q = f64x2.div(a, b);
  if (i64x2.all_true(f64x2.lt(f64x2.abs(q), v128.load64_splat(TWO24)))) {
    const rest = f64x2.sub(a, f64x2.mul(b, f64x2.trunc(q)));
    // By an infinite divisor everything is left; a rest of 0 has the sign of a.
    const finite = v128.bitselect(a, rest, f64x2.eq(q, i64x2.splat(0)));
    return v128.or(v128.andnot(finite, i64x2.splat(i64.MIN_VALUE)), v128.and(a, i64x2.splat(i64.MIN_VALUE)));
  }
  const x = f64x2.extract_lane(a, 0) % f64x2.extract_lane(b, 0);
  return f64x2.replace_lane(f64x2.splat(x), 1, f64x2.extract_lane(a, 1) % f64x2.extract_lane(b, 1));
}

function atan2(y: v128, x: v128): v128 {
  const ax = f32x4.abs(x);
  const ay = f32x4.abs(y);
  const steep = f32x4.gt(ay, ax);
  const least = v128.bitselect(ax, ay, steep);
  const greatest = v128.bitselect(ay, ax, steep);
  // 0/0 is 0 and ∞/∞ is 1.
  const equal = v128.and(constant(ONE, 0), f32x4.gt(greatest, i64x2.splat(0)));
  const ratio = v128.bitselect(equal, f32x4.div(least, greatest), f32x4.eq(least, greatest));
  let angle = atanUnit(ratio);
  angle = v128.bitselect(f32x4.sub(constant(PI, 1), angle), angle, steep);
  angle = v128.bitselect(f32x4.sub(constant(PI, 0), angle), angle, i32x4.shr_s(x, 31));
  const signed = v128.or(angle, v128.and(y, i32x4.splat(0x80000000)));
  return v128.bitselect(signed, f32x4.add(x, y), v128.and(f32x4.eq(x, x), f32x4.eq(y, y)));
}

export function binaryRare(
  a: usize, aRow: usize, aOne: bool, b: usize, bRow: usize, bOne: bool, out: usize, rows: i32, columns: i32, op: i32,
): void {
  const n = <usize>columns;
  const shift: usize = op >= Op.Equal ? 0 : 2;
  for (let i = 0; i < rows; i++) {
    for (let j: usize = 0; j < n; j += 4) {
      const few = n < 4;
      // The last four overlap those before; rows of fewer go one by one.
      if (!few && j + 4 > n) j = n - 4;
      const x = aOne || few ? v128.load32_splat(aOne ? a : a + (j << 2)) : v128.load(a + (j << 2));
      const y = bOne || few ? v128.load32_splat(bOne ? b : b + (j << 2)) : v128.load(b + (j << 2));
      const z = apply(op, x, y);
      const to = out + (j << shift);
      if (shift) {
        if (few) v128.store_lane<i32>(to, z, 0);
        else v128.store(to, z);
      } else {
        const words = i16x8.narrow_i32x4_s(z, z);
        const bytes = i32x4.extract_lane(i8x16.narrow_i16x8_s(words, words), 0) & 0x01010101;
        if (few) store<u8>(to, <u8>bytes);
        else store<i32>(to, bytes);
      }
      if (few) j -= 3;
    }
    a += aRow;
    b += bRow;
    out += n << shift;
  }
}
