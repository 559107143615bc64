// Reductions over all pairs (x_i, y_j) of rows of a function of D²_ij = |x_i − y_j|², streaming over j:
//
//   sumExp       out_i = Σ_j w_j exp(−scale·D²_ij)
//   sumDistance  out_i = Σ_j w_j D_ij
//   logSumExp    out_i = ln Σ_j exp(potential_j − scale·D²_ij)
//
// Eight rows of x at a time, one in each lane; 64 rows of y at a time through buffers that stay in the L1 cache, shared
// by several panels of x. Terms are summed by eights in float32, these in float64, so 10⁵ terms lose nothing. The pair
// i = j, where it is left out, has its term put to nothing in the buffer.
import { expBounded, expConstant } from './exp-bounded';
import { fma, fnma } from './fma';
import { LANES, packRows } from './panel';
import { squaredDistances } from './squared-distances';

/** Rows of y in a block. */
export const PAIR_BLOCK: i32 = 64;
const BUFFER_BYTES: usize = 2048;
/** Terms that are summed in float32. */
const RUN: i32 = 8;
/** Panels of x that share a block. */
const PANELS: i32 = 8;

const SUM_EXP: i32 = 0;
const SUM_DISTANCE: i32 = 1;

const LOWEST: f32 = -f32.MAX_VALUE;
/** Above the first, e^x is past float32; e. */
const CONSTANTS: usize = memory.data<f32>([89.2, Infinity, 1, 2.71828183]);

// State of a panel: float64 sums, maximum and new maximum of the exponents, then the panel of x.
const MAXIMUM: usize = 64;
const NEW_MAXIMUM: usize = 96;
const POINTS: usize = 128;

/** Scratch bytes that `pairwiseSum` needs. */
export function pairwiseSumScratch(d: i32): i32 {
  return <i32>(BUFFER_BYTES + <usize>d * 32 + <usize>PANELS * (POINTS + <usize>d * 32));
}

/**
 * @param reduce 0 sumExp, 1 sumDistance, 2 logSumExp
 * @param weights m weights w, or the potential; 0: no weights, all 1
 * @param out n
 * @param firstRow what number x's first row has, for the diagonal
 */
export function pairwiseSum(
  reduce: i32, x: usize, n: i32, d: i32, y: usize, m: i32, weights: usize, scale: f32, excludeDiagonal: bool, out: usize, scratch: usize,
  firstRow: i32,
): void {
  const buffer = scratch;
  const staging = scratch + BUFFER_BYTES;
  const states = staging + <usize>d * 32;
  const size = POINTS + <usize>d * 32;
  const rowBytes = <usize>d << 2;
  for (let first = 0; first < n; first += PANELS * LANES) {
    const panels = min(PANELS, (n - first + LANES - 1) / LANES);
    for (let g = 0; g < panels; g++) {
      const state = states + <usize>g * size;
      const row = first + g * LANES;
      memory.fill(state, 0, 64);
      v128.store(state, f32x4.splat(LOWEST), MAXIMUM);
      v128.store(state, f32x4.splat(LOWEST), MAXIMUM + 16);
      packRows(x + <usize>row * rowBytes, min(LANES, n - row), d, state + POINTS, staging);
    }
    for (let j = 0; j < m; j += PAIR_BLOCK) {
      const count = min(PAIR_BLOCK, m - j);
      const part: usize = weights === 0 ? 0 : weights + (<usize>j << 2);
      for (let g = 0; g < panels; g++) {
        const state = states + <usize>g * size;
        const row = first + g * LANES;
        squaredDistances(state + POINTS, y + <usize>j * rowBytes, d, count, buffer);
        if (reduce === SUM_EXP) {
          exponentials(buffer, scale, count);
          if (excludeDiagonal) leaveOut(buffer, firstRow + row, j, count, 0);
          addTerms(state, buffer, part, count);
        } else if (reduce === SUM_DISTANCE) {
          roots(buffer, count);
          if (excludeDiagonal) leaveOut(buffer, firstRow + row, j, count, 0);
          addTerms(state, buffer, part, count);
        } else {
          exponents(buffer, part, scale, count);
          if (excludeDiagonal) leaveOut(buffer, firstRow + row, j, count, -Infinity);
          addExponentials(state, buffer, count);
        }
      }
    }
    for (let g = 0; g < panels; g++) {
      const state = states + <usize>g * size;
      const row = first + g * LANES;
      for (let lane = 0; lane < min(LANES, n - row); lane++) {
        let value = load<f64>(state + (<usize>lane << 3));
        if (reduce > SUM_DISTANCE) value = <f64>load<f32>(state + (<usize>lane << 2), MAXIMUM) + Math.log(value);
        store<f32>(out + (<usize>(row + lane) << 2), <f32>value);
      }
    }
  }
}

/** Puts the terms of the pairs i = j of a block (rows of x from `row`, of y from `first`) to `nothing`. */
export function leaveOut(buffer: usize, row: i32, first: i32, count: i32, nothing: f32): void {
  for (let lane = 0; lane < LANES; lane++) {
    const j = row + lane - first;
    if (0 <= j && j < count) store<f32>(buffer + (<usize>j << 5) + (<usize>lane << 2), nothing);
  }
}

