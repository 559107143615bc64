// ln x for positive normal finite x. Error ≤ 1 ulp.
//
// x = 2ᵉ (1 + f), √½ ≤ 1 + f < √2:  ln x = e ln 2 + f − f²/2 + f³ P(f), P a weighted minimax fit (relative error of
// the whole 6·10⁻⁹); ln 2 in two parts. Constants as in exp-bounded.ts.
import { fma } from './fma';

const LOG: usize = memory.data<f32>([
  0.3333333134651184,
  -0.2500081956386566,
  0.2000124156475067,
  -0.166234090924263,
  0.14201581478118896,
  -0.1315961331129074,
  0.12762197852134705,
  -0.0763639584183693,
  0.693359375, // ln 2, high part
  -2.12194440e-4, // ln 2, low part
  -0.5,
  1,
  0.70710678, // √½
]);

@inline
export function logConstant(i: i32): v128 {
  return v128.load32_splat(LOG + (<usize>i << 2));
}

/** The constants c0 … c12 are logConstant(0) … logConstant(12), loaded before the loop. */
@inline
export function logPositive(
  x: v128, c0: v128, c1: v128, c2: v128, c3: v128, c4: v128, c5: v128, c6: v128, c7: v128, c8: v128, c9: v128, c10: v128, c11: v128, c12: v128,
): v128 {
  const e = i32x4.shr_s(i32x4.sub(x, c12), 23);
  const f = f32x4.sub(i32x4.sub(x, i32x4.shl(e, 23)), c11);
  const exponent = f32x4.convert_i32x4_s(e);
  const f2 = f32x4.mul(f, f);
  let p = fma(c7, f, c6);
  p = fma(p, f, c5);
  p = fma(p, f, c4);
  p = fma(p, f, c3);
  p = fma(p, f, c2);
  p = fma(p, f, c1);
  p = fma(p, f, c0);
  let y = fma(exponent, c9, f32x4.mul(f32x4.mul(f2, f), p));
  y = fma(f2, c10, y);
  return fma(exponent, c8, f32x4.add(f, y));
}

/** One vector; in loops, load the constants before. */
@inline
export function logVector(x: v128): v128 {
  return logPositive(
    x, logConstant(0), logConstant(1), logConstant(2), logConstant(3), logConstant(4), logConstant(5), logConstant(6),
    logConstant(7), logConstant(8), logConstant(9), logConstant(10), logConstant(11), logConstant(12),
  );
}
