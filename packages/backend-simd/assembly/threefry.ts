// Threefry4x32-20 (Salmon et al., SC 2011; rotations and parity of Random123), two times four blocks at a time (the two
// dependency chains fill the pipeline): lane i of the x state is block b + i, of the y state block b + 4 + i, with
// counter (b mod 2³², ⌊b/2³²⌋, 0, tag).

const PARITY: u32 = 0x1bd11bda;

/** Bytes of a key schedule. */
export const SCHEDULE_BYTES: i32 = 160;

/**
 * Writes the key schedule, ten splatted vectors: the five key words, then for s = 1 … 5 the word that is added to the
 * last state word at injection s (with s in it).
 */
export function threefrySchedule(out: usize, k0: i32, k1: i32, k2: i32, k3: i32): void {
  store<i32>(out, k0);
  store<i32>(out, k1, 16);
  store<i32>(out, k2, 32);
  store<i32>(out, k3, 48);
  store<i32>(out, PARITY ^ k0 ^ k1 ^ k2 ^ k3, 64);
  for (let s = 1; s <= 5; s++) {
    store<i32>(out + (<usize>(s + 4) << 4), load<i32>(out + (<usize>((s + 3) % 5) << 4)) + s);
  }
  for (let i: usize = 0; i < 10; i++) v128.store(out + (i << 4), v128.load32_splat(out + (i << 4)));
}

/** rotl(v, by) ^ other. */
@inline
function mix(v: v128, by: i32, other: v128): v128 {
  return v128.xor(v128.or(i32x4.shl(v, by), i32x4.shr_u(v, 32 - by)), other);
}

@inline
function low(block: u64, lanes: v128): v128 {
  return i32x4.add(i32x4.splat(<i32>block), lanes);
}

/** A lane whose low word wrapped carries: the comparison is −1 there. */
@inline
function high(block: u64, lanes: v128): v128 {
  return i32x4.sub(i32x4.splat(<i32>(block >> 32)), i32x4.lt_u(low(block, lanes), i32x4.splat(<i32>block)));
}

/**
 * The words of 8·groups blocks from block `first` on, not transposed: each group is 128 bytes, word 0 of four blocks,
 * then word 1, 2, 3 of them, then the same of the next four.
 */
