import { key, normal } from '@diff/core';
import {
  type GeneralProcess,
  generalReverseDrift,
  generalSde,
  noiseDivergence,
  ornsteinUhlenbeck,
  overdampedLangevin,
  reverseCoefficients,
  reverseDrift,
} from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, it } from 'vitest';
import { worst } from './golden.ts';

beforeAll(() => tf.setBackend('cpu'));

const column = (x: tf.Tensor, j: number): tf.Tensor => tf.slice(x, [0, j], [-1, 1]);

/** g(x) = [[x₁, 1, 0], [x₂, x₁, 1]]: a = [[x₁² + 1, x₁x₂ + x₁], [·, x₁² + x₂² + 1]], ∇·a = (3x₁, 3x₂ + 1). */
const matrixSde = generalSde({
  T: 1,
  noise: 'matrix',
  drift: (_t, x) => tf.neg(x),
  diffusion: (_t, x) => {
    const [x1, x2] = [column(x, 0), column(x, 1)];
    const [zero, one] = [tf.zerosLike(x1), tf.onesLike(x1)];
    return tf.stack([tf.concat([x1, one, zero], 1), tf.concat([x2, x1, one], 1)], 1);
  },
});

/** g = √(1 + |x|²), the same in all coordinates: ∇·a = 2x. */
const scalarSde = generalSde({
  T: 1,
  drift: (_t, x) => tf.neg(x),
  diffusion: (_t, x) => tf.sqrt(tf.add(1, tf.sum(tf.square(x), 1, true))),
});

/** g₁ = x₁x₂, g₂ = e^{x₂}: a = diag(x₁²x₂², e^{2x₂}), ∇·a = (2x₁x₂², 2e^{2x₂}). */
const diagonalSde = generalSde({
  T: 1,
  noise: 'diagonal',
  drift: (_t, x) => tf.neg(x),
  diffusion: (_t, x) => tf.concat([tf.mul(column(x, 0), column(x, 1)), tf.exp(column(x, 1))], 1),
});

describe('noiseDivergence by automatic differentiation', () => {
  it.each<[string, GeneralProcess, (x1: number, x2: number) => [number, number]]>([
    ['matrix', matrixSde, (x1, x2) => [3 * x1, 3 * x2 + 1]],
    ['scalar', scalarSde, (x1, x2) => [2 * x1, 2 * x2]],
    ['diagonal', diagonalSde, (x1, x2) => [2 * x1 * x2 ** 2, 2 * Math.exp(2 * x2)]],
  ])('of %s g is the closed form', async (_, process, closed) => {
    const x = normal(key(3), [6, 2]);
    const values = await x.data();
    const expected = Array.from({ length: 6 }, (_, i) => closed(values[2 * i]!, values[2 * i + 1]!)).flat();
    const before = tf.memory().numTensors;
    const divergence = noiseDivergence(process, 0.5, x);
    expect(tf.memory().numTensors).toBe(before + 1);
    expect(divergence.shape).toEqual([6, 2]);
    expect(worst(Array.from(await divergence.data()), expected).error).toBeLessThan(2e-6);
  });

  it('is 0 where g does not depend on x, and the given one where there is one', async () => {
    const x = normal(key(3), [6, 2]);
    const free = generalSde({ T: 1, noise: 'matrix', drift: (_t, y) => y, diffusion: () => tf.eye(2) });
    const langevin = overdampedLangevin({ potentialGradient: (y) => y });
    for (const process of [free, langevin, generalSde({ T: 1, drift: (_t, y) => y, diffusion: () => 2 })]) {
      expect(Array.from(await noiseDivergence(process, 0, x).data()).map(Math.abs)).toEqual(
        new Array(12).fill(0),
      );
    }
    const given = generalSde({ ...scalarSde, divergence: (t, y) => tf.fill(y.shape, 10 + t) });
    expect((await noiseDivergence(given, 0.5, x).data())[0]).toBe(10.5);
    expect(() => noiseDivergence(scalarSde, 0, tf.zeros([2, 2, 2]))).toThrow(
      'noiseDivergence: x must have shape [n, d], got a tensor of shape [2, 2, 2].',
    );
  });
});

