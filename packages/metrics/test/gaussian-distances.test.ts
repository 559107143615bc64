import { describe, expect, it } from 'vitest';
import { gaussianKl, gaussianRelativeFisher, gaussianW2Squared } from '../src/index.ts';
import { gaussians } from './support/golden.ts';

const digits = (actual: number, expected: number): void =>
  expect(Math.abs(actual / expected - 1), `${actual} is not ${expected}`).toBeLessThan(1e-10);

describe('distances between Gaussians', () => {
  it.each(gaussians)('agree with the recorded values, d = $d', (c) => {
    const [p, q] = [
      { mean: c.m1, covariance: c.C1 },
      { mean: c.m2, covariance: c.C2 },
    ];
    digits(gaussianW2Squared(p, q), c.W2_squared);
    digits(gaussianW2Squared(q, p), c.W2_squared);
    digits(gaussianKl(p, q), c.KL_1_2);
    digits(gaussianKl(q, p), c.KL_2_1);
    digits(gaussianRelativeFisher(p, q), c.fisher_div_E1_norm2_score_diff);
  });

  it('W2 takes singular covariances, KL does not', () => {
    const line = {
      mean: [0, 0],
      covariance: [
        [1, 0],
        [0, 0],
      ],
    };
    const disc = {
      mean: [0, 3],
      covariance: [
        [4, 0],
        [0, 4],
      ],
    };
    expect(gaussianW2Squared(line, disc)).toBeCloseTo(9 + 1 + 4, 12);
    expect(() => gaussianKl(line, disc)).toThrow(
      'gaussianKl: p.covariance must be positive definite, got a singular one. Add a small multiple of the identity.',
    );
  });

  it('refuse what is no pair of Gaussians', () => {
    const fine = {
      mean: [0, 0],
      covariance: [
        [1, 0],
        [0, 1],
      ],
    };
    const refuse = (mean: number[], covariance: number[][], message: string): void =>
      expect(() => gaussianW2Squared({ mean, covariance }, fine)).toThrow(message);
    refuse([0], [[1, 0]], 'p must have a mean of d numbers and a covariance of d × d, got 1 and 1 × 2.');
    refuse([0], [[1]], 'p and q must have the same dimension, got 1 and 2.');
    refuse(
      [0, Number.NaN],
      [
        [1, 0],
        [0, 1],
      ],
      'p must be finite, got NaN.',
    );
    refuse(
      [0, 0],
      [
        [1, 0.5],
        [0, 1],
      ],
      'p.covariance must be symmetric, got one that is not.',
    );
    refuse(
      [0, 0],
      [
        [1, 2],
        [2, 1],
      ],
      'p.covariance must be positive semidefinite, got the eigenvalue -',
    );
  });
});
