// out = Σᵢ wᵢ xᵢ + constant + c ξ over n rows of one length, with wᵢ and c numbers or one per row, ξ made on the way.
//
// Works through pieces that stay in the L1 cache: weights per row are spread over the elements, the noise is one more
// term, up to three terms are added at a time. Only the last sum of a piece writes to `out`, after the same place of
// every operand was read for it, so `out` may be one of the operands. All sums have the same order and the same
// operations for every element: the last 1–3 elements are copied aside and go through the same loop.
import { fma } from './fma';
import { NORMAL, noiseGroups } from './noise';
import { SCHEDULE_BYTES, threefrySchedule } from './threefry';

/** Elements of a piece, a multiple of 32. */
const PIECE: i32 = 1024;

const PIECE_BYTES: usize = 4096;
/** Bytes of one entry of the table of terms: address of x, address of the weights or 0, weight (f32), unused. */
const ENTRY: usize = 16;

// Scratch: key schedule, splats (constant, three weights), sum, noise (a piece plus what precedes its first element in
// its group), three spread weights (with room for the overhang of the last store), the table of the tail, the tail.
const SPLATS: usize = SCHEDULE_BYTES;
const SUM: usize = SPLATS + 64;
const NOISE: usize = SUM + PIECE_BYTES;
const SPREAD: usize = NOISE + PIECE_BYTES + 128;
const SPREAD_BYTES: usize = PIECE_BYTES + 16;
const TAIL: usize = SPREAD + 3 * SPREAD_BYTES;

/** Scratch bytes that `combine` needs. */
export function combineScratch(terms: i32): i32 {
  // Per term and for the scale: an entry, four elements, four weights; then four results.
  return <i32>(TAIL + <usize>(terms + 1) * (ENTRY + 32) + 16);
}

/**
 * @param table one entry for each term
 * @param size n·rowLength
 * @param begin first element to make, a multiple of 4; @param end after the last, a multiple of 4 or `size`
 * @param noise 0: no noise, and what follows it means nothing
 * @param scales address of c, one per row, or 0 for the number `scale`
 * @param start index of the first element in the noise stream, an integer below 2^53
 */
export function combine(
  table: usize, terms: i32, size: i32, begin: i32, end: i32, rowLength: i32, constant: f32,
  noise: i32, scale: f32, scales: usize, k0: i32, k1: i32, k2: i32, k3: i32, start: f64,
  out: usize, scratch: usize,
): void {
  if (noise) threefrySchedule(scratch, k0, k1, k2, k3);
  // −0 is the number that changes nothing when added to.
  v128.store(scratch + SPLATS, f32x4.splat(constant === 0 ? -0.0 : constant));
  const whole = size & ~3;
  pieces(table, terms, begin, min(end, whole), rowLength, noise, scale, scales, <u64>start, out, scratch);
  const left = size - whole;
  if (left === 0 || end <= whole) return;
  const bytes = <usize>left << 2;
  const offset = <usize>whole << 2;
  const tail = scratch + TAIL;
  let aside = tail + <usize>(terms + 1) * ENTRY;
  for (let i = 0; i < terms; i++) {
    const from = table + <usize>i * ENTRY;
    const to = tail + <usize>i * ENTRY;
    store<usize>(to, aside);
    memory.copy(aside, load<usize>(from) + offset, bytes);
    const weights = load<usize>(from, 4);
    store<usize>(to, weights === 0 ? 0 : aside + 16, 4);
    if (weights !== 0) spreadRest(weights, whole, left, rowLength, aside + 16);
    store<f32>(to, load<f32>(from, 8), 8);
    aside += 32;
  }
  if (scales !== 0) spreadRest(scales, whole, left, rowLength, aside);
  pieces(tail, terms, 0, 4, 1, noise, scale, scales === 0 ? 0 : aside, <u64>start + <u64>whole, aside + 16, scratch);
  memory.copy(out + offset, aside + 16, bytes);
}

function spreadRest(weights: usize, first: i32, count: i32, rowLength: i32, out: usize): void {
  for (let i = 0; i < count; i++) {
    store<f32>(out + (<usize>i << 2), load<f32>(weights + (<usize>((first + i) / rowLength) << 2)));
  }
}

