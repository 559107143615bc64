/** What measures the samplers, measured itself: against closed forms, and against another backend. */
import '@diff/backend-simd';
import { combine, key } from '@diff/core';
import { eulerMaruyama, exponentialIntegrator, probabilityFlow } from '@diff/samplers';
import { canonicalOu, edm, uniformGrid, variancePreserving } from '@diff/sde';
import { expectClose } from '@diff/testkit';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { DIMENSIONS, SCALING_METHODS, scalingOf } from '../src/dimension-scaling.ts';
import { float64Tensor, float64Values, keyedNoise, noiseSource } from '../src/float64-backend.ts';
import { lawOf, marginal } from '../src/gaussian-law.ts';
import { denoised } from '../src/mixture.ts';
import { cube, ring } from '../src/problems.ts';
import { referenceFlow } from '../src/reference-flow.ts';

beforeEach(async () => {
  await tf.setBackend('float64');
});

describe('the float64 backend', () => {
  test('combine keeps the digits that float32 loses', () => {
    const x = float64Tensor(Float64Array.of(1 + 1e-12, 2, 3, 4), [2, 2]);
    const weights = float64Tensor(Float64Array.of(1, -1), [2]);
    const y = combine(
      [
        [weights, x],
        [-1, float64Tensor(Float64Array.of(1, 2, 3, 4), [2, 2])],
      ],
      { constant: 1e-13 },
    );
    const want = [1.1e-12, 1e-13, -6 + 1e-13, -8 + 1e-13];
    for (const [i, v] of float64Values(y).entries()) expect(Math.abs(v - want[i]!)).toBeLessThan(2e-15);
  });

  test('noise is what the source says', () => {
    const x = float64Tensor(new Float64Array(4), [2, 2]);
    noiseSource((words, shape) => {
      expect(words).toEqual([...key(3).words]);
      expect(shape).toEqual([2, 2]);
      return Float64Array.of(1, 2, 3, 4);
    });
    const y = combine([[1, x]], { noise: [0.5, key(3)] });
    noiseSource();
    expect([...float64Values(y)]).toEqual([0.5, 1, 1.5, 2]);
  });

  test('keyed noise is standard normal and of its key', () => {
    const n = 40_000;
    const xi = keyedNoise(key(1).words, [n, 1]);
    const mean = xi.reduce((p, q) => p + q, 0) / n;
    const square = xi.reduce((p, q) => p + q * q, 0) / n;
    expect(Math.abs(mean)).toBeLessThan(5 / Math.sqrt(n));
    expect(Math.abs(square - 1)).toBeLessThan(5 * Math.sqrt(2 / n));
    const other = keyedNoise(key(2).words, [n, 1]);
    const product = xi.reduce((p, q, i) => p + q * other[i]!, 0) / n;
    expect(Math.abs(product)).toBeLessThan(5 / Math.sqrt(n));
  });

  test('its ops are those of the simd backend', async () => {
    const work = (): tf.Tensor[] => {
      const x = tf.tensor2d([
        [1, -2, 3],
        [0.5, 4, -6],
      ]);
      const row = tf.tensor1d([2, 0.25, -1]);
      const column = tf.tensor2d([[3], [-5]]);
      return [
        ...[tf.add, tf.sub, tf.mul, tf.div, tf.maximum, tf.minimum].flatMap((op) => [
          op(x, row),
          op(column, x),
          op(row, column),
          op(2, x),
        ]),
        ...[tf.abs, tf.neg, tf.square].map((op) => op(x)),
        tf.sqrt(tf.abs(x)),
        tf.sum(x),
        tf.sum(x, 1),
        tf.mean(x, 1),
        tf.max(x, 1),
        tf.reshape(x, [3, -1]),
        tf.stack([row, row]),
        tf.fill([2, 2], 7),
      ];
    };
    const own = work().map((x) => [[...x.shape], ...float64Values(x)]);
    await tf.setBackend('simd');
    const others = work();
    for (const [i, y] of others.entries()) {
      const [shape, ...values] = own[i]! as [number[], ...number[]];
      expect(shape).toEqual(y.shape);
      expectClose(Float32Array.from(values), await y.data(), { absolute: 1e-6 }, `op ${i}`);
    }
  });
});

