// Distances of a block → exponents logit − |x − c|²/(2v), in place, and the maximum with them: the maximum so far is in
// the state, the new one is put beside it. Formulas in softmax-mean.ts.
import { fma, fnma } from './fma';
import { logVector } from './log-positive';
import { HALF_INVERSE, LN_2PI, MAXIMUM, NEW_MAXIMUM, ROW_NOISE } from './mixture-state';

/** Distances → exponents, and the maximum, where 1/(2v) belongs to the lane. */
export function exponentsShared(state: usize, at: usize, logits: usize, count: i32): void {
  const h0 = v128.load(state, HALF_INVERSE);
  const h1 = v128.load(state, HALF_INVERSE + 16);
  let m0 = v128.load(state, MAXIMUM);
  let m1 = v128.load(state, MAXIMUM + 16);
  const end = at + (<usize>count << 5);
  for (; at < end; at += 32) {
    const logit = v128.load32_splat(logits);
    const e0 = fnma(h0, v128.load(at), logit);
    const e1 = fnma(h1, v128.load(at, 16), logit);
    m0 = f32x4.pmax(m0, e0);
    m1 = f32x4.pmax(m1, e1);
    v128.store(at, e0);
    v128.store(at, e1, 16);
    logits += 4;
  }
  v128.store(state, m0, NEW_MAXIMUM);
  v128.store(state, m1, NEW_MAXIMUM + 16);
}

/** The same where 1/(2v) belongs to the component. */
export function exponentsEach(state: usize, at: usize, logits: usize, halfInverses: usize, count: i32): void {
  let m0 = v128.load(state, MAXIMUM);
  let m1 = v128.load(state, MAXIMUM + 16);
  const end = at + (<usize>count << 5);
  for (; at < end; at += 32) {
    const logit = v128.load32_splat(logits);
    const h = v128.load32_splat(halfInverses);
    const e0 = fnma(h, v128.load(at), logit);
    const e1 = fnma(h, v128.load(at, 16), logit);
    m0 = f32x4.pmax(m0, e0);
    m1 = f32x4.pmax(m1, e1);
    v128.store(at, e0);
    v128.store(at, e1, 16);
    logits += 4;
    halfInverses += 4;
  }
  v128.store(state, m0, NEW_MAXIMUM);
  v128.store(state, m1, NEW_MAXIMUM + 16);
}

/** The same where v belongs to the pair; leaves 1/v in `inverses`. */
export function exponentsPair(state: usize, buffer: usize, inverses: usize, logWeights: usize, variances: usize, d: i32, count: i32): void {
  const one = f32x4.splat(1);
  const halfD = f32x4.splat(<f32>(-0.5 * <f64>d));
  const ln2pi = f32x4.splat(<f32>LN_2PI);
  const minusHalf = f32x4.splat(-0.5);
  for (let half: usize = 0; half < 32; half += 16) {
    const noise = v128.load(state + half, ROW_NOISE);
    let maximum = v128.load(state + half, MAXIMUM);
    for (let k: usize = 0; k < <usize>count; k++) {
      const at = buffer + half + (k << 5);
      const v = f32x4.add(v128.load32_splat(variances + (k << 2)), noise);
      const inverse = f32x4.div(one, v);
      v128.store(inverses + half + (k << 5), inverse);
      const logit = fma(halfD, f32x4.add(logVector(v), ln2pi), v128.load32_splat(logWeights + (k << 2)));
      const e = fma(f32x4.mul(inverse, minusHalf), v128.load(at), logit);
      maximum = f32x4.pmax(maximum, e);
      v128.store(at, e);
    }
    v128.store(state + half, maximum, NEW_MAXIMUM);
  }
}
