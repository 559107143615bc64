/**
 * out[i] = f(x[i]), float32, eight elements at a time.
 *
 * Reads and writes whole groups of eight: x and out must be readable and writable up to the next multiple of
 * 32 bytes, as blocks of the tensors' heap are. `out` may be `x`. An element's result depends on nothing else.
 */
import { constant } from './unary-constant';
import { expm1Vector, expVector } from './unary-exp';
import { log1pAny, log1pOrdinary, log1pVector, logAny, logOrdinary, logVector, softplusVector } from './unary-log';
import { erfVector, sigmoidAny, sigmoidOrdinary, sigmoidVector, tanhVector } from './unary-rational';
import { cosAny, cosVector, sinAny, sinVector, trigonometricOrdinary } from './unary-trigonometric';

enum Op {
  Exp, Expm1, Log, Log1p, Softplus, Tanh, Erf, Sigmoid, Sin, Cos,
  Sqrt, Rsqrt, Square, Neg, Abs, Reciprocal, Sign, Floor, Ceil, Round, Step,
  Relu, Relu6, LeakyRelu, Elu, Clip,
}

const ONE = memory.data<f32>([1.0]);
const SIX = memory.data<f32>([6.0]);

/** p and q are what the op takes besides x. */
@inline
function apply(op: Op, x: v128, p: v128, q: v128): v128 {
  if (op == Op.Exp) return expVector(x);
  if (op == Op.Expm1) return expm1Vector(x);
  if (op == Op.Softplus) return softplusVector(x);
  if (op == Op.Tanh) return tanhVector(x);
  if (op == Op.Erf) return erfVector(x);
  if (op == Op.Sqrt) return f32x4.sqrt(x);
  if (op == Op.Rsqrt) return f32x4.div(constant(ONE, 0), f32x4.sqrt(x));
  if (op == Op.Square) return f32x4.mul(x, x);
  if (op == Op.Neg) return f32x4.neg(x);
  if (op == Op.Abs) return f32x4.abs(x);
  if (op == Op.Reciprocal) return f32x4.div(constant(ONE, 0), x);
  if (op == Op.Floor) return f32x4.floor(x);
  if (op == Op.Ceil) return f32x4.ceil(x);
  if (op == Op.Round) return f32x4.nearest(x);
  // From here on NaN must not be swallowed: pmin and pmax return their first operand when a comparison fails.
  const zero = i64x2.splat(0);
  if (op == Op.Relu) return f32x4.pmax(x, zero);
  if (op == Op.Relu6) return f32x4.pmin(f32x4.pmax(x, zero), constant(SIX, 0));
  if (op == Op.Clip) return f32x4.pmin(f32x4.pmax(x, p), q);
  if (op == Op.LeakyRelu) return v128.bitselect(f32x4.mul(x, p), x, f32x4.lt(x, zero));
  if (op == Op.Elu) return v128.bitselect(expm1Vector(x), x, f32x4.lt(x, zero));
  // NaN → 0, as the cpu backend has it.
  if (op == Op.Sign) {
    const one = constant(ONE, 0);
    return f32x4.sub(v128.and(one, f32x4.gt(x, zero)), v128.and(one, f32x4.lt(x, zero)));
  }
  // Step: 1 above 0, else p; NaN → NaN.
  const y = v128.bitselect(constant(ONE, 0), p, f32x4.gt(x, zero));
  return v128.bitselect(y, x, f32x4.eq(x, x));
}

@inline
function map(op: Op, x: usize, out: usize, n: i32, p: v128, q: v128): void {
  const end = x + (<usize>n << 2);
  while (x < end) {
    // Both before the first store: the constants are then loaded once for the two.
    const a = v128.load(x);
    const b = v128.load(x, 16);
    const y = apply(op, a, p, q);
    const z = apply(op, b, p, q);
    v128.store(out, y);
    v128.store(out, z, 16);
    x += 32;
    out += 32;
  }
}

/** The ops that treat some arguments apart: pairs with such an element go the long way. */
@inline
function mapOrdinary(op: Op, x: usize, out: usize, n: i32): void {
  const end = x + (<usize>n << 2);
  while (x < end) {
    const a = v128.load(x);
    const b = v128.load(x, 16);
    if (areOrdinary(op, a, b)) {
      const y = ordinary(op, a);
      const z = ordinary(op, b);
      v128.store(out, y);
      v128.store(out, z, 16);
    } else {
      v128.store(out, any(op, a));
      v128.store(out, any(op, b), 16);
    }
    x += 32;
    out += 32;
  }
}

