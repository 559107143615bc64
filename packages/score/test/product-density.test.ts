/** Products of 1-D densities against closed forms and brute-force float64 quadrature. */
import { key } from '@diff/core';
import { gaussian, productDensity } from '@diff/score';
import { canonicalOu, edm } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, test } from 'vitest';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const normalDensity = (mean: number, std: number) =>
  ({
    logDensity: (u: number) => -0.5 * ((u - mean) / std) ** 2,
    interval: [mean - 9 * std, mean + 9 * std],
  }) as const;

describe('a product of Gaussians is a Gaussian', () => {
  const process = canonicalOu({ T: 6 });
  const model = productDensity({ process, coordinates: [normalDensity(0.7, 0.5), normalDensity(-1, 2)] });
  const reference = gaussian({
    process,
    mean: [0.7, -1],
    covariance: [
      [0.25, 0],
      [0, 4],
    ],
  });
  const x = tf.tensor2d([
    [0.3, -0.5],
    [1.4, 1.5],
    [0.2, -3],
  ]);

  test.each([1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.2, 1, 3, 6])('at t = %f', async (t) => {
    for (const [what, room] of [
      ['logDensity', 1e-5],
      ['posteriorMean', 1e-5],
      ['posteriorCovariance', 1e-5],
      ['predict', 1e-5],
    ] as const) {
      const expected = await reference[what](x, t).data();
      (await model[what](x, t).data()).forEach((value, i) => {
        expect(Math.abs(value - expected[i]!), `${what}[${i}]`).toBeLessThan(
          room * (1 + Math.abs(expected[i]!)),
        );
      });
    }
    const expected = await (await reference.score(x, t)).data();
    (await (await model.score(x, t)).data()).forEach((value, i) => {
      // a weight of the quadrature is known to 1e-7, so E[U − y]/ς to 1e-7, and the score to that over ς
      expect(Math.abs(value - expected[i]!), `score[${i}]`).toBeLessThan(2e-5 + 4e-7 / process.sigma(t));
    });
  });

  test('far out the tail of the interval is not lost', async () => {
    const far = tf.tensor2d([[3.5, 12]]);
    for (const t of [0.001, 0.1, 1]) {
      const expected = await reference.logDensity(far, t).data();
      expect((await model.logDensity(far, t).data())[0]! / expected[0]!).toBeCloseTo(1, 4);
    }
  });
});

test('in the tail a small noise still sees the slope of the density, though log p is −27', async () => {
  const model = productDensity({ process: edm({ T: 80 }), coordinates: [normalDensity(0, 1)] });
  for (const spread of [0.002, 0.005, 0.02]) {
    const values = [7.31, 7.32, 7.33, 7.34, -7.2, -7.25];
    const score = await (await model.score(tf.tensor2d(values.map((v) => [v])), spread)).data();
    values.forEach((v, i) => {
      // exact: −v/(1 + ς²); float32 places the nodes to 6e-8 of the interval (18), so it knows log p to 6e-8·18·v
      expect(Math.abs(score[i]! + v / (1 + spread ** 2)), `at ${v}, ς = ${spread}`).toBeLessThan(
        (6e-8 * 18 * Math.abs(v)) / spread,
      );
    });
  }
});

/** ∫ over [a, b] by the midpoint rule on 40,000 points, within 12 ς of y. */
function brute(logDensity: (u: number) => number, a: number, b: number, y: number, spread: number) {
  const steps = 40000;
  const integral = (lower: number, upper: number, f: (u: number) => number): number => {
    let sum = 0;
    for (let i = 0; i < steps; i++) sum += f(lower + ((i + 0.5) / steps) * (upper - lower));
    return (sum * (upper - lower)) / steps;
  };
  const mass = integral(a, b, (u) => Math.exp(logDensity(u)));
  const inside = Math.min(Math.max(y, a), b);
  const lower = Math.max(a, inside - 12 * spread);
  const upper = Math.min(b, inside + 12 * spread);
  const kernel = (u: number) =>
    Math.exp(logDensity(u) - (u - y) ** 2 / (2 * spread ** 2) + (inside - y) ** 2 / (2 * spread ** 2));
  const z = integral(lower, upper, kernel);
  const mean = integral(lower, upper, (u) => u * kernel(u)) / z;
  return {
    logDensity:
      Math.log(z / mass) - Math.log(spread * Math.sqrt(2 * Math.PI)) - (inside - y) ** 2 / (2 * spread ** 2),
    mean,
    variance: integral(lower, upper, (u) => (u - mean) ** 2 * kernel(u)) / z,
  };
}

