// One step of Adam over n weights, all rows of float32, and their moving average:
//
//   m′ = β₁ m + w₁ g,   v′ = β₂ v + w₂ g²,   p′ = decay·p − rate·m′ / (√v′ + ε),   a′ = r a + (1 − r) p′
//
// The caller puts clipping into w₁ and w₂, and the bias corrections into rate and ε. A weight's result depends on
// nothing else; each operation is rounded once. Results may be written where the rows lie.

/** `x` of four elements, or of one in the first lane. */
@inline
function take(isOne: bool, x: usize): v128 {
  return isOne ? v128.load32_zero(x) : v128.load(x);
}

@inline
function put(isOne: bool, x: usize, value: v128): void {
  if (isOne) v128.store_lane<f32>(x, value, 0);
  else v128.store(x, value);
}

/** Elements from `o` on, in bytes; gives where it stopped: before `end`. */
@inline
function run(
  isOne: bool, p: usize, m: usize, v: usize, g: usize, outP: usize, outM: usize, outV: usize, a: usize, outA: usize,
  o: usize, end: usize, c: usize,
): usize {
  const w1 = v128.load32_splat(c);
  const beta1 = v128.load32_splat(c, 4);
  const w2 = v128.load32_splat(c, 8);
  const beta2 = v128.load32_splat(c, 12);
  const decay = v128.load32_splat(c, 16);
  const rate = v128.load32_splat(c, 20);
  const epsilon = v128.load32_splat(c, 24);
  const kept = v128.load32_splat(c, 28);
  const fresh = v128.load32_splat(c, 32);
  const step: usize = isOne ? 4 : 16;
  for (; o + step <= end; o += step) {
    const gradient = take(isOne, g + o);
    const first = f32x4.add(f32x4.mul(beta1, take(isOne, m + o)), f32x4.mul(w1, gradient));
    const square = f32x4.mul(gradient, gradient);
    const second = f32x4.add(f32x4.mul(beta2, take(isOne, v + o)), f32x4.mul(w2, square));
    const direction = f32x4.div(first, f32x4.add(f32x4.sqrt(second), epsilon));
    const weights = f32x4.sub(f32x4.mul(decay, take(isOne, p + o)), f32x4.mul(rate, direction));
    put(isOne, outM + o, first);
    put(isOne, outV + o, second);
    put(isOne, outP + o, weights);
    if (a) put(isOne, outA + o, f32x4.add(f32x4.mul(kept, take(isOne, a + o)), f32x4.mul(fresh, weights)));
  }
  return o;
}

/**
 * @param a average, or 0 for none
 * @param c w₁, β₁, w₂, β₂, decay, rate, ε, r, 1 − r: nine floats
 */
export function adamStep(
  p: usize, m: usize, v: usize, g: usize, outP: usize, outM: usize, outV: usize, a: usize, outA: usize, n: i32,
  c: usize,
): void {
  const end = <usize>n << 2;
  const o = run(false, p, m, v, g, outP, outM, outV, a, outA, 0, end, c);
  run(true, p, m, v, g, outP, outM, outV, a, outA, o, end, c);
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