@inline
function areOrdinary(op: Op, x: v128, y: v128): bool {
  if (op == Op.Log) return logOrdinary(x, y);
  if (op == Op.Log1p) return log1pOrdinary(x, y);
  return i32x4.all_true(v128.and(isOrdinary(op, x), isOrdinary(op, y)));
}

@inline
function isOrdinary(op: Op, x: v128): v128 {
  if (op == Op.Sigmoid) return sigmoidOrdinary(x);
  return trigonometricOrdinary(x);
}

@inline
function ordinary(op: Op, x: v128): v128 {
  if (op == Op.Log) return logVector(x);
  if (op == Op.Log1p) return log1pVector(x);
  if (op == Op.Sigmoid) return sigmoidVector(x);
  if (op == Op.Sin) return sinVector(x);
  return cosVector(x);
}

@inline
function any(op: Op, x: v128): v128 {
  if (op == Op.Log) return logAny(x);
  if (op == Op.Log1p) return log1pAny(x);
  if (op == Op.Sigmoid) return sigmoidAny(x);
  if (op == Op.Sin) return sinAny(x);
  return cosAny(x);
}

@inline
function plain(op: Op, x: usize, out: usize, n: i32): void {
  map(op, x, out, n, i64x2.splat(0), i64x2.splat(0));
}

export function exp(x: usize, out: usize, n: i32): void { plain(Op.Exp, x, out, n); }
export function expm1(x: usize, out: usize, n: i32): void { plain(Op.Expm1, x, out, n); }
export function log(x: usize, out: usize, n: i32): void { mapOrdinary(Op.Log, x, out, n); }
export function log1p(x: usize, out: usize, n: i32): void { mapOrdinary(Op.Log1p, x, out, n); }
export function softplus(x: usize, out: usize, n: i32): void { plain(Op.Softplus, x, out, n); }
export function tanh(x: usize, out: usize, n: i32): void { plain(Op.Tanh, x, out, n); }
export function erf(x: usize, out: usize, n: i32): void { plain(Op.Erf, x, out, n); }
export function sigmoid(x: usize, out: usize, n: i32): void { mapOrdinary(Op.Sigmoid, x, out, n); }
export function sin(x: usize, out: usize, n: i32): void { mapOrdinary(Op.Sin, x, out, n); }
export function cos(x: usize, out: usize, n: i32): void { mapOrdinary(Op.Cos, x, out, n); }
export function sqrt(x: usize, out: usize, n: i32): void { plain(Op.Sqrt, x, out, n); }
export function rsqrt(x: usize, out: usize, n: i32): void { plain(Op.Rsqrt, x, out, n); }
export function square(x: usize, out: usize, n: i32): void { plain(Op.Square, x, out, n); }
export function neg(x: usize, out: usize, n: i32): void { plain(Op.Neg, x, out, n); }
export function abs(x: usize, out: usize, n: i32): void { plain(Op.Abs, x, out, n); }
export function reciprocal(x: usize, out: usize, n: i32): void { plain(Op.Reciprocal, x, out, n); }
export function sign(x: usize, out: usize, n: i32): void { plain(Op.Sign, x, out, n); }
export function floor(x: usize, out: usize, n: i32): void { plain(Op.Floor, x, out, n); }
export function ceil(x: usize, out: usize, n: i32): void { plain(Op.Ceil, x, out, n); }
export function round(x: usize, out: usize, n: i32): void { plain(Op.Round, x, out, n); }
export function relu(x: usize, out: usize, n: i32): void { plain(Op.Relu, x, out, n); }
export function relu6(x: usize, out: usize, n: i32): void { plain(Op.Relu6, x, out, n); }
export function elu(x: usize, out: usize, n: i32): void { plain(Op.Elu, x, out, n); }
export function leakyRelu(x: usize, out: usize, n: i32, alpha: f32): void {
  map(Op.LeakyRelu, x, out, n, f32x4.splat(alpha), i64x2.splat(0));
}
export function step(x: usize, out: usize, n: i32, alpha: f32): void {
  map(Op.Step, x, out, n, f32x4.splat(alpha), i64x2.splat(0));
}
/** NaN stays; with low > high the result is high. */
export function clip(x: usize, out: usize, n: i32, low: f32, high: f32): void {
  map(Op.Clip, x, out, n, f32x4.splat(low), f32x4.splat(high));
}