export function threefryGroups(schedule: usize, first: u64, groups: i32, tag: i32, out: usize): void {
  const k0 = v128.load(schedule);
  const k1 = v128.load(schedule, 16);
  const k2 = v128.load(schedule, 32);
  const k3 = v128.load(schedule, 48);
  const k4 = v128.load(schedule, 64);
  const j1 = v128.load(schedule, 80);
  const j2 = v128.load(schedule, 96);
  const j3 = v128.load(schedule, 112);
  const j4 = v128.load(schedule, 128);
  const j5 = v128.load(schedule, 144);
  const last = i32x4.add(k3, i32x4.splat(tag));
  const lanes = i32x4(0, 1, 2, 3);
  const end = out + (<usize>groups << 7);
  while (out < end) {
    let x0 = low(first, lanes);
    let x1 = high(first, lanes);
    let x2 = k2;
    let x3 = last;
    let y0 = low(first + 4, lanes);
    let y1 = high(first + 4, lanes);
    let y2 = k2;
    let y3 = last;
    x0 = i32x4.add(x0, k0); x1 = i32x4.add(x1, k1); y0 = i32x4.add(y0, k0); y1 = i32x4.add(y1, k1);
    x0 = i32x4.add(x0, x1); x2 = i32x4.add(x2, x3); x1 = mix(x1, 10, x0); x3 = mix(x3, 26, x2);
    y0 = i32x4.add(y0, y1); y2 = i32x4.add(y2, y3); y1 = mix(y1, 10, y0); y3 = mix(y3, 26, y2);
    x0 = i32x4.add(x0, x3); x2 = i32x4.add(x2, x1); x3 = mix(x3, 11, x0); x1 = mix(x1, 21, x2);
    y0 = i32x4.add(y0, y3); y2 = i32x4.add(y2, y1); y3 = mix(y3, 11, y0); y1 = mix(y1, 21, y2);
    x0 = i32x4.add(x0, x1); x2 = i32x4.add(x2, x3); x1 = mix(x1, 13, x0); x3 = mix(x3, 27, x2);
    y0 = i32x4.add(y0, y1); y2 = i32x4.add(y2, y3); y1 = mix(y1, 13, y0); y3 = mix(y3, 27, y2);
    x0 = i32x4.add(x0, x3); x2 = i32x4.add(x2, x1); x3 = mix(x3, 23, x0); x1 = mix(x1, 5, x2);
    y0 = i32x4.add(y0, y3); y2 = i32x4.add(y2, y1); y3 = mix(y3, 23, y0); y1 = mix(y1, 5, y2);
    x0 = i32x4.add(x0, k1); x1 = i32x4.add(x1, k2); x2 = i32x4.add(x2, k3); x3 = i32x4.add(x3, j1);
    y0 = i32x4.add(y0, k1); y1 = i32x4.add(y1, k2); y2 = i32x4.add(y2, k3); y3 = i32x4.add(y3, j1);
    x0 = i32x4.add(x0, x1); x2 = i32x4.add(x2, x3); x1 = mix(x1, 6, x0); x3 = mix(x3, 20, x2);
    y0 = i32x4.add(y0, y1); y2 = i32x4.add(y2, y3); y1 = mix(y1, 6, y0); y3 = mix(y3, 20, y2);
    x0 = i32x4.add(x0, x3); x2 = i32x4.add(x2, x1); x3 = mix(x3, 17, x0); x1 = mix(x1, 11, x2);
    y0 = i32x4.add(y0, y3); y2 = i32x4.add(y2, y1); y3 = mix(y3, 17, y0); y1 = mix(y1, 11, y2);
    x0 = i32x4.add(x0, x1); x2 = i32x4.add(x2, x3); x1 = mix(x1, 25, x0); x3 = mix(x3, 10, x2);
    y0 = i32x4.add(y0, y1); y2 = i32x4.add(y2, y3); y1 = mix(y1, 25, y0); y3 = mix(y3, 10, y2);
    x0 = i32x4.add(x0, x3); x2 = i32x4.add(x2, x1); x3 = mix(x3, 18, x0); x1 = mix(x1, 20, x2);
    y0 = i32x4.add(y0, y3); y2 = i32x4.add(y2, y1); y3 = mix(y3, 18, y0); y1 = mix(y1, 20, y2);
    x0 = i32x4.add(x0, k2); x1 = i32x4.add(x1, k3); x2 = i32x4.add(x2, k4); x3 = i32x4.add(x3, j2);
    y0 = i32x4.add(y0, k2); y1 = i32x4.add(y1, k3); y2 = i32x4.add(y2, k4); y3 = i32x4.add(y3, j2);
    x0 = i32x4.add(x0, x1); x2 = i32x4.add(x2, x3); x1 = mix(x1, 10, x0); x3 = mix(x3, 26, x2);
    y0 = i32x4.add(y0, y1); y2 = i32x4.add(y2, y3); y1 = mix(y1, 10, y0); y3 = mix(y3, 26, y2);
    x0 = i32x4.add(x0, x3); x2 = i32x4.add(x2, x1); x3 = mix(x3, 11, x0); x1 = mix(x1, 21, x2);
    y0 = i32x4.add(y0, y3); y2 = i32x4.add(y2, y1); y3 = mix(y3, 11, y0); y1 = mix(y1, 21, y2);
    x0 = i32x4.add(x0, x1); x2 = i32x4.add(x2, x3); x1 = mix(x1, 13, x0); x3 = mix(x3, 27, x2);
    y0 = i32x4.add(y0, y1); y2 = i32x4.add(y2, y3); y1 = mix(y1, 13, y0); y3 = mix(y3, 27, y2);
    x0 = i32x4.add(x0, x3); x2 = i32x4.add(x2, x1); x3 = mix(x3, 23, x0); x1 = mix(x1, 5, x2);
    y0 = i32x4.add(y0, y3); y2 = i32x4.add(y2, y1); y3 = mix(y3, 23, y0); y1 = mix(y1, 5, y2);
    x0 = i32x4.add(x0, k3); x1 = i32x4.add(x1, k4); x2 = i32x4.add(x2, k0); x3 = i32x4.add(x3, j3);
    y0 = i32x4.add(y0, k3); y1 = i32x4.add(y1, k4); y2 = i32x4.add(y2, k0); y3 = i32x4.add(y3, j3);
    x0 = i32x4.add(x0, x1); x2 = i32x4.add(x2, x3); x1 = mix(x1, 6, x0); x3 = mix(x3, 20, x2);
    y0 = i32x4.add(y0, y1); y2 = i32x4.add(y2, y3); y1 = mix(y1, 6, y0); y3 = mix(y3, 20, y2);
    x0 = i32x4.add(x0, x3); x2 = i32x4.add(x2, x1); x3 = mix(x3, 17, x0); x1 = mix(x1, 11, x2);
    y0 = i32x4.add(y0, y3); y2 = i32x4.add(y2, y1); y3 = mix(y3, 17, y0); y1 = mix(y1, 11, y2);
    x0 = i32x4.add(x0, x1); x2 = i32x4.add(x2, x3); x1 = mix(x1, 25, x0); x3 = mix(x3, 10, x2);
    y0 = i32x4.add(y0, y1); y2 = i32x4.add(y2, y3); y1 = mix(y1, 25, y0); y3 = mix(y3, 10, y2);
    x0 = i32x4.add(x0, x3); x2 = i32x4.add(x2, x1); x3 = mix(x3, 18, x0); x1 = mix(x1, 20, x2);
    y0 = i32x4.add(y0, y3); y2 = i32x4.add(y2, y1); y3 = mix(y3, 18, y0); y1 = mix(y1, 20, y2);
    x0 = i32x4.add(x0, k4); x1 = i32x4.add(x1, k0); x2 = i32x4.add(x2, k1); x3 = i32x4.add(x3, j4);
    y0 = i32x4.add(y0, k4); y1 = i32x4.add(y1, k0); y2 = i32x4.add(y2, k1); y3 = i32x4.add(y3, j4);
    x0 = i32x4.add(x0, x1); x2 = i32x4.add(x2, x3); x1 = mix(x1, 10, x0); x3 = mix(x3, 26, x2);
    y0 = i32x4.add(y0, y1); y2 = i32x4.add(y2, y3); y1 = mix(y1, 10, y0); y3 = mix(y3, 26, y2);
    x0 = i32x4.add(x0, x3); x2 = i32x4.add(x2, x1); x3 = mix(x3, 11, x0); x1 = mix(x1, 21, x2);
    y0 = i32x4.add(y0, y3); y2 = i32x4.add(y2, y1); y3 = mix(y3, 11, y0); y1 = mix(y1, 21, y2);
    x0 = i32x4.add(x0, x1); x2 = i32x4.add(x2, x3); x1 = mix(x1, 13, x0); x3 = mix(x3, 27, x2);
    y0 = i32x4.add(y0, y1); y2 = i32x4.add(y2, y3); y1 = mix(y1, 13, y0); y3 = mix(y3, 27, y2);
    x0 = i32x4.add(x0, x3); x2 = i32x4.add(x2, x1); x3 = mix(x3, 23, x0); x1 = mix(x1, 5, x2);
    y0 = i32x4.add(y0, y3); y2 = i32x4.add(y2, y1); y3 = mix(y3, 23, y0); y1 = mix(y1, 5, y2);
    x0 = i32x4.add(x0, k0); x1 = i32x4.add(x1, k1); x2 = i32x4.add(x2, k2); x3 = i32x4.add(x3, j5);
    y0 = i32x4.add(y0, k0); y1 = i32x4.add(y1, k1); y2 = i32x4.add(y2, k2); y3 = i32x4.add(y3, j5);
    v128.store(out, x0);
    v128.store(out, x1, 16);
    v128.store(out, x2, 32);
    v128.store(out, x3, 48);
    v128.store(out, y0, 64);
    v128.store(out, y1, 80);
    v128.store(out, y2, 96);
    v128.store(out, y3, 112);
    first += 8;
    out += 128;
  }
}

/** Elements 0, 1, 2, 3 of four blocks → 16 elements in the order of the stream (a 4 × 4 transpose). */
@inline
export function storeTransposed(out: usize, x0: v128, x1: v128, x2: v128, x3: v128): void {
  const a = v128.shuffle<i32>(x0, x1, 0, 4, 1, 5);
  const b = v128.shuffle<i32>(x0, x1, 2, 6, 3, 7);
  const c = v128.shuffle<i32>(x2, x3, 0, 4, 1, 5);
  const d = v128.shuffle<i32>(x2, x3, 2, 6, 3, 7);
  v128.store(out, v128.shuffle<i64>(a, c, 0, 2));
  v128.store(out, v128.shuffle<i64>(a, c, 1, 3), 16);
  v128.store(out, v128.shuffle<i64>(b, d, 0, 2), 32);
  v128.store(out, v128.shuffle<i64>(b, d, 1, 3), 48);
}
