// e^x for the exponents of softmax: x ≤ 88.3, no infinities above. Below −87.3 the result is exactly 0 (no
// subnormals), also at −∞; NaN stays NaN. Error ≤ 1 ulp.
//
// x = n ln 2 + r, |r| ≤ ½ ln 2:  e^x = 2ⁿ (1 + (r + r² P(r))). n comes out of the low bits of x·log₂e + 1.5·2²³.
// P is a weighted minimax fit (relative error 3·10⁻⁹). The constants live in memory and are splatted into locals
// before a loop: as literals they would be rebuilt at each iteration.
import { fma, fnma } from './fma';

const EXP: usize = memory.data<f32>([
  1.44269504, // log₂ e
  12582912, // 1.5·2²³
  0.693145752, // ln 2, high part (15 bits)
  1.42860677e-6, // ln 2, low part
  0.4999999403953552,
  0.1666652113199234,
  0.04166825860738754,
  0.00836867094039917,
  0.0013821355532854795,
  -87.3, // below: 0
  1,
  -60, // below, a weight beside a weight of 1 is 0
]);

@inline
export function expConstant(i: i32): v128 {
  return v128.load32_splat(EXP + (<usize>i << 2));
}

/**
 * The constants c0 … c10 are expConstant(0) … expConstant(10), loaded before the loop. With expConstant(11) for c9 the
 * result is 0 already below −60: for weights relative to a maximum, whose products would else be subnormal, and slow.
 */
@inline
export function expBounded(
  x: v128, c0: v128, c1: v128, c2: v128, c3: v128, c4: v128, c5: v128, c6: v128, c7: v128, c8: v128, c9: v128, c10: v128,
): v128 {
  const shifted = fma(x, c0, c1);
  const n = f32x4.sub(shifted, c1);
  const r = fnma(n, c3, fnma(n, c2, x));
  let p = fma(c8, r, c7);
  p = fma(p, r, c6);
  p = fma(p, r, c5);
  p = fma(p, r, c4);
  const q = fma(f32x4.mul(r, r), p, r);
  const power = i32x4.add(i32x4.shl(shifted, 23), c10);
  return v128.andnot(fma(q, power, power), f32x4.lt(x, c9));
}

/** One vector; in loops, load the constants before. */
@inline
export function expVector(x: v128): v128 {
  return expBounded(
    x, expConstant(0), expConstant(1), expConstant(2), expConstant(3), expConstant(4), expConstant(5), expConstant(6),
    expConstant(7), expConstant(8), expConstant(9), expConstant(10),
  );
}
