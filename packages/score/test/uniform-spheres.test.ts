/** Spheres against brute-force quadrature in float64, closed forms and seeded draws. */
import { key } from '@diff/core';
import { uniformSphere, uniformSpheres } from '@diff/score';
import { canonicalOu, edm } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, test } from 'vitest';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** Midpoint rule in the angle θ between u and û on the unit sphere of R^d, density ∝ sin^{d−2} θ. */
function tilted(kappa: number, d: number) {
  const steps = 20000;
  let z = 0;
  let all = 0;
  let first = 0;
  let second = 0;
  for (let i = 0; i < steps; i++) {
    const theta = ((i + 0.5) / steps) * Math.PI;
    const u = Math.cos(theta);
    const base = Math.sin(theta) ** (d - 2);
    const w = base * Math.exp(kappa * (u - 1));
    all += base;
    z += w;
    first += w * u;
    second += w * u * u;
  }
  return { logC: Math.log(z / all) + kappa, mean: first / z, square: second / z };
}

/** log p_t, D and the two distinct posterior variances for one sphere at the origin, at |x| = rho on an axis. */
function oracle(rho: number, radius: number, alpha: number, sigma: number, d: number) {
  const { logC, mean, square } = tilted((alpha * radius * rho) / sigma ** 2, d);
  return {
    logDensity:
      -0.5 * d * Math.log(2 * Math.PI * sigma ** 2) -
      (rho ** 2 + (alpha * radius) ** 2) / (2 * sigma ** 2) +
      logC,
    mean: radius * mean,
    along: radius ** 2 * (square - mean ** 2),
    across: (radius ** 2 * (1 - square)) / (d - 1),
  };
}

describe.each([2, 3, 4, 7, 12])('dimension %i', (d) => {
  const process = canonicalOu({ T: 6 });
  const radius = 1.3;
  const model = uniformSphere({ process, center: Array<number>(d).fill(0), radius });
  const on = (rho: number) => tf.tensor2d([[rho, ...Array<number>(d - 1).fill(0)]]);

  test.each([0.02, 0.1, 0.5, 2, 6])('density, mean and covariance at t = %f', async (t) => {
    const [alpha, sigma] = [process.alpha(t), process.sigma(t)];
    for (const rho of [1e-6, 0.01, 0.5, alpha * radius, 2, 5]) {
      const expected = oracle(rho, radius, alpha, sigma, d);
      // float32 rounds |x| and the radius by 6e-8 of themselves; the exponent has this slope in them
      const slope = (Math.abs(rho - alpha * radius) + sigma) / sigma ** 2;
      const room = 2e-6 + 4e-7 * (rho + radius) * slope;
      const x = on(rho);
      const [logDensity] = await model.logDensity(x, t).data();
      expect(Math.abs(logDensity! - expected.logDensity), `log-density at ${rho}`).toBeLessThan(
        room + 4e-7 * Math.abs(expected.logDensity),
      );
      const [mean] = await model.posteriorMean(x, t).data();
      expect(Math.abs(mean! - expected.mean), `mean at ${rho}`).toBeLessThan(3e-6);
      const covariance = await model.posteriorCovariance(x, t).data();
      expect(Math.abs(covariance[0]! - expected.along), `along at ${rho}`).toBeLessThan(3e-6);
      expect(Math.abs(covariance[d + 1]! - expected.across), `across at ${rho}`).toBeLessThan(3e-6);
      expect(Math.abs(covariance[1]!), 'off the diagonal').toBeLessThan(3e-6);
    }
  });

  test('the score is the gradient of the log-density', async () => {
    const x = tf.tensor2d([[0.3, -0.7, 0.2, 0.5, -0.1, 0.4, 0.8, -0.3, 0.2, 0.1, -0.6, 0.9].slice(0, d)]);
    const gradient = await tf
      .grad((y: tf.Tensor) => tf.sum(model.logDensity(y, 0.3)))(x)
      .data();
    const score = await (await model.score(x, 0.3)).data();
    score.forEach((s, i) => {
      expect(Math.abs(s - gradient[i]!)).toBeLessThan(2e-5 * (1 + Math.abs(s)));
    });
  });
});

