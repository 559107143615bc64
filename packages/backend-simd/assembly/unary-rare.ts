/**
 * out[i] = f(x[i]), float32, for functions that are rarely called: one loop for all, which asks for the function at
 * each vector. Goes in steps of 16 bytes over whole vectors, as unary.ts; `out` may be `x`.
 *
 *   tan: 5 ulp + 8e-15 |x| (1 + tan²) up to |x| = 8192, 1 ulp beyond, see unary-trigonometric.ts
 *   asin, acos, atan: 4 ulp, see inverse-trigonometric.ts
 *   sinh = (e + e/(e + 1))/2, e = expm1 |x|; cosh = (c + 1/c)/2 with c = (exp ½|x|)²; from 20 on ½c: 4 ulp
 *   asinh = log1p(a + a²/(1 + √(a² + 1))), acosh = log1p(d + √(d(x + 1))), d = x − 1, from 4096 on log a + ln 2: 4 ulp
 *   atanh = ½ log1p(2a/(1 − a)): 4 ulp
 *   selu = 1.0507 x, below 0 1.7581 expm1 x: 3 ulp
 */
import { acosVector, asinVector, atanVector } from './inverse-trigonometric';
import { constant } from './unary-constant';
import { expm1Vector, expVector } from './unary-exp';
import { log1pAny } from './unary-log';
import { tanAny } from './unary-trigonometric';

/** As src/kernels/unary-rare.ts has them. */
enum Op { Tan, Asin, Acos, Atan, Sinh, Cosh, Asinh, Acosh, Atanh, Selu }

/** ½, 1, 2, 20, 4096, ln 2. */
const C = memory.data<f32>([0.5, 1.0, 2.0, 20.0, 4096.0, 0.6931471824645996]);
const SELU = memory.data<f32>([1.0507010221481323, 1.7580993175506592]);
const SIGN = memory.data<u32>([0x80000000]);

/** ½ (exp ½a)², which is ∞ only where ½ exp a is. */
function halfExp(a: v128): v128 {
  const root = expVector(f32x4.mul(a, constant(C, 0)));
  return f32x4.mul(f32x4.mul(root, constant(C, 0)), root);
}

function sinh(a: v128): v128 {
  const e = expm1Vector(a);
  const y = f32x4.mul(f32x4.add(e, f32x4.div(e, f32x4.add(e, constant(C, 1)))), constant(C, 0));
  return v128.bitselect(halfExp(a), y, f32x4.gt(a, constant(C, 3)));
}

function cosh(a: v128): v128 {
  const half = halfExp(a);
  return f32x4.add(half, f32x4.div(f32x4.mul(constant(C, 0), constant(C, 0)), half));
}

/** log1p of `t`, from a = 4096 on log a + ln 2. */
function logarithm(t: v128, a: v128): v128 {
  const large = f32x4.gt(a, constant(C, 4));
  const y = log1pAny(v128.bitselect(f32x4.sub(a, constant(C, 1)), t, large));
  return f32x4.add(y, v128.and(constant(C, 5), large));
}

function asinh(a: v128): v128 {
  const one = constant(C, 1);
  const square = f32x4.mul(a, a);
  const t = f32x4.add(a, f32x4.div(square, f32x4.add(one, f32x4.sqrt(f32x4.add(square, one)))));
  return logarithm(t, a);
}

function acosh(x: v128): v128 {
  const one = constant(C, 1);
  const d = f32x4.sub(x, one);
  const y = logarithm(f32x4.add(d, f32x4.sqrt(f32x4.mul(d, f32x4.add(x, one)))), x);
  // All bits set is a NaN.
  return v128.or(y, f32x4.lt(x, one));
}

function atanh(a: v128): v128 {
  const t = f32x4.div(f32x4.add(a, a), f32x4.sub(constant(C, 1), a));
  return f32x4.mul(log1pAny(t), constant(C, 0));
}

function selu(x: v128): v128 {
  const negative = f32x4.mul(expm1Vector(x), constant(SELU, 1));
  return v128.bitselect(negative, f32x4.mul(x, constant(SELU, 0)), f32x4.lt(x, i64x2.splat(0)));
}

function apply(op: i32, x: v128): v128 {
  const sign = v128.and(x, constant(SIGN, 0));
  const a = v128.xor(x, sign);
  switch (op) {
    case Op.Tan: return tanAny(x);
    case Op.Asin: return asinVector(x);
    case Op.Acos: return acosVector(x);
    case Op.Atan: return atanVector(x);
    case Op.Sinh: return v128.xor(sinh(a), sign);
    case Op.Cosh: return cosh(a);
    case Op.Asinh: return v128.xor(asinh(a), sign);
    case Op.Acosh: return acosh(x);
    case Op.Atanh: return v128.xor(atanh(a), sign);
    default: return selu(x);
  }
}

export function unaryRare(x: usize, out: usize, n: i32, op: i32): void {
  for (const end = x + (<usize>n << 2); x < end; x += 16) {
    v128.store(out, apply(op, v128.load(x)));
    out += 16;
  }
}

/** out[i] = not x[i], bytes of 0 and 1. Goes in steps of 16 bytes. */
export function logicalNot(x: usize, out: usize, n: i32): void {
  for (const end = x + <usize>n; x < end; x += 16) {
    v128.store(out, i8x16.neg(i8x16.eq(v128.load(x), i64x2.splat(0))));
    out += 16;
  }
}

/** out[i] is 1 where x[i] is ±∞, else 0: bytes. */
export function infinite(x: usize, out: usize, n: i32): void {
  for (let i = 0; i < n; i++) {
    store<u8>(out + i, (load<u32>(x + (<usize>i << 2)) & 0x7fffffff) == 0x7f800000 ? 1 : 0);
  }
}
