/**
 * Keyed random numbers on the host, in float64: times, permutations and dropout masks of training are made here, so
 * that a step needs no number back from the backend.
 *
 * Number i of a key is a function of (key, i) alone: words 2i and 2i + 1 of the Threefry4x32-20 stream,
 * u = ((w ≫ 5)·2²⁶ + (w' ≫ 6))·2⁻⁵³ ∈ [0, 1).
 */
import { type Key, threefry4x32 } from '@diff/core';

const TAG = 4; // no noise kernel and no key derivation uses this counter word

/** `count` independent uniform numbers on [0, 1) with 53 random bits each. */
export function keyedUniforms(key: Key, count: number): Float64Array {
  const out = new Float64Array(count);
  const block = new Uint32Array(4);
  for (let i = 0; i < count; i += 2) {
    threefry4x32(key.words, i / 2, 0, 0, TAG, block, 0);
    out[i] = ((block[0]! >>> 5) * 2 ** 26 + (block[1]! >>> 6)) * 2 ** -53;
    if (i + 1 < count) out[i + 1] = ((block[2]! >>> 5) * 2 ** 26 + (block[3]! >>> 6)) * 2 ** -53;
  }
  return out;
}

/** A uniformly random permutation of 0 … n − 1 (Fisher–Yates). */
export function keyedPermutation(key: Key, n: number): Int32Array {
  const order = Int32Array.from({ length: n }, (_, i) => i);
  const u = keyedUniforms(key, n);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(u[i]! * (i + 1));
    const swap = order[i]!;
    order[i] = order[j]!;
    order[j] = swap;
  }
  return order;
}
