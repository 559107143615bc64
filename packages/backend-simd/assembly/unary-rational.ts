/**
 * tanh, erf and sigmoid of four floats.
 *
 *   tanh x ≈ x P(x²) / Q(x²), |x| < 7.9, beyond it the value there (±1, or up to 3·2⁻²⁴ less in the base build);
 *   erf likewise, |x| < 3.83, ±1 beyond and never more;
 *   sigmoid x = 1 / (1 + exp −x) for x ≥ 0, exp x / (1 + exp x) for x < 0, exp x below −87
 *
 * tanh: at most 6 ulp. erf: at most 8 ulp. sigmoid: at most 3 ulp, tiny values of very negative x included.
 * All floats; odd ones keep ±0; NaN → NaN.
 *
 * Coefficients: the Eigen library, ptanh_float and erf (generic, float).
 */
import { fma } from './fma';
import { expVector as expNormal } from './exp-bounded';
import { constant } from './unary-constant';
import { expVector } from './unary-exp';

const TANH_BOUNDS = memory.data<f32>([7.99881172180175781, -7.99881172180175781]);
const TANH_P = memory.data<f32>([
  -2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-08, 1.48572235717979e-05,
  6.37261928875436e-04, 4.89352455891786e-03,
]);
const TANH_Q = memory.data<f32>([
  1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03,
]);
/** Below this tanh x = x to the last bit. */
const TANH_LINEAR = memory.data<f32>([0.0004]);
/** From here on erf x rounds to 1. */
const ERF_BOUND = memory.data<f32>([3.92]);
const ERF_P = memory.data<f32>([
  -2.72614225801306e-10, 2.77068142495902e-08, -2.10102402082508e-06, -5.69250639462346e-05, -7.34990630326855e-04,
  -2.95459980854025e-03, -1.60960333262415e-02,
]);
const ERF_Q = memory.data<f32>([
  -1.45660718464996e-05, -2.13374055278905e-04, -1.68282697438203e-03, -7.37332916720468e-03, -1.42647390514189e-02,
]);
const SIGMOID_BOUND = memory.data<f32>([-87.0]);
const ONE = memory.data<f32>([1.0]);
const SIGN = memory.data<u32>([0x80000000]);

@inline
export function tanhVector(x: v128): v128 {
  const bounded = f32x4.pmax(f32x4.pmin(x, constant(TANH_BOUNDS, 0)), constant(TANH_BOUNDS, 1));
  const z = f32x4.mul(bounded, bounded);
  let p = constant(TANH_P, 0);
  p = fma(p, z, constant(TANH_P, 1));
  p = fma(p, z, constant(TANH_P, 2));
  p = fma(p, z, constant(TANH_P, 3));
  p = fma(p, z, constant(TANH_P, 4));
  p = fma(p, z, constant(TANH_P, 5));
  p = fma(p, z, constant(TANH_P, 6));
  let q = constant(TANH_Q, 0);
  q = fma(q, z, constant(TANH_Q, 1));
  q = fma(q, z, constant(TANH_Q, 2));
  q = fma(q, z, constant(TANH_Q, 3));
  const y = f32x4.div(f32x4.mul(bounded, p), q);
  return v128.bitselect(x, y, f32x4.lt(f32x4.abs(x), constant(TANH_LINEAR, 0)));
}

@inline
export function erfVector(x: v128): v128 {
  const sign = constant(SIGN, 0);
  const z = f32x4.mul(x, x);
  let p = constant(ERF_P, 0);
  p = fma(p, z, constant(ERF_P, 1));
  p = fma(p, z, constant(ERF_P, 2));
  p = fma(p, z, constant(ERF_P, 3));
  p = fma(p, z, constant(ERF_P, 4));
  p = fma(p, z, constant(ERF_P, 5));
  p = fma(p, z, constant(ERF_P, 6));
  let q = constant(ERF_Q, 0);
  q = fma(q, z, constant(ERF_Q, 1));
  q = fma(q, z, constant(ERF_Q, 2));
  q = fma(q, z, constant(ERF_Q, 3));
  q = fma(q, z, constant(ERF_Q, 4));
  const y = f32x4.mul(x, f32x4.div(p, q));
  const one = v128.or(constant(ONE, 0), v128.and(x, sign));
  const beyond = v128.or(
    f32x4.gt(f32x4.abs(x), constant(ERF_BOUND, 0)),
    f32x4.gt(f32x4.abs(y), constant(ONE, 0)),
  );
  return v128.bitselect(one, y, beyond);
}

/** Which lanes are not so negative that `sigmoidVector` gives 0 for what is not: `sigmoidAny` is for all. */
@inline
export function sigmoidOrdinary(x: v128): v128 {
  return v128.not(f32x4.lt(x, constant(SIGMOID_BOUND, 0)));
}

@inline
export function sigmoidVector(x: v128): v128 {
  const one = constant(ONE, 0);
  const e = expNormal(v128.or(x, constant(SIGN, 0)));
  return f32x4.div(v128.bitselect(e, one, i32x4.shr_s(x, 31)), f32x4.add(one, e));
}

/** Out of line: it is rarely needed. Below the bound sigmoid x is exp x to the last bit. */
@inline
export function sigmoidAny(x: v128): v128 {
  return v128.bitselect(sigmoidVector(x), tinySigmoid(x), sigmoidOrdinary(x));
}

function tinySigmoid(x: v128): v128 {
  return expVector(x);
}
