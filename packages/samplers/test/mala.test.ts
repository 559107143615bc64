/**
 * MALA: the density is stationary for every step size, which the unadjusted chain is far from; on a Gaussian and on a
 * mixture seen at one time of a diffusion. Probabilities of acceptance come from an independent float64 calculation.
 */
import '@tensorflow/tfjs-backend-cpu';
import { fold, isDiffError, key, normal, uniform } from '@diff/core';
import { gaussianMixture } from '@diff/score';
import { edm, exponentialGrid } from '@diff/sde';
import { expectClose } from '@diff/testkit';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  annealed,
  ddim,
  langevin,
  type MalaCorrectorOptions,
  type MalaOptions,
  mala,
  malaCorrector,
  predictorCorrector,
  sample,
} from '../src/index.ts';

let tensors = 0;
beforeAll(async () => {
  await tf.setBackend('cpu');
});
beforeEach(() => {
  tensors = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensors);
});

async function moments(x: tf.Tensor): Promise<{ mean: number; variance: number }> {
  const v = Array.from(await x.data());
  x.dispose();
  const mean = v.reduce((s, w) => s + w, 0) / v.length;
  return { mean, variance: v.reduce((s, w) => s + (w - mean) ** 2, 0) / (v.length - 1) };
}

/** N(0, s²), known up to a constant. */
const gaussian = (s2: number) => ({
  score: (x: tf.Tensor) => tf.mul(x, -1 / s2),
  logDensity: (x: tf.Tensor) => tf.tidy(() => tf.mul(tf.sum(tf.square(x), 1), -0.5 / s2)),
});

const base = (): MalaOptions => ({
  ...gaussian(1),
  stepSize: 0.5,
  steps: 4,
  shape: [3, 2],
  key: key(4),
});

describe('the stationary law', () => {
  test.each([0.2, 1, 1.8])('of N(0, 1) at ε = %d is N(0, 1)', async (stepSize) => {
    const n = 8000;
    const run = { ...gaussian(1), stepSize, steps: 24, shape: [n, 1], key: key(8) };
    const { x, acceptance } = await mala(run);
    const { mean, variance } = await moments(x);
    expect(Math.abs(mean)).toBeLessThan(5 / Math.sqrt(n));
    expect(Math.abs(variance - 1)).toBeLessThan(5 * Math.sqrt(2 / n));
    expect(acceptance).toBeGreaterThan(0.3);
    // The unadjusted chain's variance, 1/(1 − ε/2), is far off.
    const plain = await moments(await langevin(run));
    const want = 1 / (1 - stepSize / 2);
    expect(Math.abs(plain.variance - want)).toBeLessThan(0.05 * want);
    expect(Math.abs(plain.variance - 1)).toBeGreaterThan(5 * Math.sqrt(2 / n));
  });

  test('forgets where it started', async () => {
    const n = 8000;
    const initial = tf.fill([n, 1], 3);
    const { x } = await mala({
      ...gaussian(0.5),
      stepSize: 0.5,
      steps: 24,
      shape: [n, 1],
      key: key(2),
      initial,
    });
    const { mean, variance } = await moments(x);
    initial.dispose();
    expect(Math.abs(mean)).toBeLessThan(5 * Math.sqrt(0.5 / n));
    expect(Math.abs(variance - 0.5)).toBeLessThan(5 * 0.5 * Math.sqrt(2 / n));
  });

  test('of a mixture at time t is p_t', async () => {
    const [n, t] = [8000, 0.7];
    const process = edm({ T: 10 });
    const [weights, means, variance] = [[0.3, 0.7], [-1.5, 1], 0.1];
    const model = gaussianMixture({ process, means: means.map((m) => [m]), weights, variance });
    const s2 = variance + t * t;
    const { x, acceptance } = await mala({
      score: (x) => model.score(x, t),
      logDensity: (x) => model.logDensity(x, t),
      stepSize: 0.8,
      steps: 30,
      shape: [n, 1],
      key: key(5),
    });
    const v = Array.from(await x.data());
    x.dispose();
    expect(acceptance).toBeGreaterThan(0.5);
    expect(acceptance).toBeLessThan(0.99);
    // E xʲ, j = 1 … 4, of Σ w N(m, s²), with the sampling error of each from the moment of twice the degree.
    const raw = (j: number): number => {
      const one = (m: number): number[] => {
        const e = [1, m];
        for (let k = 2; k <= 8; k++) e.push(m * e[k - 1]! + (k - 1) * s2 * e[k - 2]!);
        return e;
      };
      return means.reduce((sum, m, k) => sum + weights[k]! * one(m)[j]!, 0);
    };
    for (let j = 1; j <= 4; j++) {
      const got = v.reduce((sum, w) => sum + w ** j, 0) / n;
      const sd = Math.sqrt((raw(2 * j) - raw(j) ** 2) / n);
      expect(Math.abs(got - raw(j))).toBeLessThan(5 * sd);
    }
  });
});