/** D² → exp(−scale·D²), up to ∞ where scale is negative. */
function exponentials(at: usize, scale: f32, count: i32): void {
  const c0 = expConstant(0);
  const c1 = expConstant(1);
  const c2 = expConstant(2);
  const c3 = expConstant(3);
  const c4 = expConstant(4);
  const c5 = expConstant(5);
  const c6 = expConstant(6);
  const c7 = expConstant(7);
  const c8 = expConstant(8);
  const c9 = expConstant(9);
  const c10 = expConstant(10);
  const factor = f32x4.splat(-scale);
  const end = at + (<usize>count << 5);
  if (scale >= 0) {
    for (; at < end; at += 32) {
      const e0 = f32x4.mul(factor, v128.load(at));
      const e1 = f32x4.mul(factor, v128.load(at, 16));
      v128.store(at, expBounded(e0, c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10));
      v128.store(at, expBounded(e1, c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10), 16);
    }
    return;
  }
  // e^x = e^(x − 1) e reaches the end of the range, beyond which it is ∞.
  const limit = v128.load32_splat(CONSTANTS);
  const infinity = v128.load32_splat(CONSTANTS, 4);
  const one = v128.load32_splat(CONSTANTS, 8);
  const euler = v128.load32_splat(CONSTANTS, 12);
  for (; at < end; at += 16) {
    const e = f32x4.mul(factor, v128.load(at));
    const r = f32x4.mul(euler, expBounded(f32x4.sub(e, one), c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10));
    v128.store(at, v128.bitselect(infinity, r, f32x4.gt(e, limit)));
  }
}

function roots(at: usize, count: i32): void {
  const end = at + (<usize>count << 5);
  for (; at < end; at += 16) v128.store(at, f32x4.sqrt(v128.load(at)));
}

/** Adds Σ_j w_j term_j of a block, by runs, to the float64 sums. */
function addTerms(state: usize, at: usize, weights: usize, count: i32): void {
  // One weight of 1 for all: a step of 0.
  const step: usize = weights === 0 ? 0 : 4;
  let w = weights === 0 ? CONSTANTS + 8 : weights;
  const end = at + (<usize>count << 5);
  while (at < end) {
    let s0 = f32x4.splat(0);
    let s1 = s0;
    const runEnd = min(at + ((<usize>RUN) << 5), end);
    for (; at < runEnd; at += 32) {
      const weight = v128.load32_splat(w);
      s0 = fma(weight, v128.load(at), s0);
      s1 = fma(weight, v128.load(at, 16), s1);
      w += step;
    }
    addSums(state, s0, s1);
  }
}

@inline
function addSums(state: usize, s0: v128, s1: v128): void {
  v128.store(state, f64x2.add(v128.load(state), f64x2.promote_low_f32x4(s0)));
  v128.store(state, f64x2.add(v128.load(state, 16), f64x2.promote_low_f32x4(v128.shuffle<i64>(s0, s0, 1, 1))), 16);
  v128.store(state, f64x2.add(v128.load(state, 32), f64x2.promote_low_f32x4(s1)), 32);
  v128.store(state, f64x2.add(v128.load(state, 48), f64x2.promote_low_f32x4(v128.shuffle<i64>(s1, s1, 1, 1))), 48);
}

/** D² → potential − scale·D². */
function exponents(at: usize, potential: usize, scale: f32, count: i32): void {
  const factor = f32x4.splat(scale);
  const end = at + (<usize>count << 5);
  for (; at < end; at += 32) {
    const start = v128.load32_splat(potential);
    v128.store(at, fnma(factor, v128.load(at), start));
    v128.store(at, fnma(factor, v128.load(at, 16), start), 16);
    potential += 4;
  }
}

/** Adds Σ_j exp(e_j) of a block to the float64 sums, all relative to the maximum so far. */
function addExponentials(state: usize, at: usize, count: i32): void {
  const old0 = v128.load(state, MAXIMUM);
  const old1 = v128.load(state, MAXIMUM + 16);
  let m0 = old0;
  let m1 = old1;
  const end = at + (<usize>count << 5);
  for (let p = at; p < end; p += 32) {
    m0 = f32x4.pmax(m0, v128.load(p));
    m1 = f32x4.pmax(m1, v128.load(p, 16));
  }
  v128.store(state, m0, MAXIMUM);
  v128.store(state, m1, MAXIMUM + 16);
  const c0 = expConstant(0);
  const c1 = expConstant(1);
  const c2 = expConstant(2);
  const c3 = expConstant(3);
  const c4 = expConstant(4);
  const c5 = expConstant(5);
  const c6 = expConstant(6);
  const c7 = expConstant(7);
  const c8 = expConstant(8);
  const c9 = expConstant(9);
  const c10 = expConstant(10);
  const k0 = expBounded(f32x4.sub(old0, m0), c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10);
  const k1 = expBounded(f32x4.sub(old1, m1), c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10);
  v128.store(state, f64x2.mul(v128.load(state), f64x2.promote_low_f32x4(k0)));
  v128.store(state, f64x2.mul(v128.load(state, 16), f64x2.promote_low_f32x4(v128.shuffle<i64>(k0, k0, 1, 1))), 16);
  v128.store(state, f64x2.mul(v128.load(state, 32), f64x2.promote_low_f32x4(k1)), 32);
  v128.store(state, f64x2.mul(v128.load(state, 48), f64x2.promote_low_f32x4(v128.shuffle<i64>(k1, k1, 1, 1))), 48);
  while (at < end) {
    let s0 = f32x4.splat(0);
    let s1 = s0;
    const runEnd = min(at + ((<usize>RUN) << 5), end);
    for (; at < runEnd; at += 32) {
      s0 = f32x4.add(s0, expBounded(f32x4.sub(v128.load(at), m0), c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10));
      s1 = f32x4.add(s1, expBounded(f32x4.sub(v128.load(at, 16), m1), c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10));
    }
    addSums(state, s0, s1);
  }
}