describe('the reference flow', () => {
  test.each([
    ['EDM', edm({ T: 80 }), 80, 0.01],
    ['VP', variancePreserving({ schedule: 'linear', betaMin: 0.1, betaMax: 20, T: 1 }), 1, 0.001],
  ] as const)('of a Gaussian under %s is affine', (_name, process, from, to) => {
    const data = { mean: 0.7, variance: 0.25 };
    const [start, end] = [marginal(process, data, from), marginal(process, data, to)];
    const u = [-1.5, -0.3, 0.4, 2];
    const x = Float64Array.from(u, (v) => start.mean + v * Math.sqrt(start.variance));
    const got = referenceFlow({ weights: [1], means: [[0.7]], stds: [0.5] }, process, x, [from, to]);
    for (const [i, v] of u.entries()) {
      expect(Math.abs(got[i]! - (end.mean + v * Math.sqrt(end.variance)))).toBeLessThan(1e-11);
    }
  });

  test.each([ring, cube])('of the $name is the same with half the steps', ({ law, process, grid, end }) => {
    const from = grid(1)[0]!;
    const x = Float64Array.from(law.means[0]!, (v, j) => process.prior.std * (0.3 * v + (j % 3) - 0.8));
    const [fine, coarse] = [8000, 4000].map((steps) => referenceFlow(law, process, x, [from, end], steps));
    for (const [i, v] of fine!.entries()) expect(Math.abs(v - coarse![i]!)).toBeLessThan(2e-10);
  });
});

describe('the law of a run', () => {
  const process = canonicalOu({ T: 3 });
  const data = { mean: 0.7, variance: 0.3 };
  const grid = uniformGrid({ process, steps: 40, end: 0.05 });

  test('of Euler–Maruyama is its recursion', async () => {
    let { mean, variance } = marginal(process, data, 3);
    for (let i = 0; i + 1 < grid.length; i++) {
      const [t, step] = [grid[i]!, grid[i]! - grid[i + 1]!];
      const now = marginal(process, data, t);
      // x' = x + Δ (x + 2 score) + √(2Δ) ξ,  score = (mean_t − x)/var_t
      const slope = 1 + step * (1 - 2 / now.variance);
      mean = slope * mean + (2 * step * now.mean) / now.variance;
      variance = slope ** 2 * variance + 2 * step;
    }
    const got = await lawOf({ sampler: eulerMaruyama(), process, data, grid });
    expect(Math.abs(got.mean - mean)).toBeLessThan(1e-13);
    expect(Math.abs(got.variance - variance)).toBeLessThan(1e-13);
  });

  test('starts where it is told', async () => {
    const run = { sampler: probabilityFlow({ hold: 'score' }), process, data, grid };
    const [from, other] = [await lawOf(run), await lawOf({ ...run, initial: { mean: 0, variance: 1 } })];
    expect(Math.abs(from.mean - other.mean)).toBeGreaterThan(1e-3);
  });

  test('converges to that of the data', async () => {
    const fine = uniformGrid({ process, steps: 640, end: 0.05 });
    const got = await lawOf({ sampler: exponentialIntegrator({ hold: 'data' }), process, data, grid: fine });
    const want = marginal(process, data, 0.05);
    expect(Math.abs(got.mean - want.mean) + Math.abs(got.variance - want.variance)).toBeLessThan(0.01);
  });
});

test('steps against dimension: d^{1/(2p)} for a method of order p', async () => {
  const [flow, heun] = ['EI, score held, b = 0', 'Heun'].map(
    (name) => SCALING_METHODS.find((method) => method.name === name)!,
  );
  for (const [method, order] of [
    [flow!, 1],
    [heun!, 2],
  ] as const) {
    const { nfe, slope } = await scalingOf(method);
    expect(nfe).toHaveLength(DIMENSIONS.length);
    for (let i = 1; i < nfe.length; i++) expect(nfe[i]!).toBeGreaterThanOrEqual(nfe[i - 1]!);
    expect(Math.abs(slope - 1 / (2 * order))).toBeLessThan(0.03);
  }
});

test('the posterior mean of a mixture is where its density says', () => {
  // Tweedie: E[x₀ | x] = x + σ² ∇ log p for α = 1, by central differences of the log-density.
  const { law, process } = ring;
  const t = 0.7;
  const log = (x: readonly number[]): number => {
    const terms = law.means.map((mu, k) => {
      const v = law.stds[k]! ** 2 + t * t;
      const squared = x.reduce((sum, xj, j) => sum + (xj - mu[j]!) ** 2, 0);
      return (law.weights[k]! / v) * Math.exp(-squared / (2 * v));
    });
    return Math.log(terms.reduce((p, q) => p + q, 0));
  };
  const x = [0.8, -1.1];
  const mean = denoised(law, process, Float64Array.from(x), t);
  const h = 1e-5;
  for (const j of [0, 1]) {
    const moved = (by: number): number[] => x.map((v, i) => (i === j ? v + by : v));
    const slope = (log(moved(h)) - log(moved(-h))) / (2 * h);
    expect(Math.abs(mean[j]! - (x[j]! + t * t * slope))).toBeLessThan(1e-8);
  }
});