describe('one step', () => {
  test('moves or stays as the formula says, row by row', async () => {
    const [s2, epsilon, n, d] = [0.6, 1.1, 40, 2];
    const initial = normal(key(1), [n, d]);
    const flags: number[] = [];
    const onStep: MalaOptions['onStep'] = async ({ accepted }) => void flags.push(...(await accepted.data()));
    const run = { ...gaussian(s2), stepSize: epsilon, steps: 1, shape: [n, d], key: key(4), initial };
    const { x, acceptance } = await mala({ ...run, onStep });
    const noise = normal(fold(key(4), 1), [n, d]);
    const draws = uniform(fold(fold(key(4), 1), 1), [n, 1]);
    const [from, xi, u, got] = [await initial.data(), await noise.data(), await draws.data(), await x.data()];
    tf.dispose([initial, noise, draws, x]);
    // Densities and transition densities as they are defined.
    const step = (1 - epsilon / s2) as number;
    const want: number[] = [];
    let moved = 0;
    for (let i = 0; i < n; i++) {
      const a = Array.from(from.subarray(i * d, (i + 1) * d));
      const b = a.map((v, j) => step * v + Math.sqrt(2 * epsilon) * xi[i * d + j]!);
      const log = (p: number[], q: number[]): number =>
        p.reduce((sum, v, j) => sum - v ** 2 / (2 * s2) - (q[j]! - step * v) ** 2 / (4 * epsilon), 0);
      const accept = Math.log(u[i]!) < log(b, a) - log(a, b);
      expect(flags[i]).toBe(accept ? 1 : 0);
      moved += accept ? 1 : 0;
      want.push(...(accept ? b : a));
    }
    expect(moved).toBeGreaterThan(5);
    expect(moved).toBeLessThan(n - 5);
    expectClose(got, want, { absolute: 1e-5 });
    expect(acceptance).toBeCloseTo(moved / n, 6);
  });

  test('where all is accepted it is Langevin’s step on the same noise', async () => {
    const flat = {
      score: (x: tf.Tensor) => tf.zerosLike(x),
      logDensity: (x: tf.Tensor) => tf.zeros([x.shape[0]!]),
    };
    const { x, acceptance } = await mala({ ...base(), ...flat });
    const plain = await langevin({ ...base(), score: flat.score, onStep: undefined });
    expectClose(await x.data(), Array.from(await plain.data()), { absolute: 1e-5 });
    expect(acceptance).toBe(1);
    tf.dispose([x, plain]);
  });

  test('rows do not depend on their batch', async () => {
    const whole = await mala({ ...base(), stepSize: 1.5 });
    const last = await mala({ ...base(), stepSize: 1.5, shape: [1, 2], firstRow: 2 });
    expect(Array.from(await last.x.data())).toEqual(Array.from(await whole.x.data()).slice(4));
    tf.dispose([whole.x, last.x]);
  });

  test('never leaves the support', async () => {
    // The exponential law on x > 0.
    const n = 4000;
    const initial = tf.ones([n, 1]);
    const { x, acceptance } = await mala({
      score: (x) => tf.fill(x.shape, -1),
      logDensity: (x) =>
        tf.tidy(() => tf.reshape(tf.where(tf.greater(x, 0), tf.neg(x), tf.fill(x.shape, -Infinity)), [-1])),
      stepSize: 0.5,
      steps: 60,
      shape: [n, 1],
      key: key(6),
      initial,
    });
    const v = Array.from(await x.data());
    tf.dispose([x, initial]);
    expect(Math.min(...v)).toBeGreaterThan(0);
    expect(acceptance).toBeLessThan(0.95);
    expect(Math.abs(v.reduce((s, w) => s + w, 0) / n - 1)).toBeLessThan(5 / Math.sqrt(n));
  });
});

