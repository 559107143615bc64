/**
 * atan, asin and acos of four floats: at most 4 ulp; asin and acos beyond ±1 give NaN, odd ones keep ±0.
 *
 *   atan r on [0, √2 − 1]: r + r³ P(r²); up to 1 by π/4 + atan((r − 1)/(r + 1)); beyond by π/2 − atan(1/r)
 *   asin x on [0, ½]: x + x³ Q(x²); beyond by π/2 − 2 asin √((1 − x)/2)
 *
 * P, Q from the Cephes library (Moshier), atanf and asinf.
 */
import { fma } from './fma';
import { constant } from './unary-constant';

const ATAN = memory.data<f32>([8.05374449538e-2, -1.38776856032e-1, 1.99777106478e-1, -3.33329491539e-1]);
const ASIN = memory.data<f32>([
  4.2163199048e-2, 2.4181311049e-2, 4.5470025998e-2, 7.4953002686e-2, 1.6666752422e-1,
]);
/** √2 − 1, π/4, π/2, π, 1, ½. */
const C = memory.data<f32>([0.4142135679721832, 0.7853981852531433, 1.5707963705062866, 3.1415927410125732, 1.0, 0.5]);
const SIGN = memory.data<u32>([0x80000000]);

/** atan on [0, 1]. */
@inline
export function atanUnit(r: v128): v128 {
  const one = constant(C, 4);
  const far = f32x4.gt(r, constant(C, 0));
  const s = v128.bitselect(f32x4.div(f32x4.sub(r, one), f32x4.add(r, one)), r, far);
  const z = f32x4.mul(s, s);
  let p = constant(ATAN, 0);
  p = fma(p, z, constant(ATAN, 1));
  p = fma(p, z, constant(ATAN, 2));
  p = fma(p, z, constant(ATAN, 3));
  return f32x4.add(v128.and(constant(C, 1), far), fma(f32x4.mul(p, z), s, s));
}

@inline
export function atanVector(x: v128): v128 {
  const a = f32x4.abs(x);
  const steep = f32x4.gt(a, constant(C, 4));
  const y = atanUnit(v128.bitselect(f32x4.div(constant(C, 4), a), a, steep));
  const angle = v128.bitselect(f32x4.sub(constant(C, 2), y), y, steep);
  return v128.or(angle, v128.and(x, constant(SIGN, 0)));
}

/** x + x³ Q(z), z = x². */
@inline
function asinPolynomial(x: v128, z: v128): v128 {
  let p = constant(ASIN, 0);
  p = fma(p, z, constant(ASIN, 1));
  p = fma(p, z, constant(ASIN, 2));
  p = fma(p, z, constant(ASIN, 3));
  p = fma(p, z, constant(ASIN, 4));
  return fma(f32x4.mul(p, z), x, x);
}

@inline
export function asinVector(x: v128): v128 {
  const a = f32x4.abs(x);
  const half = constant(C, 5);
  const far = f32x4.gt(a, half);
  const z = v128.bitselect(f32x4.mul(f32x4.sub(constant(C, 4), a), half), f32x4.mul(a, a), far);
  const y = asinPolynomial(v128.bitselect(f32x4.sqrt(z), a, far), z);
  const angle = v128.bitselect(f32x4.sub(constant(C, 2), f32x4.add(y, y)), y, far);
  return v128.or(angle, v128.and(x, constant(SIGN, 0)));
}

@inline
export function acosVector(x: v128): v128 {
  const a = f32x4.abs(x);
  const half = constant(C, 5);
  const far = f32x4.gt(a, half);
  const z = v128.bitselect(f32x4.mul(f32x4.sub(constant(C, 4), a), half), f32x4.mul(a, a), far);
  const y = asinPolynomial(v128.bitselect(f32x4.sqrt(z), a, far), z);
  const two = f32x4.add(y, y);
  const left = i32x4.shr_s(x, 31);
  const outer = v128.bitselect(f32x4.sub(constant(C, 3), two), two, left);
  const inner = f32x4.sub(constant(C, 2), v128.or(y, v128.and(x, constant(SIGN, 0))));
  return v128.bitselect(outer, inner, far);
}