/** All pieces of elements `begin` … `end`, multiples of 4. */
function pieces(
  table: usize, terms: i32, begin: i32, end: i32, rowLength: i32, noise: i32, scale: f32, scales: usize, start: u64,
  out: usize, scratch: usize,
): void {
  const total = terms + (noise ? 1 : 0);
  const skip = <usize>(start & 3) << 2;
  for (let first = begin; first < end; first += PIECE) {
    const count = min(PIECE, end - first);
    const offset = <usize>first << 2;
    if (noise) {
      const groups = (count + <i32>(skip >> 2) + 31) >> 5;
      noiseGroups(scratch, NORMAL, (start + <u64>first) >> 2, groups, scratch + NOISE);
    }
    let sum = scratch + SPLATS;
    let sumStep: usize = 0;
    for (let i = 0; i < total; i += 3) {
      const target = i + 3 >= total ? out + offset : scratch + SUM;
      const x0 = operand(table, terms, i, offset, skip, scratch);
      const w0 = weight(table, terms, i, first, count, rowLength, scale, scales, scratch, 0);
      const s0 = step(table, terms, i, scales);
      if (i + 1 === total) {
        add1(target, sum, sumStep, x0, w0, s0, count);
      } else {
        const x1 = operand(table, terms, i + 1, offset, skip, scratch);
        const w1 = weight(table, terms, i + 1, first, count, rowLength, scale, scales, scratch, 1);
        const s1 = step(table, terms, i + 1, scales);
        if (i + 2 === total) {
          add2(target, sum, sumStep, x0, w0, s0, x1, w1, s1, count);
        } else {
          const x2 = operand(table, terms, i + 2, offset, skip, scratch);
          const w2 = weight(table, terms, i + 2, first, count, rowLength, scale, scales, scratch, 2);
          const s2 = step(table, terms, i + 2, scales);
          add3(target, sum, sumStep, x0, w0, s0, x1, w1, s1, x2, w2, s2, count);
        }
      }
      sum = target;
      sumStep = 16;
    }
  }
}

/** Address of a piece of operand i; the noise is operand number `terms`. */
function operand(table: usize, terms: i32, i: i32, offset: usize, skip: usize, scratch: usize): usize {
  return i < terms ? load<usize>(table + <usize>i * ENTRY) + offset : scratch + NOISE + skip;
}

/** Bytes from the weight of one vector to that of the next: 0 for a number. */
function step(table: usize, terms: i32, i: i32, scales: usize): usize {
  return (i < terms ? load<usize>(table + <usize>i * ENTRY, 4) : scales) === 0 ? 0 : 16;
}

/** Address of the weights of a piece of operand i, one for each element (or one vector for all, with step 0). */
function weight(
  table: usize, terms: i32, i: i32, first: i32, count: i32, rowLength: i32, scale: f32, scales: usize, scratch: usize, slot: usize,
): usize {
  const weights = i < terms ? load<usize>(table + <usize>i * ENTRY, 4) : scales;
  if (weights === 0) {
    const at = scratch + SPLATS + 16 + (slot << 4);
    v128.store(at, f32x4.splat(i < terms ? load<f32>(table + <usize>i * ENTRY, 8) : scale));
    return at;
  }
  if (rowLength === 1) return weights + (<usize>first << 2);
  const out = scratch + SPREAD + slot * SPREAD_BYTES;
  spread(weights, first, count, rowLength, out);
  return out;
}

/** One weight per row → one per element, for `count` elements from element `first` on; writes up to 12 bytes more. */
function spread(weights: usize, first: i32, count: i32, rowLength: i32, out: usize): void {
  let row = weights + (<usize>(first / rowLength) << 2);
  let left = rowLength - (first % rowLength);
  const end = out + (<usize>count << 2);
  if (rowLength === 2) {
    for (; out < end; out += 16) {
      const two = v128.load64_zero(row);
      v128.store(out, v128.shuffle<i32>(two, two, 0, 0, 1, 1));
      row += 8;
    }
    return;
  }
  while (out < end) {
    const w = v128.load32_splat(row);
    const rowEnd = min(out + (<usize>left << 2), end);
    for (let at = out; at < rowEnd; at += 16) v128.store(at, w);
    out = rowEnd;
    row += 4;
    left = rowLength;
  }
}

function add1(out: usize, sum: usize, sumStep: usize, x: usize, w: usize, wStep: usize, count: i32): void {
  const end = out + (<usize>count << 2);
  for (; out < end; out += 16) {
    v128.store(out, fma(v128.load(w), v128.load(x), v128.load(sum)));
    sum += sumStep;
    x += 16;
    w += wStep;
  }
}

function add2(
  out: usize, sum: usize, sumStep: usize, x0: usize, w0: usize, s0: usize, x1: usize, w1: usize, s1: usize, count: i32,
): void {
  const end = out + (<usize>count << 2);
  for (; out < end; out += 16) {
    const first = fma(v128.load(w0), v128.load(x0), v128.load(sum));
    v128.store(out, fma(v128.load(w1), v128.load(x1), first));
    sum += sumStep;
    x0 += 16;
    w0 += s0;
    x1 += 16;
    w1 += s1;
  }
}

function add3(
  out: usize, sum: usize, sumStep: usize, x0: usize, w0: usize, s0: usize, x1: usize, w1: usize, s1: usize, x2: usize, w2: usize, s2: usize, count: i32,
): void {
  const end = out + (<usize>count << 2);
  for (; out < end; out += 16) {
    const first = fma(v128.load(w0), v128.load(x0), v128.load(sum));
    const second = fma(v128.load(w1), v128.load(x1), first);
    v128.store(out, fma(v128.load(w2), v128.load(x2), second));
    sum += sumStep;
    x0 += 16;
    w0 += s0;
    x1 += 16;
    w1 += s1;
    x2 += 16;
    w2 += s2;
  }
}