describe('a preconditioner', () => {
  test('is a change of coordinates, and leaves the law', async () => {
    const n = 6000;
    const widths = tf.tensor1d([100, 0.01]);
    const run = {
      score: (x: tf.Tensor) => tf.tidy(() => tf.neg(tf.div(x, widths))),
      logDensity: (x: tf.Tensor) => tf.tidy(() => tf.mul(-0.5, tf.sum(tf.div(tf.square(x), widths), 1))),
      stepSize: 0.8,
      steps: 30,
      shape: [n, 2],
      key: key(9),
      preconditioner: widths,
    };
    const { x, acceptance } = await mala(run);
    const scaled = tf.tidy(() => tf.div(x, tf.sqrt(widths)));
    x.dispose();
    const { variance } = await moments(scaled);
    expect(Math.abs(variance - 1)).toBeLessThan(5 * Math.sqrt(2 / (2 * n)));
    expect(acceptance).toBeGreaterThan(0.6);
    widths.dispose();
  });

  test.each([
    [[1, 0], 'preconditioner must be positive and finite, got 0'],
    [[1, Number.NaN], 'preconditioner must be positive and finite, got NaN'],
    [[1], 'preconditioner must be a tensor of the shape of one row, [2], got a tensor of shape [1]'],
  ])('%j is refused', async (values, message) => {
    const preconditioner = tf.tensor1d(values);
    await expect(langevin({ ...base(), onStep: undefined, preconditioner })).rejects.toThrow(
      `langevin: ${message}`,
    );
    preconditioner.dispose();
  });
});

describe('bad input', () => {
  test.each([
    [{ logDensity: 3 }, 'logDensity must be a function of x, got 3'],
    [{ stepSize: 0 }, 'stepSize must be a positive finite number, got 0'],
    [{ steps: 0 }, 'steps must be a positive integer, got 0'],
    [{ score: null }, 'score must be a function of x, got null'],
  ])('%j is refused', async (change, message) => {
    const error = await mala({ ...base(), ...change } as MalaOptions).catch((e: unknown) => e);
    expect(isDiffError(error)).toBe(true);
    expect(String(error)).toContain(`mala: ${message}`);
  });

  test('densities of another shape, NaN, and 0 at the start', async () => {
    await expect(mala({ ...base(), logDensity: (x) => tf.zerosLike(x) })).rejects.toThrow(
      'mala: logDensity must return a tensor of shape [3], got a tensor of shape [3, 2]',
    );
    await expect(mala({ ...base(), logDensity: () => tf.fill([3], Number.NaN) })).rejects.toThrow(
      'mala: logDensity must be finite, got a sum of NaN in step 1 of 4',
    );
    await expect(mala({ ...base(), logDensity: () => tf.fill([3], -Infinity) })).rejects.toThrow(
      'mala: logDensity must be finite, got a sum of -Infinity in step 1 of 4',
    );
    let calls = 0;
    const late = (x: tf.Tensor): tf.Tensor => {
      if (++calls > 2) throw new Error('no density');
      return tf.zeros([x.shape[0]!]);
    };
    await expect(mala({ ...base(), logDensity: late })).rejects.toThrow('no density');
    const never = (): tf.Tensor => {
      throw new Error('no score');
    };
    await expect(mala({ ...base(), score: never })).rejects.toThrow('no score');
  });
});

