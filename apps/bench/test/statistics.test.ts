/** Quantiles, paired ratios and exponents, on numbers whose answers are known. */
import { describe, expect, it } from 'vitest';
import { logLogSlope } from '../src/statistics/log-log-slope.ts';
import { pairedRatio } from '../src/statistics/paired-ratio.ts';
import { median, quantile } from '../src/statistics/quantile.ts';

describe('quantile', () => {
  it('interpolates between order statistics, whatever their order', () => {
    expect(quantile([40, 10, 30, 20], 0.25)).toBe(17.5);
    expect(quantile([40, 10, 30, 20], 0.75)).toBe(32.5);
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(quantile([7], 0.9)).toBe(7);
  });

  it('compares as numbers, not as text', () => {
    expect(median([9, 10, 100])).toBe(10);
  });

  it('refuses an empty list', () => {
    expect(() => quantile([], 0.5)).toThrow('quantile: values must hold at least one number, got none.');
  });
});

describe('pairedRatio', () => {
  it('is exact where load weighs on whole rounds, however wildly', () => {
    const load = [1, 20, 3, 0.7, 100, 5, 1, 2];
    const ratio = pairedRatio(
      load.map((l) => 3 * l),
      load.map((l) => 2 * l),
    )!;
    expect(ratio.value).toBeCloseTo(1.5, 12);
    expect(ratio.low).toBeCloseTo(1.5, 12);
    expect(ratio.high).toBeCloseTo(1.5, 12);
    expect(ratio.rounds).toBe(8);
  });

  it('is not the ratio of medians', () => {
    // Ratios 1, 2, 3; medians 3 and 2.
    expect(pairedRatio([3, 2, 9], [3, 1, 3])!.value).toBe(2);
  });

  it('uses the rounds that both have', () => {
    expect(pairedRatio([4], [2, 100, 100])).toEqual({ value: 2, low: 2, high: 2, rounds: 1 });
    expect(pairedRatio([], [1])).toBeUndefined();
  });

  it('gives an interval that holds the value, is repeatable, and shrinks with the rounds', () => {
    const noisy = (n: number): number[] => Array.from({ length: n }, (_, i) => 2 + ((i * 7919) % 101) / 101);
    const ones = (n: number): number[] => Array.from({ length: n }, () => 1);
    const [few, many] = [pairedRatio(noisy(8), ones(8))!, pairedRatio(noisy(200), ones(200))!];
    for (const { low, value, high } of [few, many]) {
      expect(low).toBeLessThan(value);
      expect(high).toBeGreaterThan(value);
    }
    expect(many.high - many.low).toBeLessThan((few.high - few.low) / 2);
    expect(pairedRatio(noisy(8), ones(8))).toEqual(few);
  });

  it('covers the true ratio about as often as it says', () => {
    // 200 experiments of 15 rounds with symmetric noise; percentile intervals of medians are a little short or long.
    let covered = 0;
    for (let e = 0; e < 200; e++) {
      const noise = (i: number): number => Math.sin(12.9898 * (e * 15 + i) + 78.233) * 43_758.5453;
      const samples = Array.from({ length: 15 }, (_, i) => 3 + (noise(i) - Math.floor(noise(i)) - 0.5));
      const { low, high } = pairedRatio(
        samples,
        samples.map(() => 1),
      )!;
      if (low <= 3 && 3 <= high) covered++;
    }
    // Standard deviation of the count at 95 % is 3; at least 90 % even where the interval is a little short.
    expect(covered).toBeGreaterThan(176);
    expect(covered).toBeLessThan(200);
  });
});

describe('logLogSlope', () => {
  it.each([-1, 0.5, 1, 2])('finds the exponent %d of a power law', (p) => {
    const points = [1, 3, 10, 100].map((x) => ({ x, y: 5 * x ** p }));
    const { slope, intercept, standardError } = logLogSlope(points);
    expect(slope).toBeCloseTo(p, 12);
    expect(intercept).toBeCloseTo(Math.log(5), 12);
    expect(standardError).toBeCloseTo(0, 6);
  });

  it('tells the standard error of least squares', () => {
    // ln x = 0, 1, 2 and residuals e, −2e, e: slope 0, s² = 6e² over one degree of freedom, Σ(u − ū)² = 2.
    const e = 0.1;
    const points = [e, -2 * e, e].map((v, i) => ({ x: Math.exp(i), y: Math.exp(v) }));
    expect(logLogSlope(points).standardError).toBeCloseTo(Math.sqrt((6 * e * e) / 2), 12);
  });

  it('refuses what has no exponent', () => {
    expect(() => logLogSlope([{ x: 1, y: 1 }])).toThrow('points must be at least two');
    expect(() =>
      logLogSlope([
        { x: 1, y: 0 },
        { x: 2, y: 1 },
      ]),
    ).toThrow('x > 0 and y > 0');
    expect(() =>
      logLogSlope([
        { x: 2, y: 1 },
        { x: 2, y: 3 },
      ]),
    ).toThrow('points must have two different x');
  });
});
