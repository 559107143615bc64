// Noise of a range of a stream: element L of a key's stream is word L mod 4 of block ⌊L/4⌋, so a range may begin
// anywhere. The kernels work in whole groups of eight blocks; the first and the last go through a buffer.
import { boxMuller } from './box-muller';
import { SCHEDULE_BYTES, storeTransposed, threefryGroups, threefrySchedule } from './threefry';

/** Tags of the three kinds, the last counter word. */
export const NORMAL: i32 = 0;
const UNIFORM: i32 = 1;

/** Groups that are made at once: 8 kB, which stays in the L1 cache. */
const PIECE: i32 = 64;

/** 2⁻²⁴ and 1 in memory, as constants of loops. */
const C: usize = memory.data<f32>([5.960464477539063e-8, 1]);

/** Scratch bytes that `noiseRange` needs. */
export function noiseScratch(): i32 {
  return SCHEDULE_BYTES + 128;
}

/** Words as threefryGroups leaves them → the numbers of the kind, in the order of the stream. */
export function noiseGroups(schedule: usize, kind: i32, first: u64, groups: i32, out: usize): void {
  threefryGroups(schedule, first, groups, kind, out);
  if (kind === NORMAL) boxMuller(out, groups);
  else if (kind === UNIFORM) uniformGroups(out, groups);
  else signGroups(out, groups);
}

function uniformGroups(at: usize, groups: i32): void {
  const scale = v128.load32_splat(C);
  const end = at + (<usize>groups << 7);
  for (; at < end; at += 64) {
    storeTransposed(
      at,
      f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_u(v128.load(at), 8)), scale),
      f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_u(v128.load(at, 16), 8)), scale),
      f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_u(v128.load(at, 32), 8)), scale),
      f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_u(v128.load(at, 48), 8)), scale),
    );
  }
}

function signGroups(at: usize, groups: i32): void {
  const one = v128.load32_splat(C, 4);
  const sign = i32x4.splat(0x80000000);
  const end = at + (<usize>groups << 7);
  for (; at < end; at += 64) {
    storeTransposed(
      at,
      v128.or(v128.and(v128.load(at), sign), one),
      v128.or(v128.and(v128.load(at, 16), sign), one),
      v128.or(v128.and(v128.load(at, 32), sign), one),
      v128.or(v128.and(v128.load(at, 48), sign), one),
    );
  }
}

/**
 * Elements start … start + count − 1 of a stream.
 *
 * @param kind 0 normal, 1 uniform, 2 signs
 * @param start integer below 2^53
 * @param scratch noiseScratch() bytes
 */
export function noiseRange(kind: i32, k0: i32, k1: i32, k2: i32, k3: i32, start: f64, count: i32, out: usize, scratch: usize): void {
  threefrySchedule(scratch, k0, k1, k2, k3);
  const buffer = scratch + <usize>SCHEDULE_BYTES;
  let block = <u64>start >> 2;
  const skip = <i32>(<u64>start & 3);
  let left = count;
  if (skip !== 0 && left > 0) {
    const head = min(32 - skip, left);
    noiseGroups(scratch, kind, block, 1, buffer);
    memory.copy(out, buffer + (<usize>skip << 2), <usize>head << 2);
    out += <usize>head << 2;
    left -= head;
    block += 8;
  }
  for (let groups = left >> 5; groups > 0; ) {
    const piece = min(groups, PIECE);
    noiseGroups(scratch, kind, block, piece, out);
    out += <usize>piece << 7;
    block += <u64>piece << 3;
    groups -= piece;
  }
  left &= 31;
  if (left > 0) {
    noiseGroups(scratch, kind, block, 1, buffer);
    memory.copy(out, buffer, <usize>left << 2);
  }
}