describe('the corrector', () => {
  const process = edm({ T: 10 });
  const model = gaussianMixture({ process, means: [[-2], [1]], variance: 0.2 });
  const { logDensity } = model;

  test('annealed, it ends on p_t with steps that ruin the unadjusted chain', async () => {
    const n = 6000;
    const grid = exponentialGrid({ process, steps: 16, end: 0.5 });
    const rates: number[] = [];
    const onAccept: MalaCorrectorOptions['onAccept'] = async ({ accepted }) => {
      rates.push(Array.from(await accepted.data()).reduce((s, a) => s + a, 0) / n);
    };
    const sampler = annealed({ corrector: malaCorrector({ logDensity, steps: 3, onAccept }) });
    expect(sampler.nfe(16)).toBe(64);
    const { mean, variance } = await moments(
      await sample({ model, sampler, grid, shape: [n, 1], key: key(3) }),
    );
    // Σ w N(m, 0.2 + 0.25) with m = −2, 1; a weight that froze too early shows in the mean.
    expect(Math.abs(mean + 0.5)).toBeLessThan(5 * Math.sqrt(2.7 / n) + 0.05);
    expect(Math.abs(variance - 2.7)).toBeLessThan(5 * 2.7 * Math.sqrt(2 / n) + 0.05);
    expect(rates).toHaveLength(48);
    expect(Math.min(...rates)).toBeGreaterThan(0.4);
    expect(Math.max(...rates)).toBeLessThan(0.999);
  });

  test('leaves p_t where it is', async () => {
    const n = 8000;
    const t = 0.4;
    const clean = await model.sample(key(1), n);
    const x = tf.tidy(() => tf.add(clean, tf.mul(normal(key(2), [n, 1]), t)));
    clean.dispose();
    const predictions: tf.Tensor[] = [];
    const y = await malaCorrector({ logDensity, stepSize: 0.6, steps: 4 }).correct({
      process,
      kind: model.kind,
      x,
      t,
      index: 0,
      steps: 1,
      grid: [],
      key: key(7),
      firstRow: 0,
      history: new Map(),
      predict: async (at, time) => {
        const prediction = await model.predict(at, time);
        predictions.push(prediction);
        return prediction;
      },
    });
    expect(predictions).toHaveLength(5);
    tf.dispose([x, predictions]);
    const { mean, variance } = await moments(y);
    const want = 2.25 + 0.2 + t * t;
    expect(Math.abs(mean + 0.5)).toBeLessThan(5 * Math.sqrt(want / n));
    expect(Math.abs(variance - want)).toBeLessThan(5 * want * Math.sqrt(2 / n));
  });

  test('does nothing without noise, and refuses what it cannot do', async () => {
    const corrector = malaCorrector({ logDensity });
    const run = { model, grid: [1, 0.5, 0], shape: [3, 1], key: key(1) };
    const mended = await sample({ ...run, sampler: predictorCorrector({ predictor: ddim(), corrector }) });
    mended.dispose();
    await expect(sample({ ...run, sampler: annealed({ corrector }) })).rejects.toThrow(
      'annealed: sigma must be positive at every time of the grid after the first, got 0 at t = 0',
    );
    const wrong = malaCorrector({ logDensity: (x) => tf.clone(x) });
    const grid = [1, 0.5];
    await expect(sample({ ...run, grid, sampler: annealed({ corrector: wrong }) })).rejects.toThrow(
      'malaCorrector: logDensity must return a tensor of shape [3], got a tensor of shape [3, 1]',
    );
    const thrown = (options: object): unknown => {
      try {
        return malaCorrector(options as MalaCorrectorOptions);
      } catch (error) {
        return isDiffError(error) ? error.message : error;
      }
    };
    expect(thrown({})).toContain('malaCorrector: logDensity must be a function of x and t, got undefined');
    expect(thrown({ logDensity, stepSize: -1 })).toContain('malaCorrector: stepSize must be');
    expect(thrown({ logDensity, steps: 0 })).toContain('malaCorrector: steps must be');
    expect(() => annealed({} as never)).toThrow('annealed: corrector must be a corrector, got undefined');
  });
});
