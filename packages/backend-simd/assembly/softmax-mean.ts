// Posterior mean and log-density of a mixture of isotropic Gaussians under noise, streaming over the components:
//
//   v_ik = variance_k + noise_i,   ℓ_ik = logWeights_k − d/2 ln(2π v_ik) − |x_i − c_k|²/(2 v_ik)
//   logDensity_i = ln Σ_k exp ℓ_ik,   r_ik = exp(ℓ_ik − logDensity_i)
//   mean_i = Σ_k r_ik (c_k + (variance_k/v_ik)(x_i − c_k)), or Σ_k r_ik values_k
//
// Eight points at a time, one in each lane; blocks of 64 components go through distances, exponents, weights and
// weighted sums in buffers that stay in the L1 cache. The maximum is carried from block to block (online softmax). Sums
// within a block are float32, over blocks float64, so that 10⁵ components lose nothing. With more than one block,
// several panels share a block while it is in the cache. A point whose sums leave the range of float32 (very far, or
// of very small variance) is done again alone in float64 (mixture-row.ts).
//
// What depends on v is made once where it can be: for all points and components, for each point (noise per row), or
// for each component (variance per component); only with both per row and per component is it made for each pair.
import { expBounded, expConstant } from './exp-bounded';
import { fma, fnma } from './fma';
import { logConstant, logPositive } from './log-positive';
import { NARROW, narrowExponents, narrowSums } from './mixture-narrow';
import { mixtureRow } from './mixture-row';
import { LANES, packRows, unpackRows } from './panel';
import { squaredDistances } from './squared-distances';
import { weightedRows } from './weighted-rows';

/** Components of a block. */
const BLOCK: i32 = 64;
const BLOCK_BYTES: usize = 2048;

const LN_2PI: f64 = 1.8378770664093453;
const LOWEST: f32 = -f32.MAX_VALUE;

// State of a panel, eight lanes each: the maximum so far and with the present block, 1/(2v), −d/2 ln(2πv), noise,
// gains of x and of the centres, Σ r and Σ r·variance/v of a block; the same in float64; then the panel of x, the
// weighted sums, and those in float64.
const MAXIMUM: usize = 0;
const NEW_MAXIMUM: usize = 32;
const HALF_INVERSE: usize = 64;
const LOG_FACTOR: usize = 96;
const ROW_NOISE: usize = 128;
const GAIN_X: usize = 160;
const GAIN_CENTRE: usize = 192;
const SUM: usize = 224;
const SUM_GAIN: usize = 256;
const SUM64: usize = 288;
const SUM_GAIN64: usize = 352;
const POINTS: usize = 416;

/** Between these, sums and 1/(2v) are those of an ordinary point. */
const RANGE: usize = memory.data<f32>([1e-37, 1e37]);

/** How v is made. */
const SHARED: i32 = 0; // the same for all components
const EACH: i32 = 1; // for each component
const PAIR: i32 = 2; // for each pair

@unmanaged
class Mixture {
  d: i32;
  count: i32;
  centres: usize;
  logWeights: usize;
  variances: usize;
  variance: f64;
  /** What is averaged: rows of m elements. */
  rows: usize;
  m: i32;
  hasValues: bool;
  mode: i32;
  /** Mode SHARED with one noise: −d/2 ln(2πv), 1/(2v), variance/v, noise/v. */
  logFactor: f32;
  halfInverse: f32;
  gainX: f32;
  gainCentre: f32;
  /** Mode EACH, for each component: logWeights − d/2 ln(2πv), 1/(2v), variance/v, noise/v. */
  logits: usize;
  halfInverses: usize;
  gainsX: usize;
  gainsCentre: usize;
  /** Buffers of a block: distances → exponents → weights; 1/v in mode PAIR. */
  buffer: usize;
  inverses: usize;
  staging: usize;
}

function stateBytes(d: i32, m: i32, count: i32): usize {
  return POINTS + <usize>d * 32 + <usize>m * (count > BLOCK ? 96 : 32);
}