describe.each([
  ['double well', (u: number) => -3 * (u * u - 1) ** 2, [-2.5, 2.5]],
  ['uniform', () => 0, [0, 1]],
  ['exponential', (u: number) => -3 * u, [0, 8]],
] as const)('%s against brute force', (_, logDensity, [a, b]) => {
  const model = productDensity({ process: edm({ T: 80 }), coordinates: [{ logDensity, interval: [a, b] }] });
  test.each([0.001, 0.01, 0.038, 0.041, 0.2, 1, 30])('ς = %f', async (spread) => {
    for (const y of [a - 3 * spread, a, 0.3, 0.97, b + 2 * spread, a - 0.4]) {
      const expected = brute(logDensity, a, b, y, spread);
      const x = tf.tensor2d([[y]]);
      const [logDensityAt] = await model.logDensity(x, spread).data();
      // y is rounded by 6e-8 of itself, which the exponent sees with the slope gap/ς²
      const gap = Math.max(a - y, y - b, 0);
      const room =
        1e-5 * (1 + Math.abs(expected.logDensity)) + (1e-7 * Math.abs(y) * (gap + spread)) / spread ** 2;
      expect(Math.abs(logDensityAt! - expected.logDensity), `log-density at ${y}`).toBeLessThan(room);
      const [mean] = await model.posteriorMean(x, spread).data();
      expect(Math.abs(mean! - expected.mean), `mean at ${y}`).toBeLessThan(2e-6 * (b - a));
      const [variance] = await model.posteriorCovariance(x, spread).data();
      expect(Math.abs(variance! - expected.variance), `variance at ${y}`).toBeLessThan(
        1e-4 * expected.variance + 1e-6 * Math.abs(y) * spread,
      );
    }
  });
});

test('the score is the gradient of the log-density on both sides of the switch of nodes', async () => {
  const well = { logDensity: (u: number) => -3 * (u * u - 1) ** 2, interval: [-2.5, 2.5] } as const;
  const model = productDensity({ process: edm({ T: 80 }), coordinates: [well, normalDensity(0, 1), well] });
  const x = tf.tensor2d([
    [0.1, -0.5, 0.9],
    [-1.2, 2, 0.3],
  ]);
  for (const spread of [0.02, 0.035, 0.05, 1]) {
    const gradient = await tf
      .grad((y: tf.Tensor) => tf.sum(model.logDensity(y, spread)))(x)
      .data();
    const score = await (await model.score(x, spread)).data();
    score.forEach((s, i) => {
      expect(Math.abs(s - gradient[i]!), `${i} at ${spread}`).toBeLessThan(3e-4 * (1 + Math.abs(s)));
    });
  }
});

test('rows of different times on both sides of the switch give what each gives alone', async () => {
  const process = edm({ T: 80 });
  const model = productDensity({ process, coordinates: [normalDensity(0, 1), normalDensity(1, 0.3)] });
  const times = [0.005, 3, 0.02, 0.7];
  const rows = [
    [0.1, 0.9],
    [2, -1],
    [-0.3, 1.2],
    [0.5, 0.5],
  ];
  const together = (await (await model.score(tf.tensor2d(rows), tf.tensor1d(times))).array()) as number[][];
  for (const [i, t] of times.entries()) {
    const alone = (await (await model.score(tf.tensor2d([rows[i]!]), t)).array()) as number[][];
    alone[0]!.forEach((value, j) => {
      expect(Math.abs(value - together[i]![j]!)).toBeLessThan(1e-4 * (1 + Math.abs(value)));
    });
  }
});

test('draws follow the density', async () => {
  const rate = 3;
  const exponential = { logDensity: (u: number) => -rate * u, interval: [0, 12] } as const;
  const model = productDensity({
    process: edm({ T: 80 }),
    coordinates: [exponential, normalDensity(2, 0.5)],
  });
  const n = 4000;
  const draws = (await (await model.sample(key(11), n)).array()) as number[][];
  // Kolmogorov–Smirnov: the 99.9 % point is 1.95/√n
  const ks = (values: number[], cdf: (u: number) => number): number =>
    Math.max(
      ...values
        .sort((p, q) => p - q)
        .map((v, i) => Math.max(Math.abs(cdf(v) - i / n), Math.abs(cdf(v) - (i + 1) / n))),
    );
  expect(
    ks(
      draws.map((p) => p[0]!),
      (u) => -Math.expm1(-rate * u),
    ),
  ).toBeLessThan(1.95 / Math.sqrt(n));
  const mean = draws.reduce((s, p) => s + p[1]!, 0) / n;
  expect(Math.abs(mean - 2)).toBeLessThan((4 * 0.5) / Math.sqrt(n));
});
