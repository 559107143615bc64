/**
 * ln and exp in WGSL, accurate to about an ulp. The language only asks 3 ulp of `log`, 3 + 2|x| of `exp` and an
 * absolute 2⁻¹¹ of `cos`; these are the polynomials of the simd backend instead.
 */

/**
 * `lnPositive(x)` for positive normal x: x = 2ᵉ (1 + f), √½ ≤ 1 + f < √2, ln x = e ln 2 + f − f²/2 + f³ P(f).
 */
export const lnPositive: string = `
fn lnPositive(x: f32) -> f32 {
  let e = (bitcast<i32>(x) - 0x3f3504f3) >> 23u;
  let f = bitcast<f32>(bitcast<i32>(x) - (e << 23u)) - 1.0;
  let f2 = f * f;
  var p = fma(-0.0763639584183693, f, 0.12762197852134705);
  p = fma(p, f, -0.1315961331129074);
  p = fma(p, f, 0.14201581478118896);
  p = fma(p, f, -0.166234090924263);
  p = fma(p, f, 0.2000124156475067);
  p = fma(p, f, -0.2500081956386566);
  p = fma(p, f, 0.3333333134651184);
  var y = fma(f32(e), -2.12194440e-4, f2 * f * p);
  y = fma(f2, -0.5, y);
  return fma(f32(e), 0.693359375, f + y);
}
`;

/** `expOf(x)`: x = n ln 2 + r, |r| ≤ ½ ln 2, e^x = 2ⁿ (1 + r + r² P(r)); 0 below −87.3, ∞ above 88.7, NaN stays. */
export const expOf: string = `
fn expOf(x: f32) -> f32 {
  let n = round(clamp(x, -88.0, 89.0) * 1.44269504);
  let r = fma(n, -1.42860677e-6, fma(n, -0.693145752, x));
  var p = fma(0.0013821355532854795, r, 0.00836867094039917);
  p = fma(p, r, 0.04166825860738754);
  p = fma(p, r, 0.1666652113199234);
  p = fma(p, r, 0.4999999403953552);
  let q = fma(r * r, p, r);
  let half = i32(n) >> 1u;
  let first = bitcast<f32>((half + 127) << 23u);
  let second = bitcast<f32>((i32(n) - half + 127) << 23u);
  return select((1.0 + q) * first * second, 0.0, x < -87.3);
}
`;