/** Panels that share a block of components. */
function panelsOf(d: i32, m: i32, count: i32): i32 {
  return <i32>max<usize>(1, min<usize>(8, 65536 / stateBytes(d, m, count)));
}

/** Scratch bytes that `softmaxMean` needs; m is the row length of the result. */
export function softmaxMeanScratch(d: i32, m: i32, count: i32): i32 {
  const staging = <usize>max(max(d, m), 1) * 64;
  const perComponent = <usize>16 * <usize>count;
  const states = <usize>panelsOf(d, m, count) * stateBytes(d, m, count);
  return <i32>(<usize>offsetof<Mixture>() + 64 + perComponent + 2 * BLOCK_BYTES + staging + states);
}

/**
 * @param x n rows of d; @param centres `count` rows of d; @param logWeights count
 * @param variances count of them, or 0: the number `variance`
 * @param noises n of them, or 0: the number `noise`
 * @param values count rows of m, or 0: then m is d
 * @param mean n rows of m; @param logDensity n
 */
export function softmaxMean(
  x: usize, n: i32, d: i32, centres: usize, count: i32, logWeights: usize,
  variances: usize, variance: f64, noises: usize, noise: f64, values: usize, m: i32,
  mean: usize, logDensity: usize, scratch: usize,
): void {
  const job = changetype<Mixture>(scratch);
  let at = scratch + ((offsetof<Mixture>() + 15) & ~15);
  job.buffer = at;
  job.inverses = at + BLOCK_BYTES;
  at += 2 * BLOCK_BYTES;
  job.staging = at;
  at += <usize>max(max(d, m), 1) * 64;
  job.logits = at;
  job.halfInverses = at + 4 * <usize>count;
  job.gainsX = at + 8 * <usize>count;
  job.gainsCentre = at + 12 * <usize>count;
  const states = at + <usize>16 * <usize>count;
  job.d = d;
  job.count = count;
  job.centres = centres;
  job.logWeights = logWeights;
  job.variances = variances;
  job.variance = variance;
  job.rows = values === 0 ? centres : values;
  job.m = m;
  job.hasValues = values !== 0;
  job.mode = variances === 0 ? SHARED : noises === 0 ? EACH : PAIR;
  if (job.mode === EACH) prepareEach(job, noise);
  if (job.mode === SHARED) prepareShared(job, noise);

  const size = stateBytes(d, m, count);
  const panels = panelsOf(d, m, count);
  const rowX = <usize>d << 2;
  const rowMean = <usize>m << 2;
  for (let first = 0; first < n; first += panels * LANES) {
    const here = min(panels, (n - first + LANES - 1) / LANES);
    for (let g = 0; g < here; g++) {
      const row = first + g * LANES;
      const state = states + <usize>g * size;
      const rows = min(LANES, n - row);
      begin(job, state, x + <usize>row * rowX, rows, noises === 0 ? 0 : noises + (<usize>row << 2));
    }
    for (let k = 0; k < count; k += BLOCK) {
      for (let g = 0; g < here; g++) absorb(job, states + <usize>g * size, k, min(BLOCK, count - k));
    }
    for (let g = 0; g < here; g++) {
      const row = first + g * LANES;
      const state = states + <usize>g * size;
      const rows = min(LANES, n - row);
      const toMean = mean + <usize>row * rowMean;
      const toLog = logDensity + (<usize>row << 2);
      const inRange = finish(job, state, rows, toMean, toLog);
      if (inRange === 0xff) continue;
      for (let lane = 0; lane < rows; lane++) {
        if (inRange & (1 << lane)) continue;
        mixtureRow(
          x + <usize>(row + lane) * rowX, d, centres, count, logWeights, variances, variance,
          noises === 0 ? noise : <f64>load<f32>(noises + (<usize>(row + lane) << 2)), values, m,
          toMean + <usize>lane * rowMean, toLog + (<usize>lane << 2),
        );
      }
    }
  }
}

