// Posterior mean and log-density of a mixture of isotropic Gaussians under noise, streaming over the components:
//
//   v_ik = variance_k + noise_i,   ℓ_ik = logWeights_k − d/2 ln(2π v_ik) − |x_i − c_k|²/(2 v_ik)
//   logDensity_i = ln Σ_k exp ℓ_ik,   r_ik = exp(ℓ_ik − logDensity_i)
//   mean_i = Σ_k r_ik (c_k + (variance_k/v_ik)(x_i − c_k)), or Σ_k r_ik values_k; the result is that, or a x_i + b mean_i
//
// Eight points at a time, one in each lane; blocks of 64 components go through distances, exponents, weights and
// weighted sums in buffers that stay in the L1 cache. The maximum is carried from block to block (online softmax). Sums
// within a block are float32, over blocks float64, so that 10⁵ components lose nothing. With more than one block,
// several panels share a block while it is in the cache. A point whose sums leave the range of float32 (very far, or
// of very small variance) is done again alone in float64 (mixture-row.ts).
//
// What depends on v is made once where it can be: for all points and components, for each point (noise per row), or
// for each component (variance per component); only with both per row and per component is it made for each pair.
import { expVector } from './exp-bounded';
import { fma } from './fma';
import { logConstant, logPositive, logVector } from './log-positive';
import { exponentsEach, exponentsPair, exponentsShared } from './mixture-exponents';
import { NARROW, narrowExponents, narrowSums } from './mixture-narrow';
import { mixtureRow } from './mixture-row';
import {
  BLOCK, BLOCK_BYTES, EACH, GAIN_CENTRE, GAIN_X, HALF_INVERSE, LN_2PI, LOG_FACTOR, MAXIMUM, Mixture, NEW_MAXIMUM, PAIR,
  POINTS, ROW_NOISE, SHARED, SUM, SUM64, SUM_GAIN, SUM_GAIN64,
} from './mixture-state';
import { weights, weightsEach, weightsPair } from './mixture-weights';
import { LANES, packRows, unpackRows } from './panel';
import { squaredDistances } from './squared-distances';
import { weightedRows } from './weighted-rows';

const LOWEST: f32 = -f32.MAX_VALUE;
/** Between these, sums and 1/(2v) are those of an ordinary point. */
const RANGE: usize = memory.data<f32>([1e-37, 1e37]);

/** Panels that share a block of components at most. */
const PANELS: usize = 8;

function stateBytes(d: i32, m: i32, count: i32): usize {
  return POINTS + <usize>d * 32 + <usize>m * (count > BLOCK ? 96 : 32);
}

/** Panels that do share one: their states stay in the cache. */
function panelsOf(d: i32, m: i32, count: i32): i32 {
  return <i32>max<usize>(1, min<usize>(PANELS, 65536 / stateBytes(d, m, count)));
}

/** Scratch bytes that `softmaxMean` needs; m is the row length of the result. */
export function softmaxMeanScratch(d: i32, m: i32, count: i32): i32 {
  const staging = <usize>max(max(d, m), 1) * 64;
  const perComponent = <usize>16 * <usize>count;
  const states = <usize>panelsOf(d, m, count) * stateBytes(d, m, count);
  return <i32>(<usize>offsetof<Mixture>() + 64 + perComponent + 2 * PANELS * BLOCK_BYTES + staging + states);
}

/**
 * @param x n rows of d; @param centres `count` rows of d; @param logWeights count
 * @param variances count of them, or 0: the number `variance`
 * @param noises n of them, or 0: the number `noise`
 * @param values count rows of m, or 0: then m is d
 * @param blends 1: blendX·x + blendMean·mean is the result, and m is d; 0: the mean is
 * @param mean n rows of m; @param logDensity n
 */
