/**
 * Keys of counter-based random numbers.
 *
 * A key is 128 bits. It is never used up and holds no state: the same key always names the same stream of
 * numbers, and `fold(key, n)` names the n-th stream derived from it. Derivation is one block of
 * Threefry4x32-20 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011) with a counter
 * word that no noise kernel uses, so derived keys and noise never share a block.
 */
import { requireInteger } from './checks.ts';
import { DomainError, shown } from './errors.ts';
import { threefry4x32 } from './threefry.ts';

/** 128 bits that name one stream of random numbers. Make one with `key(seed)`; never reuse one for two purposes. */
export interface Key {
  /** Four unsigned 32-bit words. */
  readonly words: readonly [number, number, number, number];
}

const FOLD_TAG = 3;
const TWO32 = 2 ** 32;

/**
 * The key of a seed.
 *
 * @param seed integer, 0 ≤ seed < 2^53, or a bigint in 0 ≤ seed < 2^128. 0 is a seed like any other.
 * @throws DomainError for anything else.
 * @example
 * ```ts
 * import { key, fold } from '@diff/core';
 * const run = key(7);
 * const noise = fold(run, 0); // an independent stream
 * ```
 */
export function key(seed: number | bigint): Key {
  if (typeof seed === 'bigint') {
    if (seed < 0n || seed >= 1n << 128n) {
      throw new DomainError(
        `key: seed must lie in 0 … 2^128 − 1, got ${seed}n. Choose a seed in that range.`,
      );
    }
    const word = (i: bigint): number => Number((seed >> (32n * i)) & 0xffffffffn);
    return { words: [word(0n), word(1n), word(2n), word(3n)] };
  }
  requireInteger('key', 'seed', seed, 0, 'Use a whole number from 0 to 2^53 − 1, or a bigint.');
  return { words: [seed % TWO32, Math.floor(seed / TWO32), 0, 0] };
}

/**
 * The n-th key derived from `parent`; different n give independent streams.
 *
 * @param n integer, 0 ≤ n < 2^53.
 * @example
 * ```ts
 * import { fold, key } from '@diff/core';
 * const run = key(7);
 * const [initial, steps] = [fold(run, 0), fold(run, 1)]; // two streams that share nothing
 * const thirdStep = fold(steps, 3);
 * ```
 */
export function fold(parent: Key, n: number): Key {
  requireKey('fold', parent);
  requireInteger('fold', 'n', n);
  const out = new Uint32Array(4);
  threefry4x32(parent.words, n % TWO32, Math.floor(n / TWO32), 0, FOLD_TAG, out, 0);
  return { words: [out[0]!, out[1]!, out[2]!, out[3]!] };
}

/**
 * `count` independent keys: `fold(parent, 0) … fold(parent, count − 1)`.
 *
 * @example
 * ```ts
 * import { key, split } from '@diff/core';
 * const [train, draw, measure] = split(key(7), 3);
 * ```
 */
export function split(parent: Key, count: number): Key[] {
  requireInteger('split', 'count', count, 1);
  return Array.from({ length: count }, (_, i) => fold(parent, i));
}

/** Throws a DomainError unless `value` is a key. */
export function requireKey(where: string, value: unknown): asserts value is Key {
  const words = (value as Partial<Key> | null | undefined)?.words;
  const ok =
    Array.isArray(words) &&
    words.length === 4 &&
    words.every((w) => Number.isInteger(w) && w >= 0 && w < TWO32);
  if (!ok)
    throw new DomainError(`${where}: key must be a key, got ${shown(value)}. Make one with key(seed).`);
}