function prepareShared(job: Mixture, noise: f64): void {
  const v = job.variance + noise;
  job.logFactor = <f32>(-0.5 * <f64>job.d * (Math.log(v) + LN_2PI));
  job.halfInverse = <f32>(0.5 / v);
  job.gainX = <f32>(job.variance / v);
  job.gainCentre = <f32>(noise / v);
}

function prepareEach(job: Mixture, noise: f64): void {
  for (let k: usize = 0; k < <usize>job.count; k++) {
    const variance = <f64>load<f32>(job.variances + (k << 2));
    const v = variance + noise;
    const logFactor = -0.5 * <f64>job.d * (Math.log(v) + LN_2PI);
    store<f32>(job.logits + (k << 2), <f32>(<f64>load<f32>(job.logWeights + (k << 2)) + logFactor));
    store<f32>(job.halfInverses + (k << 2), <f32>(0.5 / v));
    store<f32>(job.gainsX + (k << 2), <f32>(variance / v));
    store<f32>(job.gainsCentre + (k << 2), <f32>(noise / v));
  }
}

// @ts-ignore: decorator
@inline
function both(at: usize, v: v128): void {
  v128.store(at, v);
  v128.store(at, v, 16);
}

function begin(job: Mixture, state: usize, x: usize, rows: i32, noises: usize): void {
  packRows(x, rows, job.d, state + POINTS, job.staging);
  both(state + MAXIMUM, f32x4.splat(LOWEST));
  if (job.count > BLOCK) {
    memory.fill(state + SUM64, 0, 128);
    memory.fill(state + POINTS + <usize>(job.d + job.m) * 32, 0, <usize>job.m * 64);
  }
  if (noises !== 0) {
    for (let lane = 0; lane < LANES; lane++) {
      store<f32>(state + (<usize>lane << 2), load<f32>(noises + (<usize>min(lane, rows - 1) << 2)), ROW_NOISE);
    }
  }
  if (job.mode !== SHARED) {
    both(state + HALF_INVERSE, f32x4.splat(1)); // in range
    both(state + LOG_FACTOR, f32x4.splat(0));
  } else if (noises === 0) {
    both(state + HALF_INVERSE, f32x4.splat(job.halfInverse));
    both(state + LOG_FACTOR, f32x4.splat(job.logFactor));
    both(state + GAIN_X, f32x4.splat(job.gainX));
    both(state + GAIN_CENTRE, f32x4.splat(job.gainCentre));
  } else {
    sharedPerRow(job, state);
    sharedPerRow(job, state + 16);
  }
}

/** Mode SHARED with noise per row: four lanes. */
function sharedPerRow(job: Mixture, lanes: usize): void {
  const rowNoise = v128.load(lanes, ROW_NOISE);
  const variance = f32x4.splat(<f32>job.variance);
  const v = f32x4.add(variance, rowNoise);
  v128.store(lanes, f32x4.div(f32x4.splat(0.5), v), HALF_INVERSE);
  const logFactor = f32x4.mul(f32x4.splat(<f32>(-0.5 * <f64>job.d)), f32x4.add(ln(v), f32x4.splat(<f32>LN_2PI)));
  v128.store(lanes, logFactor, LOG_FACTOR);
  v128.store(lanes, f32x4.div(variance, v), GAIN_X);
  v128.store(lanes, f32x4.div(rowNoise, v), GAIN_CENTRE);
}

function ln(x: v128): v128 {
  return logPositive(
    x, logConstant(0), logConstant(1), logConstant(2), logConstant(3), logConstant(4), logConstant(5), logConstant(6),
    logConstant(7), logConstant(8), logConstant(9), logConstant(10), logConstant(11), logConstant(12),
  );
}

function exp(x: v128): v128 {
  return expBounded(
    x, expConstant(0), expConstant(1), expConstant(2), expConstant(3), expConstant(4), expConstant(5), expConstant(6),
    expConstant(7), expConstant(8), expConstant(9), expConstant(10),
  );
}