export function softmaxMean(
  x: usize, n: i32, d: i32, centres: usize, count: i32, logWeights: usize,
  variances: usize, variance: f64, noises: usize, noise: f64, values: usize, m: i32,
  blends: i32, blendX: f64, blendMean: f64, mean: usize, logDensity: usize, scratch: usize,
): void {
  const job = changetype<Mixture>(scratch);
  let at = scratch + ((offsetof<Mixture>() + 15) & ~15);
  job.buffers = at;
  job.inverses = at + PANELS * BLOCK_BYTES;
  at += 2 * PANELS * BLOCK_BYTES;
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
  job.blends = blends !== 0;
  job.blendX = <f32>blendX;
  job.blendMean = <f32>blendMean;
  job.mode = variances === 0 ? SHARED : noises === 0 ? EACH : PAIR;
  if (job.mode === EACH) prepareEach(job, noise);

  const size = stateBytes(d, m, count);
  const panels = panelsOf(d, m, count);
  for (let g = 0; g < min(panels, (n + LANES - 1) / LANES); g++) prepareState(job, states + <usize>g * size, noise);
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
      // Each step for all panels in turn: they do not wait for each other, so the processor overlaps them.
      const part = min(BLOCK, count - k);
      for (let g = 0; g < here; g++) blockExponents(job, states + <usize>g * size, g, k, part);
      for (let g = 0; g < here; g++) blockSums(job, states + <usize>g * size, g, k, part);
    }
    for (let g = 0; g < here; g++) {
      const row = first + g * LANES;
      const state = states + <usize>g * size;
      const rows = min(LANES, n - row);
      const toMean = mean + <usize>row * rowMean;
      const toLog = logDensity + (<usize>row << 2);
      const good = finish(job, state, rows, toMean, toLog);
      if (good === 0xff) continue;
      for (let lane = 0; lane < rows; lane++) {
        if (good & (1 << lane)) continue;
        const rowAt = x + <usize>(row + lane) * rowX;
        const meanAt = toMean + <usize>lane * rowMean;
        mixtureRow(
          rowAt, d, centres, count, logWeights, variances, variance,
          noises === 0 ? noise : <f64>load<f32>(noises + (<usize>(row + lane) << 2)), values, m,
          meanAt, toLog + (<usize>lane << 2),
        );
        if (blends) blendRow(job, rowAt, meanAt);
      }
    }
  }
}

function blendRow(job: Mixture, x: usize, mean: usize): void {
  for (let c: usize = 0; c < <usize>job.m << 2; c += 4) {
    const both = <f64>job.blendX * <f64>load<f32>(x + c) + <f64>job.blendMean * <f64>load<f32>(mean + c);
    store<f32>(mean + c, <f32>both);
  }
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
  if (noises === 0) return;
  for (let lane = 0; lane < LANES; lane++) {
    store<f32>(state + (<usize>lane << 2), load<f32>(noises + (<usize>min(lane, rows - 1) << 2)), ROW_NOISE);
  }
  if (job.mode === SHARED) {
    sharedPerRow(job, state);
    sharedPerRow(job, state + 16);
  }
}

/** What stays in the state of a panel from one panel to the next: the factors, where they do not depend on the row. */
function prepareState(job: Mixture, state: usize, noise: f64): void {
  const shared = job.mode === SHARED;
  const v = job.variance + noise;
  // Elsewhere the exponents have these factors in them, and 1 is a 1/(2v) in range.
  both(state + HALF_INVERSE, f32x4.splat(shared ? <f32>(0.5 / v) : 1));
  both(state + LOG_FACTOR, f32x4.splat(shared ? <f32>(-0.5 * <f64>job.d * (Math.log(v) + LN_2PI)) : 0));
  both(state + GAIN_X, f32x4.splat(<f32>(job.variance / v)));
  both(state + GAIN_CENTRE, f32x4.splat(<f32>(noise / v)));
}