describe('generalReverseDrift', () => {
  // dX = −X dt + √(1 + X²) dB is stationary and reversible at p ∝ (1 + x²)^{−2}, whose score is −4x/(1 + x²):
  // its time reversal is itself, and without noise nothing moves.
  it('of a stationary reversible process gives b² times the forward drift', async () => {
    const process = generalSde({
      T: 1,
      noise: 'diagonal',
      drift: (_t, x) => tf.neg(x),
      diffusion: (_t, x) => tf.sqrt(tf.add(1, tf.square(x))),
    });
    const xs = [-3, -0.5, 0.1, 1, 4];
    const x = tf.tensor2d(xs, [5, 1]);
    const score = tf.tensor2d(
      xs.map((v) => (-4 * v) / (1 + v * v)),
      [5, 1],
    );
    for (const b of [0, 0.5, 1, 1.7]) {
      const drift = await generalReverseDrift(process, 0.3, x, score, { noiseLevel: b }).data();
      for (const [i, v] of xs.entries())
        expect(Math.abs(drift[i]! + b * b * v)).toBeLessThan(2e-6 * (1 + v * v));
    }
    const byTime = await generalReverseDrift(process, 0.3, x, score, { noiseLevel: (t) => 10 * t }).data();
    expect(byTime[4]).toBeCloseTo(-36, 4);
  });

  it('of a matrix g is −f + a score + ∇·a', async () => {
    const x = tf.tensor2d([[0.5, -2]]);
    const score = tf.tensor2d([[3, 0.7]]);
    const drift = await generalReverseDrift(matrixSde, 0, x, score).data();
    // a = [[1.25, −0.5], [−0.5, 5.25]], ∇·a = (1.5, −5), −f = x
    expect(drift[0]).toBeCloseTo(0.5 + 1.25 * 3 - 0.5 * 0.7 + 1.5, 5);
    expect(drift[1]).toBeCloseTo(-2 - 0.5 * 3 + 5.25 * 0.7 - 5, 5);
  });

  it('of Langevin dynamics with a quadratic potential is the linear one', async () => {
    const process = overdampedLangevin({
      potentialGradient: (x) => tf.mul(tf.sub(x, 0.4), 1.5),
      sigma: 0.8,
      T: 2,
    });
    const linear = ornsteinUhlenbeck({ theta: 1.5, mu: 0.4, sigma: 0.8, T: 2 });
    const [x, score] = [normal(key(1), [4, 3]), normal(key(2), [4, 3])];
    for (const noiseLevel of [0, 1, (t: number) => 2 - t]) {
      const general = await generalReverseDrift(process, 0.7, x, score, { noiseLevel }).data();
      const expected = await reverseDrift(linear, 0.7, x, score, { noiseLevel }).data();
      expect(worst(Array.from(general), Array.from(expected)).error).toBeLessThan(1e-6);
    }
  });
});

describe('reverseCoefficients', () => {
  it('are those of MATH: Ornstein–Uhlenbeck x + (1 + b²) score, noise √2 b', () => {
    const process = ornsteinUhlenbeck({ theta: 1, mu: 0.3, T: 4 });
    for (const b of [0, 0.5, 1, 2]) {
      const c = reverseCoefficients(process, 1, b);
      expect(c.x).toBe(1);
      expect(c.score).toBeCloseTo(1 + b * b, 14);
      expect(c.constant).toBe(-0.3);
      expect(c.noise).toBeCloseTo(Math.SQRT2 * b, 14);
    }
    expect(reverseCoefficients(process, 2, (t) => t).noise).toBeCloseTo(2 * Math.SQRT2, 14);
  });

  it('share the marginals for every noise level: the variance of Gaussian data runs backwards', () => {
    const process = ornsteinUhlenbeck({ theta: 0.8, mu: 0.3, sigma: 1.1, T: 2 });
    const law = (t: number): [number, number] => [
      process.alpha(t) * 1.5 + process.mean(t),
      process.alpha(t) ** 2 * 0.3 + process.sigma(t) ** 2,
    ];
    for (const b of [0, 0.6, 1, (t: number) => t]) {
      let [mean, variance] = law(2);
      const h = 1e-4;
      for (let k = 0; k < 15_000; k++) {
        const t = 2 - (k + 0.5) * h;
        const c = reverseCoefficients(process, t, b);
        const [m, v] = law(t);
        const rate = c.x - c.score / v; // the score is (m − x)/v
        mean += h * (rate * mean + (c.score * m) / v + c.constant);
        variance += h * (2 * rate * variance + c.noise ** 2);
      }
      const [m, v] = law(0.5);
      expect(Math.abs(mean - m)).toBeLessThan(2e-4);
      expect(Math.abs(variance - v)).toBeLessThan(2e-4);
    }
  });

  it('refuse a negative or undefined noise level', () => {
    const process = ornsteinUhlenbeck();
    expect(() => reverseCoefficients(process, 1, -0.5)).toThrow(
      'reverseCoefficients: noiseLevel must be a finite number of at least 0, got -0.5 at t = 1.',
    );
    expect(() => reverseCoefficients(process, 1, () => Number.NaN)).toThrow('got NaN at t = 1');
  });
});
