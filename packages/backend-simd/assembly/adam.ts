// One step of Adam over n weights, all rows of float32:
//
//   m′ = β₁ m + w₁ g,   v′ = β₂ v + w₂ g²,   p′ = decay·p − rate·m′ / (√v′ + ε)
//
// The caller puts clipping into w₁ and w₂, and the bias corrections into rate and ε. A weight's result depends on
// nothing else; each operation is rounded once.

/** Goes in steps of 16 bytes. @param c w₁, β₁, w₂, β₂, decay, rate, ε: seven floats */
export function adamStep(
  p: usize, m: usize, v: usize, g: usize, outP: usize, outM: usize, outV: usize, n: i32, c: usize,
): void {
  const w1 = v128.load32_splat(c);
  const beta1 = v128.load32_splat(c, 4);
  const w2 = v128.load32_splat(c, 8);
  const beta2 = v128.load32_splat(c, 12);
  const decay = v128.load32_splat(c, 16);
  const rate = v128.load32_splat(c, 20);
  const epsilon = v128.load32_splat(c, 24);
  const end = <usize>n << 2;
  for (let o: usize = 0; o < end; o += 16) {
    const gradient = v128.load(g + o);
    const first = f32x4.add(f32x4.mul(beta1, v128.load(m + o)), f32x4.mul(w1, gradient));
    const square = f32x4.mul(gradient, gradient);
    const second = f32x4.add(f32x4.mul(beta2, v128.load(v + o)), f32x4.mul(w2, square));
    const direction = f32x4.div(first, f32x4.add(f32x4.sqrt(second), epsilon));
    v128.store(outM + o, first);
    v128.store(outV + o, second);
    v128.store(outP + o, f32x4.sub(f32x4.mul(decay, v128.load(p + o)), f32x4.mul(rate, direction)));
  }
}

/** Σ x², in runs of 32 float32 additions a lane, then float64. Goes in steps of 16 bytes over whole vectors. */
export function sumOfSquares(x: usize, n: i32): f64 {
  let sum = f64x2.splat(0);
  const whole = x + (<usize>(n & ~3) << 2);
  while (x < whole) {
    const end = min(x + 32 * 64, whole);
    let a = i64x2.splat(0);
    let b = a;
    let c = a;
    let d = a;
    for (; x + 64 <= end; x += 64) {
      const p = v128.load(x);
      const q = v128.load(x, 16);
      const r = v128.load(x, 32);
      const s = v128.load(x, 48);
      a = f32x4.add(a, f32x4.mul(p, p));
      b = f32x4.add(b, f32x4.mul(q, q));
      c = f32x4.add(c, f32x4.mul(r, r));
      d = f32x4.add(d, f32x4.mul(s, s));
    }
    for (; x < end; x += 16) {
      const p = v128.load(x);
      a = f32x4.add(a, f32x4.mul(p, p));
    }
    const t = f32x4.add(f32x4.add(a, b), f32x4.add(c, d));
    sum = f64x2.add(sum, f64x2.add(f64x2.promote_low_f32x4(t), f64x2.promote_low_f32x4(v128.shuffle<i64>(t, t, 1, 1))));
  }
  let total = f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
  for (let i = n & 3; i > 0; i--) {
    total += <f64>load<f32>(x) * <f64>load<f32>(x);
    x += 4;
  }
  return total;
}