/** Mode SHARED with noise per row: four lanes. */
function sharedPerRow(job: Mixture, lanes: usize): void {
  const rowNoise = v128.load(lanes, ROW_NOISE);
  const variance = f32x4.splat(<f32>job.variance);
  const v = f32x4.add(variance, rowNoise);
  v128.store(lanes, f32x4.div(f32x4.splat(0.5), v), HALF_INVERSE);
  const logFactor = f32x4.mul(f32x4.splat(<f32>(-0.5 * <f64>job.d)), f32x4.add(logVector(v), f32x4.splat(<f32>LN_2PI)));
  v128.store(lanes, logFactor, LOG_FACTOR);
  v128.store(lanes, f32x4.div(variance, v), GAIN_X);
  v128.store(lanes, f32x4.div(rowNoise, v), GAIN_CENTRE);
}

/** Exponents of components first … first + count − 1 into the buffer of panel g. */
function blockExponents(job: Mixture, state: usize, g: i32, first: i32, count: i32): void {
  const offset = <usize>first << 2;
  const buffer = job.buffers + <usize>g * BLOCK_BYTES;
  const points = state + POINTS;
  const centres = job.centres + <usize>job.d * offset;
  const logWeights = job.logWeights + offset;
  if (job.mode === SHARED && 1 <= job.d && job.d <= NARROW) {
    const half = state + HALF_INVERSE;
    narrowExponents(job.d, points, centres, logWeights, count, half, state + MAXIMUM, state + NEW_MAXIMUM, buffer);
    return;
  }
  squaredDistances(points, centres, job.d, count, buffer);
  if (job.mode === SHARED) exponentsShared(state, buffer, logWeights, count);
  else if (job.mode === EACH) exponentsEach(state, buffer, job.logits + offset, job.halfInverses + offset, count);
  else {
    const inverses = job.inverses + <usize>g * BLOCK_BYTES;
    exponentsPair(state, buffer, inverses, logWeights, job.variances + offset, job.d, count);
  }
}

/** Then their weights and weighted sums. */
function blockSums(job: Mixture, state: usize, g: i32, first: i32, count: i32): void {
  const offset = <usize>first << 2;
  const buffer = job.buffers + <usize>g * BLOCK_BYTES;
  const rows = job.rows + <usize>job.m * offset;
  const sums = state + POINTS + <usize>job.d * 32;
  if (job.mode === SHARED && 1 <= job.m && job.m <= NARROW) {
    narrowSums(job.m, buffer, rows, count, state + NEW_MAXIMUM, state + SUM, sums);
  } else {
    if (job.mode === SHARED || job.hasValues) weights(state, buffer, count);
    else if (job.mode === EACH) weightsEach(state, buffer, job.gainsX + offset, job.gainsCentre + offset, count);
    else weightsPair(state, buffer, job.inverses + <usize>g * BLOCK_BYTES, job.variances + offset, count);
    weightedRows(buffer, rows, job.m, count, sums);
  }
  if (job.count > BLOCK) carry(state, sums, job.m, first + count === job.count);
  copyLanes(state + MAXIMUM, state + NEW_MAXIMUM);
}