describe('R³: the Langevin function', () => {
  const process = edm({ T: 80 });
  const model = uniformSphere({ process });

  test.each([
    [1e-4, 1e-3],
    [1e-2, 1],
    [1, 1],
    [10, 1],
    [1, 0.01],
    [0.5, 0.003],
    [30, 80],
    [1.001, 0.001],
  ])('|x| = %f, sigma = %f', async (rho, sigma) => {
    const kappa = rho / sigma ** 2;
    const langevin = kappa < 1e-3 ? kappa / 3 : 1 / Math.tanh(kappa) - 1 / kappa;
    const direction = [2 / 3, -1 / 3, 2 / 3];
    const x = tf.tensor2d([direction.map((c) => c * rho)]);
    const mean = await model.posteriorMean(x, sigma).data();
    direction.forEach((c, i) => {
      expect(Math.abs(mean[i]! - langevin * c)).toBeLessThan(3e-7 * Math.max(langevin, 1e-3) + 1e-9);
    });
    const logSinhc = kappa < 1e-3 ? kappa ** 2 / 6 - kappa : Math.log(-Math.expm1(-2 * kappa) / (2 * kappa));
    const expected = -1.5 * Math.log(2 * Math.PI * sigma ** 2) - (rho - 1) ** 2 / (2 * sigma ** 2) + logSinhc;
    const [logDensity] = await model.logDensity(x, sigma).data();
    const rounding = (4e-7 * (rho + 1) * Math.abs(rho - 1)) / sigma ** 2;
    expect(Math.abs(logDensity! - expected)).toBeLessThan(3e-6 + 4e-7 * Math.abs(expected) + rounding);
  });

  test('far from the sphere the score is that of its centre of mass', async () => {
    const x = tf.tensor2d([[3000, 0, 4000]]);
    const score = await (await model.score(x, 70)).data();
    // (αD − x)/σ² with |D| ≤ 1
    expect(score[0]).toBeCloseTo((0.6 * (1 / Math.tanh(5000 / 4900) - 4900 / 5000) - 3000) / 4900, 5);
  });

  test('at the centre everything is finite and the score and its derivative are right', async () => {
    const x = tf.zeros([1, 3]);
    expect(Array.from(await (await model.score(x, 0.5)).data()).every((c) => c === 0)).toBe(true);
    const gradient = await tf
      .grad((y: tf.Tensor) => tf.sum(model.logDensity(y, 0.5)))(x)
      .data();
    expect(Array.from(gradient).every((g) => Math.abs(g) < 1e-6)).toBe(true);
  });
});

test('two spheres in R³ agree with an average over many points on them', async () => {
  const process = canonicalOu({ T: 5 });
  const spheres = [
    { center: [-2, 0, 0.5], radius: 1 },
    { center: [1.5, 0.3, 0], radius: 0.5 },
  ];
  const weights = [2 / 3, 1 / 3];
  const model = uniformSpheres({ process, spheres, weights: [2, 1] });
  const t = 0.4;
  const [alpha, sigma] = [process.alpha(t), process.sigma(t)];
  const points: { p: number[]; w: number }[] = [];
  const [polar, azimuth] = [400, 100];
  spheres.forEach(({ center, radius }, k) => {
    for (let i = 0; i < polar; i++) {
      const u = -1 + (2 * (i + 0.5)) / polar;
      for (let j = 0; j < azimuth; j++) {
        const phi = (2 * Math.PI * j) / azimuth;
        const s = Math.sqrt(1 - u * u);
        const unit = [s * Math.cos(phi), s * Math.sin(phi), u];
        points.push({
          p: unit.map((c, a) => center[a]! + radius * c),
          w: weights[k]! / (polar * azimuth),
        });
      }
    }
  });
  const rows = [
    [-0.4, 0.1, 0.2],
    [0.1, -0.5, 0.3],
    [1, 0.2, -0.7],
  ];
  const x = tf.tensor2d(rows);
  const means = (await model.posteriorMean(x, t).array()) as number[][];
  const densities = await model.logDensity(x, t).array();
  const covariances = await model.posteriorCovariance(x, t).array();
  rows.forEach((row, n) => {
    let z = 0;
    const first = [0, 0, 0];
    const second = [0, 0, 0].map(() => [0, 0, 0]);
    for (const { p, w } of points) {
      const distance = row.reduce((sum, c, a) => sum + (c - alpha * p[a]!) ** 2, 0);
      const weight = w * Math.exp(-distance / (2 * sigma ** 2));
      z += weight;
      p.forEach((a, i) => {
        first[i]! += weight * a;
        p.forEach((b, j) => {
          second[i]![j]! += weight * a * b;
        });
      });
    }
    // the polar rule is a midpoint rule: its error is of order 1/400²
    expect(densities[n]).toBeCloseTo(Math.log(z) - 1.5 * Math.log(2 * Math.PI * sigma ** 2), 4);
    first.forEach((f, i) => {
      expect(means[n]![i]).toBeCloseTo(f / z, 4);
      first.forEach((g, j) => {
        expect(covariances[n]![i]![j]).toBeCloseTo(second[i]![j]! / z - (f * g) / z ** 2, 4);
      });
    });
  });
});

test('draws lie on the spheres in the right shares, and do not depend on how a batch is cut', async () => {
  const model = uniformSpheres({
    process: canonicalOu({ T: 5 }),
    spheres: [
      { center: [-3, 0, 0], radius: 1 },
      { center: [3, 0, 0], radius: 2 },
    ],
    weights: [1, 3],
  });
  const n = 4000;
  const draws = (await (await model.sample(key(4), n)).array()) as number[][];
  let left = 0;
  const sum = [0, 0, 0];
  for (const p of draws) {
    const center = p[0]! < 0 ? -3 : 3;
    if (center < 0) left++;
    const off = p.map((c, i) => c - (i === 0 ? center : 0));
    expect(Math.hypot(...off)).toBeCloseTo(center < 0 ? 1 : 2, 5);
    off.forEach((o, i) => {
      sum[i]! += o;
    });
  }
  expect(Math.abs(left / n - 0.25)).toBeLessThan(4 * Math.sqrt(0.1875 / n));
  // variance of one coordinate: (¼·1 + ¾·4)/3
  for (const s of sum) expect(Math.abs(s / n)).toBeLessThan(4 * Math.sqrt(3.25 / 3 / n));
  const second = (await (await model.sample(key(4), 50, { firstRow: 1000 })).array()) as number[][];
  expect(second).toEqual(draws.slice(1000, 1050));
});