/** Components first … first + count − 1 into the state of a panel. */
function absorb(job: Mixture, state: usize, first: i32, count: i32): void {
  const offset = <usize>first << 2;
  const points = state + POINTS;
  const centres = job.centres + <usize>job.d * offset;
  const rows = job.rows + <usize>job.m * offset;
  const sums = points + <usize>job.d * 32;
  let summed = false;
  if (job.mode === SHARED && 1 <= job.d && job.d <= NARROW) {
    const half = state + HALF_INVERSE;
    narrowExponents(job.d, points, centres, job.logWeights + offset, count, half, state + MAXIMUM, state + NEW_MAXIMUM, job.buffer);
  } else squaredDistances(points, centres, job.d, count, job.buffer);
  if (job.mode === SHARED) {
    if (job.d < 1 || job.d > NARROW) exponentsShared(state, job.buffer, job.logWeights + offset, count);
    summed = 1 <= job.m && job.m <= NARROW;
    if (summed) narrowSums(job.m, job.buffer, rows, count, state + NEW_MAXIMUM, state + SUM, sums);
    else weights(state, job.buffer, count);
  } else if (job.mode === EACH) {
    exponentsEach(state, job.buffer, job.logits + offset, job.halfInverses + offset, count);
    if (job.hasValues) weights(state, job.buffer, count);
    else weightsEach(state, job.buffer, job.gainsX + offset, job.gainsCentre + offset, count);
  } else {
    exponentsPair(job, state, first, count);
    if (job.hasValues) weights(state, job.buffer, count);
    else weightsPair(state, job.buffer, job.inverses, job.variances + offset, count);
  }
  if (!summed) weightedRows(job.buffer, rows, job.m, count, sums);
  if (job.count > BLOCK) carry(state, sums, job.m, first + count === job.count);
  copyLanes(state + MAXIMUM, state + NEW_MAXIMUM);
}