/** Adds the sums of a block to the sums so far, in float64; after the last block, brings them back to float32. */
function carry(state: usize, sums: usize, m: i32, last: bool): void {
  const total = sums + <usize>m * 32;
  for (let half: usize = 0; half < 2; half++) {
    const from = state + (half << 4);
    const scale = expVector(f32x4.sub(v128.load(from, MAXIMUM), v128.load(from, NEW_MAXIMUM)));
    const low = f64x2.promote_low_f32x4(scale);
    const high = f64x2.promote_low_f32x4(v128.shuffle<i64>(scale, scale, 1, 1));
    carryOne(from + SUM, state + SUM64 + (half << 5), low, high, last);
    carryOne(from + SUM_GAIN, state + SUM_GAIN64 + (half << 5), low, high, last);
    for (let c: usize = 0; c < <usize>m; c++) {
      carryOne(sums + (half << 4) + (c << 5), total + (half << 5) + (c << 6), low, high, last);
    }
  }
}

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
  const s0 = v128.load(state, SUM);
  const s1 = v128.load(state, SUM + 16);
  const inverse0 = f32x4.div(f32x4.splat(1), s0);
  const inverse1 = f32x4.div(f32x4.splat(1), s1);
  const end = sums + <usize>job.m * 32;
  if (job.hasValues) {
    for (let at = sums; at < end; at += 32) {
      v128.store(at, f32x4.mul(v128.load(at), inverse0));
      v128.store(at, f32x4.mul(v128.load(at, 16), inverse1), 16);
    }
  } else {
    const shared = job.mode === SHARED;
    const x0 = shared ? v128.load(state, GAIN_X) : f32x4.mul(v128.load(state, SUM_GAIN), inverse0);
    const x1 = shared ? v128.load(state, GAIN_X + 16) : f32x4.mul(v128.load(state, SUM_GAIN + 16), inverse1);
    const c0 = shared ? f32x4.mul(v128.load(state, GAIN_CENTRE), inverse0) : inverse0;
    const c1 = shared ? f32x4.mul(v128.load(state, GAIN_CENTRE + 16), inverse1) : inverse1;
    let point = state + POINTS;
    for (let at = sums; at < end; at += 32) {
      v128.store(at, fma(x0, v128.load(point), f32x4.mul(v128.load(at), c0)));
      v128.store(at, fma(x1, v128.load(point, 16), f32x4.mul(v128.load(at, 16), c1)), 16);
      point += 32;
    }
  }
  if (job.blends) {
    const a = f32x4.splat(job.blendX);
    const b = f32x4.splat(job.blendMean);
    const toPoint = <usize>job.d * 32;
    for (let at = sums; at < end; at += 16) {
      v128.store(at, fma(a, v128.load(at - toPoint), f32x4.mul(b, v128.load(at))));
    }
  }
  logPanel(state, job.staging);
  if (rows === LANES) copyLanes(logDensity, job.staging);
  else memory.copy(logDensity, job.staging, <usize>rows << 2);
  unpackRows(sums, rows, job.m, mean, job.staging);
  return inRange(state) | (inRange(state + 16) << 4);
}

/** maximum + ln Σ r − d/2 ln 2πv of eight lanes. */
function logPanel(state: usize, out: usize): void {
  const c0 = logConstant(0);
  const c1 = logConstant(1);
  const c2 = logConstant(2);
  const c3 = logConstant(3);
  const c4 = logConstant(4);
  const c5 = logConstant(5);
  const c6 = logConstant(6);
  const c7 = logConstant(7);
  const c8 = logConstant(8);
  const c9 = logConstant(9);
  const c10 = logConstant(10);
  const c11 = logConstant(11);
  const c12 = logConstant(12);
  const l0 = logPositive(v128.load(state, SUM), c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12);
  const l1 = logPositive(v128.load(state, SUM + 16), c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12);
  v128.store(out, f32x4.add(v128.load(state, MAXIMUM), f32x4.add(l0, v128.load(state, LOG_FACTOR))));
  v128.store(out, f32x4.add(v128.load(state, MAXIMUM + 16), f32x4.add(l1, v128.load(state, LOG_FACTOR + 16))), 16);
}

/** Four lanes: is Σ r a positive number, and 1/(2v) one of float32? */
@inline
function inRange(lanes: usize): i32 {
  const tiny = v128.load32_splat(RANGE);
  const huge = v128.load32_splat(RANGE, 4);
  const sum = v128.load(lanes, SUM);
  const half = v128.load(lanes, HALF_INVERSE);
  const sums = v128.and(f32x4.gt(sum, f32x4.splat(0)), f32x4.lt(sum, huge));
  return i32x4.bitmask(v128.and(sums, v128.and(f32x4.gt(half, tiny), f32x4.lt(half, huge))));
}

@inline
function copyLanes(to: usize, from: usize): void {
  v128.store(to, v128.load(from));
  v128.store(to, v128.load(from, 16), 16);
}
