// Exponents of a block → weights exp(exponent − maximum), in place, and their sums. Formulas in softmax-mean.ts.
import { expBounded, expConstant } from './exp-bounded';
import { fma } from './fma';
import { NEW_MAXIMUM, ROW_NOISE, SUM, SUM_GAIN } from './mixture-state';

/** Exponents → weights relative to the maximum, and their sum. */
export function weights(state: usize, at: usize, count: i32): void {
  const c0 = expConstant(0);
  const c1 = expConstant(1);
  const c2 = expConstant(2);
  const c3 = expConstant(3);
  const c4 = expConstant(4);
  const c5 = expConstant(5);
  const c6 = expConstant(6);
  const c7 = expConstant(7);
  const c8 = expConstant(8);
  const c9 = expConstant(11);
  const c10 = expConstant(10);
  const m0 = v128.load(state, NEW_MAXIMUM);
  const m1 = v128.load(state, NEW_MAXIMUM + 16);
  let s0 = f32x4.splat(0);
  let s1 = s0;
  const end = at + (<usize>count << 5);
  for (; at < end; at += 32) {
    const r0 = expBounded(f32x4.sub(v128.load(at), m0), c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10);
    const r1 = expBounded(f32x4.sub(v128.load(at, 16), m1), c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10);
    s0 = f32x4.add(s0, r0);
    s1 = f32x4.add(s1, r1);
    v128.store(at, r0);
    v128.store(at, r1, 16);
  }
  v128.store(state, s0, SUM);
  v128.store(state, s1, SUM + 16);
}

/** The same with gains per component: the weights of the centres, Σ r, and Σ r·variance/v. */
export function weightsEach(state: usize, at: usize, gainsX: usize, gainsCentre: usize, count: i32): void {
  weights(state, at, count);
  let g0 = f32x4.splat(0);
  let g1 = g0;
  const end = at + (<usize>count << 5);
  for (; at < end; at += 32) {
    const gainX = v128.load32_splat(gainsX);
    const gainCentre = v128.load32_splat(gainsCentre);
    const r0 = v128.load(at);
    const r1 = v128.load(at, 16);
    g0 = fma(r0, gainX, g0);
    g1 = fma(r1, gainX, g1);
    v128.store(at, f32x4.mul(r0, gainCentre));
    v128.store(at, f32x4.mul(r1, gainCentre), 16);
    gainsX += 4;
    gainsCentre += 4;
  }
  v128.store(state, g0, SUM_GAIN);
  v128.store(state, g1, SUM_GAIN + 16);
}

/** The same with gains per pair, from 1/v. */
export function weightsPair(state: usize, at: usize, inverses: usize, variances: usize, count: i32): void {
  weights(state, at, count);
  const n0 = v128.load(state, ROW_NOISE);
  const n1 = v128.load(state, ROW_NOISE + 16);
  let g0 = f32x4.splat(0);
  let g1 = g0;
  const end = at + (<usize>count << 5);
  for (; at < end; at += 32) {
    const variance = v128.load32_splat(variances);
    const r0 = f32x4.mul(v128.load(at), v128.load(inverses));
    const r1 = f32x4.mul(v128.load(at, 16), v128.load(inverses, 16));
    g0 = fma(r0, variance, g0);
    g1 = fma(r1, variance, g1);
    v128.store(at, f32x4.mul(r0, n0));
    v128.store(at, f32x4.mul(r1, n1), 16);
    variances += 4;
    inverses += 32;
  }
  v128.store(state, g0, SUM_GAIN);
  v128.store(state, g1, SUM_GAIN + 16);
}