/** Distances → exponents, and the maximum, where 1/(2v) belongs to the lane. */
function exponentsShared(state: usize, at: usize, logits: usize, count: i32): void {
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
function exponentsEach(state: usize, at: usize, logits: usize, halfInverses: usize, count: i32): void {
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
function exponentsPair(job: Mixture, state: usize, first: i32, count: i32): void {
  let logWeights = job.logWeights + (<usize>first << 2);
  let variances = job.variances + (<usize>first << 2);
  const one = f32x4.splat(1);
  const halfD = f32x4.splat(<f32>(-0.5 * <f64>job.d));
  const ln2pi = f32x4.splat(<f32>LN_2PI);
  const minusHalf = f32x4.splat(-0.5);
  for (let half: usize = 0; half < 32; half += 16) {
    const noise = v128.load(state + half, ROW_NOISE);
    let maximum = v128.load(state + half, MAXIMUM);
    for (let k: usize = 0; k < <usize>count; k++) {
      const at = job.buffer + half + (k << 5);
      const v = f32x4.add(v128.load32_splat(variances + (k << 2)), noise);
      const inverse = f32x4.div(one, v);
      v128.store(job.inverses + half + (k << 5), inverse);
      const logit = fma(halfD, f32x4.add(ln(v), ln2pi), v128.load32_splat(logWeights + (k << 2)));
      const e = fma(f32x4.mul(inverse, minusHalf), v128.load(at), logit);
      maximum = f32x4.pmax(maximum, e);
      v128.store(at, e);
    }
    v128.store(state + half, maximum, NEW_MAXIMUM);
  }
}

/** Exponents → weights relative to the maximum, and their sum. */
function weights(state: usize, at: usize, count: i32): void {
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
function weightsEach(state: usize, at: usize, gainsX: usize, gainsCentre: usize, count: i32): void {
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
function weightsPair(state: usize, at: usize, inverses: usize, variances: usize, count: i32): void {
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

/** Adds the sums of a block to the sums so far, in float64; after the last block, brings them back to float32. */
function carry(state: usize, sums: usize, m: i32, last: bool): void {
  const total = sums + <usize>m * 32;
  for (let half: usize = 0; half < 2; half++) {
    const from = state + (half << 4);
    const scale = exp(f32x4.sub(v128.load(from, MAXIMUM), v128.load(from, NEW_MAXIMUM)));
    const low = f64x2.promote_low_f32x4(scale);
    const high = f64x2.promote_low_f32x4(v128.shuffle<i64>(scale, scale, 1, 1));
    carryOne(from + SUM, state + SUM64 + (half << 5), low, high, last);
    carryOne(from + SUM_GAIN, state + SUM_GAIN64 + (half << 5), low, high, last);
    for (let c: usize = 0; c < <usize>m; c++) {
      carryOne(sums + (half << 4) + (c << 5), total + (half << 5) + (c << 6), low, high, last);
    }
  }
}

// @ts-ignore: decorator
@inline
function carryOne(block: usize, total: usize, low: v128, high: v128, last: bool): void {
  const part = v128.load(block);
  const partHigh = v128.shuffle<i64>(part, part, 1, 1);
  const a = f64x2.add(f64x2.mul(v128.load(total), low), f64x2.promote_low_f32x4(part));
  const b = f64x2.add(f64x2.mul(v128.load(total, 16), high), f64x2.promote_low_f32x4(partHigh));
  v128.store(total, a);
  v128.store(total, b, 16);
  if (last) v128.store(block, v128.shuffle<i64>(f32x4.demote_f64x2_zero(a), f32x4.demote_f64x2_zero(b), 0, 2));
}

/** Means and log-densities of a panel from its sums. Returns the lanes for which float32 sufficed, as bits. */
function finish(job: Mixture, state: usize, rows: i32, mean: usize, logDensity: usize): i32 {
  const sums = state + POINTS + <usize>job.d * 32;
  const tiny = v128.load32_splat(RANGE);
  const huge = v128.load32_splat(RANGE, 4);
  const zero = f32x4.splat(0);
  const end = sums + <usize>job.m * 32;
  let inRange = 0;
  for (let half: usize = 0; half < 32; half += 16) {
    const from = state + half;
    const sum = v128.load(from, SUM);
    const halfInverse = v128.load(from, HALF_INVERSE);
    const variances = v128.and(f32x4.gt(halfInverse, tiny), f32x4.lt(halfInverse, huge));
    const sums32 = v128.and(f32x4.gt(sum, zero), f32x4.lt(sum, huge));
    inRange |= i32x4.bitmask(v128.and(variances, sums32)) << <i32>(half >> 2);
    const inverse = f32x4.div(f32x4.splat(1), sum);
    const log = f32x4.add(v128.load(from, MAXIMUM), f32x4.add(ln(sum), v128.load(from, LOG_FACTOR)));
    v128.store(job.staging + half, log);
    if (job.hasValues) {
      for (let at = sums + half; at < end; at += 32) v128.store(at, f32x4.mul(v128.load(at), inverse));
    } else {
      const shared = job.mode === SHARED;
      const gainX = shared ? v128.load(from, GAIN_X) : f32x4.mul(v128.load(from, SUM_GAIN), inverse);
      const gainCentre = shared ? f32x4.mul(v128.load(from, GAIN_CENTRE), inverse) : inverse;
      let point = from + POINTS;
      for (let at = sums + half; at < end; at += 32) {
        v128.store(at, fma(gainX, v128.load(point), f32x4.mul(v128.load(at), gainCentre)));
        point += 32;
      }
    }
  }
  if (rows === LANES) copyLanes(logDensity, job.staging);
  else memory.copy(logDensity, job.staging, <usize>rows << 2);
  unpackRows(sums, rows, job.m, mean, job.staging);
  return inRange;
}

// @ts-ignore: decorator
@inline
function copyLanes(to: usize, from: usize): void {
  v128.store(to, v128.load(from));
  v128.store(to, v128.load(from, 16), 16);
}
