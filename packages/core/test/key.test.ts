import { fold, key, normal, requireKey, split, threefry4x32 } from '@diff/core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

describe('threefry4x32', () => {
  // Known-answer vectors of Random123 1.14 (kat_vectors, threefry4x32, 20 rounds): counter, key, output.
  const f = 0xffffffff;
  it.each([
    [
      [0, 0, 0, 0],
      [0, 0, 0, 0],
      ['9c6ca96a', 'e17eae66', 'fc10ecd4', '5256a7d8'],
    ],
    [
      [f, f, f, f],
      [f, f, f, f],
      ['2a881696', '57012287', 'f6c7446e', 'a16a6732'],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0, 0x082efa98, 0xec4e6c89],
      ['59cd1dbb', 'b8879579', '86b5d00c', 'ac8b6d84'],
    ],
  ] as const)('counter %j, key %j', (counter, words, expected) => {
    const out = new Uint32Array(5);
    const [c0, c1, c2, c3] = counter;
    threefry4x32(words, c0, c1, c2, c3, out, 1);
    expect([...out].map((w) => w.toString(16).padStart(8, '0'))).toEqual(['00000000', ...expected]);
  });
});

describe('key', () => {
  it('takes every seed at its word, 0 included', () => {
    expect(key(0).words).toEqual([0, 0, 0, 0]);
    expect(key(2 ** 32 + 5).words).toEqual([5, 1, 0, 0]);
    expect(key((1n << 127n) + 3n).words).toEqual([3, 0, 0, 2 ** 31]);
    expect(key(12n)).toEqual(key(12));
  });

  it.each([
    [
      -1,
      'key: seed must be a non-negative integer, got -1. Use a whole number from 0 to 2^53 − 1, or a bigint.',
    ],
    [1.5, 'got 1.5'],
    [Number.NaN, 'got NaN'],
    ['7', "got '7'"],
    [1n << 128n, 'key: seed must lie in 0 … 2^128 − 1'],
  ])('refuses %s', (seed, message) => {
    expect(() => key(seed as number)).toThrow(message);
  });
});

describe('fold and split', () => {
  it('derive keys that differ from each other and from the parent', () => {
    const seen = new Set<string>();
    for (const parent of [key(0), key(1), fold(key(0), 1)]) {
      seen.add(String(parent.words));
      for (const child of split(parent, 50)) seen.add(String(child.words));
    }
    // 3 parents and 150 children, where fold(key(0), 1) is both a parent and a child
    expect(seen.size).toBe(152);
  });

  it('are functions of their arguments', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (seed, n) => {
        expect(fold(key(seed), n)).toEqual(fold(key(seed), n));
        expect(split(key(seed), 3)[2]).toEqual(fold(key(seed), 2));
      }),
    );
  });

  it('refuse what is no key', () => {
    expect(() => fold({ words: [1, 2, 3] } as never, 0)).toThrow('fold: key must be a key');
    expect(() => normal(7 as never, [2])).toThrow(
      'normal: key must be a key, got 7. Make one with key(seed).',
    );
    expect(() => fold(key(1), -1)).toThrow('fold: n must be a non-negative integer, got -1.');
    expect(() => requireKey('here', { words: [0, 0, 0, 2 ** 32] })).toThrow('here: key must be a key');
  });
});
