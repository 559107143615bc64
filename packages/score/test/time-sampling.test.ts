import { key, threefry4x32 } from '@diff/core';
import { logNormalTimes, logUniformTimes, sampleTimes, uniformTimes } from '@diff/score';
import { canonicalOu, edm, variancePreserving } from '@diff/sde';
import { expectClose } from '@diff/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { batchOrder } from '../src/batch-order.ts';
import { keyedPermutation, keyedUniforms } from '../src/keyed-numbers.ts';
import { normalQuantile } from '../src/normal-quantile.ts';

describe('sampleTimes', () => {
  it('puts one time into each stratum, from the key alone', () => {
    const law = uniformTimes({ process: canonicalOu({ T: 2 }), from: 0.5 });
    const n = 37;
    const times = sampleTimes(law, key(4), n);
    times.forEach((t, i) => {
      expect(Math.floor(((t - 0.5) / 1.5) * n)).toBe(i);
    });
    expect(sampleTimes(law, key(4), n)).toEqual(times);
    expect(sampleTimes(law, key(5), n)).not.toEqual(times);
    const loose = sampleTimes(law, key(4), n, false);
    expect(new Set(Array.from(loose, (t) => Math.floor(((t - 0.5) / 1.5) * n))).size).toBeLessThan(n);
  });

  it('draws the law: ln ς is normal, or uniform', () => {
    const process = variancePreserving({ schedule: 'linear' });
    const n = 2000;
    const ratios = Array.from(
      sampleTimes(logNormalTimes({ process, mean: -0.5, std: 0.8 }), key(1), n),
      (t) => -process.lambda(t),
    );
    const mean = ratios.reduce((a, b) => a + b, 0) / n;
    const std = Math.sqrt(ratios.reduce((a, b) => a + (b - mean) ** 2, 0) / n);
    // stratified: the error of the mean is below that of n independent draws, std/√n
    expect(Math.abs(mean + 0.5)).toBeLessThan((3 * 0.8) / Math.sqrt(n));
    expect(Math.abs(std - 0.8)).toBeLessThan((3 * 0.8) / Math.sqrt(2 * n));
    const law = logUniformTimes({ process, from: 0.01, to: 0.9 });
    const middle = (process.lambda(0.01) + process.lambda(0.9)) / 2;
    expect(process.lambda(law.quantile(0.5))).toBeCloseTo(middle, 9);
  });

  it('stays inside the horizon for every law and u', () => {
    const processes = [edm(), canonicalOu({ T: 5 }), variancePreserving({ schedule: 'cosine' })];
    fc.assert(
      fc.property(
        fc.constantFrom(...processes),
        fc.double({ min: 2 ** -53, max: 1 - 2 ** -53, noNaN: true }),
        (process, u) => {
          for (const law of [uniformTimes({ process }), logNormalTimes({ process, std: 4 })]) {
            const t = law.quantile(u);
            expect(t).toBeGreaterThanOrEqual(0);
            expect(t).toBeLessThanOrEqual(process.T);
          }
        },
      ),
      { seed: 1 },
    );
  });

  it('moves with the scale of the data', () => {
    const process = edm();
    const [small, large] = [0.5, 5].map((sigmaData) => logNormalTimes({ process, sigmaData }).quantile(0.4));
    expect(large! / small!).toBeCloseTo(10, 9);
  });

  it('refuses intervals and laws that leave the horizon', () => {
    const process = canonicalOu({ T: 2 });
    expect(() => uniformTimes({ process, to: 3 })).toThrow(
      'uniformTimes: 0 ≤ from < to ≤ T = 2 must hold, got from 0.002 to 3.',
    );
    expect(() => logUniformTimes({ process, from: 0 })).toThrow(
      'logUniformTimes: the log-SNR must be finite at both ends, got Infinity',
    );
    expect(() => sampleTimes({ name: 'mine', quantile: () => -1 }, key(1), 2)).toThrow(
      "sampleTimes: a training time must be a finite number ≥ 0, got -1 from the law 'mine'",
    );
  });
});

describe('normalQuantile', () => {
  it("is Python's statistics.NormalDist().inv_cdf", () => {
    const table: readonly (readonly [number, number])[] = [
      [1e-300, -37.0470962993612],
      [1e-12, -7.034483825301132],
      [1e-5, -4.2648907939228256],
      [0.02, -2.0537489106318225],
      [0.0749, -1.4402382675279632],
      [0.0751, -1.4388253927525398],
      [0.3, -0.5244005127080407],
      [0.5, 0],
      [0.7, 0.5244005127080407],
      [0.999, 3.090232306167813],
      [0.999999999999, 7.0344869100478356],
    ];
    expectClose(
      table.map(([u]) => normalQuantile(u)),
      table.map(([, z]) => z),
      { relative: 1e-14 },
    );
    expect([normalQuantile(0), normalQuantile(1)]).toEqual([-Infinity, Infinity]);
  });
});

describe('keyed numbers', () => {
  it('are uniform, and number i depends on the key and i alone', () => {
    const n = 20000;
    const u = keyedUniforms(key(7), n);
    const mean = u.reduce((a, b) => a + b, 0) / n;
    const square = u.reduce((a, b) => a + b * b, 0) / n;
    expect(Math.abs(mean - 0.5)).toBeLessThan(4 * Math.sqrt(1 / 12 / n));
    expect(Math.abs(square - 1 / 3)).toBeLessThan(4 * Math.sqrt(4 / 45 / n));
    expect(Math.min(...u)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...u)).toBeLessThan(1);
    expect(keyedUniforms(key(7), 7)).toEqual(u.slice(0, 7));
    expect(new Set(u).size).toBe(n);
    // the upper 27 bits of one word and the upper 26 of the next, read as one integer
    const words = new Uint32Array(4);
    threefry4x32(key(7).words, 3, 0, 0, 4, words, 0);
    const integer = (i: number): number =>
      Number(((BigInt(words[i]!) >> 5n) << 26n) | (BigInt(words[i + 1]!) >> 6n));
    expect([u[6], u[7]]).toEqual([integer(0) * 2 ** -53, integer(2) * 2 ** -53]);
  });

  it('permutations: each is one, all are equally likely', () => {
    const count = new Map<string, number>();
    const runs = 6000;
    for (let i = 0; i < runs; i++) {
      const order = keyedPermutation(key(i), 3).join('');
      count.set(order, (count.get(order) ?? 0) + 1);
    }
    expect([...count.keys()].sort()).toEqual(['012', '021', '102', '120', '201', '210']);
    const chi2 = [...count.values()].reduce((s, c) => s + (c - runs / 6) ** 2 / (runs / 6), 0);
    expect(chi2).toBeLessThan(20.5); // the 0.999 quantile for 5 degrees of freedom
  });

  it('batches visit every row once an epoch, also when an epoch ends inside a batch', () => {
    for (const [rows, size] of [
      [10, 4],
      [3, 8],
      [5, 5],
    ] as const) {
      const order = batchOrder(key(1), rows, size);
      const seen: number[] = [];
      for (let step = 0; seen.length < 4 * rows; step++) seen.push(...order(step));
      for (let epoch = 0; epoch < 4; epoch++) {
        const part = seen.slice(epoch * rows, (epoch + 1) * rows);
        expect([...part].sort((a, b) => a - b)).toEqual(Array.from({ length: rows }, (_, i) => i));
      }
      // out of order, from a fresh object: step k depends on (key, k) alone
      expect(batchOrder(key(1), rows, size)(3)).toEqual(order(3));
    }
    expect(batchOrder(key(1), 50, 50)(0)).not.toEqual(batchOrder(key(1), 50, 50)(1));
  });
});
