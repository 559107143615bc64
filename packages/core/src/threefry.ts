/**
 * Threefry4x32-20: a keyed bijection of 128-bit counters, 20 rounds of add, rotate and xor.
 *
 * Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011, §3.3; rotation constants
 * and key parity word are those of Random123, whose known-answer vectors the tests carry. It passes BigCrush.
 * Only 32-bit add, rotate and xor, so JavaScript, WebAssembly and WGSL give the same integers.
 */
const PARITY = 0x1bd11bda;
const ROTATIONS = [
  [10, 26],
  [11, 21],
  [13, 27],
  [23, 5],
  [6, 20],
  [17, 11],
  [25, 10],
  [18, 20],
] as const;

const rotl = (v: number, r: number): number => (v << r) | (v >>> (32 - r));

/**
 * Writes the four output words of the block with counter (c0, c1, c2, c3) to `out[offset … offset + 3]`.
 *
 * @param key four uint32 words.
 * @example
 * ```ts
 * import { threefry4x32 } from '@diff/core';
 * const out = new Uint32Array(4);
 * threefry4x32([1, 2, 3, 4], 0, 0, 0, 0, out, 0); // the first block of this key
 * ```
 */
export function threefry4x32(
  key: readonly [number, number, number, number],
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  out: Uint32Array,
  offset: number,
): void {
  const k0 = key[0] | 0;
  const k1 = key[1] | 0;
  const k2 = key[2] | 0;
  const k3 = key[3] | 0;
  const schedule = [k0, k1, k2, k3, PARITY ^ k0 ^ k1 ^ k2 ^ k3];
  let x0 = (c0 + k0) | 0;
  let x1 = (c1 + k1) | 0;
  let x2 = (c2 + k2) | 0;
  let x3 = (c3 + k3) | 0;
  for (let round = 0; round < 20; round++) {
    const [ra, rb] = ROTATIONS[round & 7]!;
    if ((round & 1) === 0) {
      x0 = (x0 + x1) | 0;
      x1 = rotl(x1, ra) ^ x0;
      x2 = (x2 + x3) | 0;
      x3 = rotl(x3, rb) ^ x2;
    } else {
      x0 = (x0 + x3) | 0;
      x3 = rotl(x3, ra) ^ x0;
      x2 = (x2 + x1) | 0;
      x1 = rotl(x1, rb) ^ x2;
    }
    if ((round & 3) === 3) {
      const s = (round + 1) >> 2;
      x0 = (x0 + schedule[s % 5]!) | 0;
      x1 = (x1 + schedule[(s + 1) % 5]!) | 0;
      x2 = (x2 + schedule[(s + 2) % 5]!) | 0;
      x3 = (x3 + schedule[(s + 3) % 5]! + s) | 0;
    }
  }
  out[offset] = x0;
  out[offset + 1] = x1;
  out[offset + 2] = x2;
  out[offset + 3] = x3;
}
