/**
 * The yardstick: how fast this machine can multiply and add 128-bit vectors from WebAssembly at all.
 *
 * Twelve independent chains acc ← acc·a + b of f32x4, in registers, with fused multiply-add where relaxed SIMD gives
 * it. For a case with a known number of floating-point operations it performs as many of them; its time is the least
 * that any 128-bit kernel can take, and the ratio of the two is the share of the peak that the kernel reaches.
 */
import { CannotRun, type Contestant } from '../suite/session.ts';

const CHAINS = 12;
/** Operations of one turn of the loop: chains × lanes × (multiply and add). */
export const FLOPS_A_TURN: number = CHAINS * 4 * 2;

const V128 = 0x7b;
const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const splat = (value: number): number[] => [
  0x43,
  ...new Uint8Array(Float32Array.of(value).buffer),
  0xfd,
  0x13,
];
const MULTIPLY = [0xfd, 0xe6, 0x01];
const ADD = [0xfd, 0xe4, 0x01];
const RELAXED_MADD = [0xfd, 0x85, 0x02];

function unsigned(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >> 7)];
}

const section = (id: number, body: readonly number[]): number[] => [id, ...unsigned(body.length), ...body];

/** Exports `run(turns: i32): f32`, the sum of the first lanes. */
export function peakModule(build: 'base' | 'relaxed'): Uint8Array<ArrayBuffer> {
  const [turns, a, b] = [0, CHAINS + 1, CHAINS + 2];
  const chains = Array.from({ length: CHAINS }, (_, i) => 1 + i);
  const madd = build === 'relaxed' ? [...get(b), ...RELAXED_MADD] : [...MULTIPLY, ...get(b), ...ADD];
  const body = [
    ...[1, CHAINS + 2, V128], // locals
    ...[...splat(0.999), ...set(a), ...splat(0.001), ...set(b)],
    ...chains.flatMap((c) => [...splat(c / CHAINS), ...set(c)]),
    ...[0x03, 0x40], // loop
    ...chains.flatMap((c) => [...get(c), ...get(a), ...madd, ...set(c)]),
    ...[...get(turns), 0x41, 1, 0x6b, 0x22, turns, 0x0d, 0], // turns − 1, repeat while it is not 0
    0x0b,
    ...chains.flatMap((c, i) => [...get(c), 0xfd, 0x1f, 0, ...(i > 0 ? [0x92] : [])]),
    0x0b,
  ];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 1, 0x7f, 1, 0x7d]),
    ...section(3, [1, 0]),
    ...section(7, [1, 3, ...new TextEncoder().encode('run'), 0, 0]),
    ...section(10, [1, ...unsigned(body.length), ...body]),
  ]);
}

/** The yardstick as a contestant of the cases of matrix products. Its result is not theirs and is not checked. */
export function peakContestant(build: 'base' | 'relaxed'): Contestant<number> {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(peakModule(build)));
  const run = exports.run as (turns: number) => number;
  return {
    prepare({ op, work }) {
      if (op !== 'matmul' || !work?.flops) throw new CannotRun('a yardstick for matrix products only');
      const turns = Math.ceil(work.flops / FLOPS_A_TURN);
      return { run: () => run(turns) };
    },
    read: async (result) => [result],
    free: () => undefined,
  };
}
