/**
 * Underdamped Langevin and DPUM. On Gaussian data a corrector step with its held score is affine in (x, v) with
 * Gaussian noise, so the law of a run is a recursion of means and 2 × 2 covariances; its coefficients come here from
 * the matrix exponential of the dynamics, by fine quadrature, not from the closed forms under test.
 */
import '@tensorflow/tfjs-backend-cpu';
import { fold, isDiffError, key } from '@diff/core';
import type { PredictionKind } from '@diff/score';
import { edm, exponentialGrid, logSnrGrid, ornsteinUhlenbeck, variancePreserving } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  annealed,
  dpum,
  heun,
  predictorCorrector,
  probabilityFlow,
  sample,
  type UnderdampedLangevinOptions,
  underdampedLangevin,
  underdampedLangevinCorrector,
} from '../src/index.ts';
import { underdampedStep } from '../src/underdamped-step.ts';
import { gaussianModel, marginal } from './affine-law.ts';

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

/** ∫_0^h f by Simpson's rule. */
function integral(f: (s: number) => number, h: number): number {
  const n = 2000;
  let sum = f(0) + f(h);
  for (let i = 1; i < n; i++) sum += (i % 2 ? 4 : 2) * f((i * h) / n);
  return (sum * h) / (3 * n);
}

/**
 * Mean and variance of x after `steps` steps on N(m, s2), started at N(mean, variance): per step x' = x + A v + B score,
 * v' = η v + A score, score = (m − x)/s2 at the step's start, responses to noise at lag s: 1/γ(1 − e^{−γs}) and e^{−γs}.
 */
function expected(
  start: { mean: number; variance: number },
  target: { mean: number; variance: number },
  h: number,
  g: number,
  steps: number,
): { mean: number; variance: number } {
  const toX = (s: number): number => (1 - Math.exp(-g * s)) / g;
  const toV = (s: number): number => Math.exp(-g * s);
  const [a, b] = [toX(h), integral(toX, h)];
  const qxx = 2 * g * integral((s) => toX(s) ** 2, h);
  const qxv = 2 * g * integral((s) => toX(s) * toV(s), h);
  const qvv = 2 * g * integral((s) => toV(s) ** 2, h);
  const k = 1 / target.variance;
  let [mx, mv, xx, xv, vv] = [start.mean, 0, start.variance, 0, 1];
  const [p, q, r, s] = [1 - b * k, a, -a * k, toV(h)];
  for (let i = 0; i < steps; i++) {
    const e = mx - target.mean;
    [mx, mv] = [target.mean + p * e + q * mv, r * e + s * mv];
    [xx, xv, vv] = [
      p * p * xx + 2 * p * q * xv + q * q * vv + qxx,
      p * r * xx + (p * s + q * r) * xv + q * s * vv + qxv,
      r * r * xx + 2 * r * s * xv + s * s * vv + qvv,
    ];
  }
  return { mean: mx, variance: xx };
}

async function moments(x: tf.Tensor): Promise<{ mean: number; variance: number; n: number }> {
  const v = Array.from(await x.data());
  x.dispose();
  const mean = v.reduce((s, w) => s + w, 0) / v.length;
  return { mean, variance: v.reduce((s, w) => s + (w - mean) ** 2, 0) / (v.length - 1), n: v.length };
}

const data = { mean: 0.7, variance: 0.25 };

describe('the corrector', () => {
  const process = ornsteinUhlenbeck({ theta: 0.8, mu: 1.5, sigma: 0.7, T: 5 });
  for (const [kind, h, g, steps] of [
    ['score', 0.3, 2, 1],
    ['noise', 0.3, 2, 4],
    ['data', 0.05, 0.4, 6],
    ['velocity', 0.8, 6, 3],
  ] as const) {
    test(`its law from ${kind}, h = ${h}, γ = ${g}, ${steps} steps`, async () => {
      const [t, n] = [0.6, 40_000];
      const model = gaussianModel(process, data, kind as PredictionKind);
      const target = marginal(process, data, t);
      const x = tf.fill([n, 1], 0.2);
      const predictions: tf.Tensor[] = [];
      const corrected = await underdampedLangevinCorrector({ stepSize: h, friction: g, steps }).correct({
        process,
        kind,
        x,
        t,
        index: 0,
        steps: 1,
        grid: [],
        key: fold(key(3), 1),
        firstRow: 0,
        history: new Map(),
        predict: async (at, time) => {
          const prediction = await model.predict(at, time);
          predictions.push(prediction);
          return prediction;
        },
      });
      expect(predictions.length).toBe(steps);
      tf.dispose([x, predictions]);
      const got = await moments(corrected);
      const want = expected({ mean: 0.2, variance: 0 }, target, h, g, steps);
      expect(Math.abs(got.mean - want.mean)).toBeLessThan(5 * Math.sqrt(want.variance / n));
      expect(Math.abs(got.variance - want.variance)).toBeLessThan(5 * want.variance * Math.sqrt(2 / n));
    });
  }

  test('tiny steps keep their digits', () => {
    // Var ζ_x → (2/3) γ h³: with v's own motion h it is the whole change of x at score 0.
    const [h, g] = [1e-4, 0.5];
    const w = underdampedStep(h, g);
    expect(w.position ** 2 / ((2 / 3) * g * h ** 3)).toBeCloseTo(1, 3);
    expect(w.shared ** 2 + w.own ** 2).toBeCloseTo(-Math.expm1(-2 * g * h), 15);
    expect(w.position * w.shared).toBeCloseTo((1 - Math.exp(-g * h)) ** 2 / g, 15);
    expect(w.drift / (h * h * 0.5)).toBeCloseTo(1, 4);
    // Both formulas of the variance meet.
    const [below, above] = [underdampedStep(1, 1), underdampedStep(1 + 1e-9, 1)];
    expect(Math.abs(below.position - above.position)).toBeLessThan(1e-8);
  });

  test('bad options', () => {
    const thrown = (make: () => unknown): string => {
      try {
        make();
      } catch (error) {
        if (isDiffError(error)) return error.message;
        throw error;
      }
      return '';
    };
    expect(thrown(() => underdampedLangevinCorrector({ stepSize: 0 }))).toContain('stepSize must be');
    expect(thrown(() => underdampedLangevinCorrector({ friction: -1 }))).toContain('friction must be');
    expect(thrown(() => dpum({ predictorSteps: 0 }))).toContain('dpum: predictorSteps must be');
    expect(thrown(() => dpum({ correctorSteps: 1.5 }))).toContain('dpum: correctorSteps must be');
  });
});

describe('the chain on one score', () => {
  const score = (x: tf.Tensor): tf.Tensor => tf.tidy(() => tf.div(tf.sub(0.7, x), 0.25));
  for (const [h, g, steps] of [
    [0.3, 2, 1],
    [0.3, 2, 7],
    [0.1, 0.5, 12],
    [0.5, 6, 20],
  ] as const) {
    test(`its law at h = ${h}, γ = ${g} after ${steps} steps`, async () => {
      const n = 20_000;
      const initial = tf.fill([n, 1], 0.2);
      const run = { score, stepSize: h, friction: g, steps, shape: [n, 1], key: key(3), initial };
      const got = await moments(await underdampedLangevin(run));
      initial.dispose();
      const want = expected({ mean: 0.2, variance: 0 }, { mean: 0.7, variance: 0.25 }, h, g, steps);
      expect(Math.abs(got.mean - want.mean)).toBeLessThan(5 * Math.sqrt(want.variance / n));
      expect(Math.abs(got.variance - want.variance)).toBeLessThan(5 * want.variance * Math.sqrt(2 / n));
    });
  }

  test('a preconditioner scales space', async () => {
    const run = { stepSize: 0.3, steps: 5, shape: [4, 2], key: key(3) };
    const d = tf.tensor1d([4, 0.25]);
    const initial = tf.zeros([4, 2]);
    const wide = (x: tf.Tensor): tf.Tensor => tf.tidy(() => tf.neg(tf.div(x, d)));
    const x = await underdampedLangevin({ ...run, score: wide, preconditioner: d, initial });
    const y = await underdampedLangevin({ ...run, score: tf.neg, initial });
    const [got, want] = [await x.data(), await y.data()];
    got.forEach((v, i) => {
      expect(v / (i % 2 ? 0.5 : 2)).toBeCloseTo(want[i]!, 5);
    });
    tf.dispose([d, initial, x, y]);
  });

  test('rows do not depend on their batch, and steps report', async () => {
    const seen: number[] = [];
    const onStep: UnderdampedLangevinOptions['onStep'] = ({ step }) => void seen.push(step);
    const run = { score, stepSize: 0.3, steps: 4, key: key(1) };
    const whole = await underdampedLangevin({ ...run, shape: [5, 1], onStep });
    const part = await underdampedLangevin({ ...run, shape: [2, 1], firstRow: 3 });
    expect(Array.from(await part.data())).toEqual(Array.from(await whole.data()).slice(3));
    expect(seen).toEqual([1, 2, 3, 4]);
    tf.dispose([whole, part]);
  });

  test('bad options, and scores that fail', async () => {
    const run = { score, stepSize: 0.3, steps: 4, shape: [5, 1], key: key(1) };
    const refused = (change: object): Promise<unknown> =>
      underdampedLangevin({ ...run, ...change } as UnderdampedLangevinOptions);
    await expect(refused({ stepSize: 0 })).rejects.toThrow('underdampedLangevin: stepSize must be');
    await expect(refused({ friction: -1 })).rejects.toThrow('underdampedLangevin: friction must be');
    await expect(refused({ steps: 0 })).rejects.toThrow('underdampedLangevin: steps must be');
    await expect(refused({ score: () => tf.scalar(1) })).rejects.toThrow(
      'underdampedLangevin: score must return a tensor of shape [5, 1], got a tensor of shape []',
    );
    await expect(refused({ score: () => tf.fill([5, 1], Number.NaN) })).rejects.toThrow(
      'underdampedLangevin: score must be finite, got a sum of NaN in step 1 of 4',
    );
    expect(() => underdampedLangevinCorrector({ velocity: 'old' as 'kept' })).toThrow(
      "underdampedLangevinCorrector: velocity must be one of 'fresh', 'kept', got 'old'",
    );
  });
});

describe('a kept velocity', () => {
  test('makes two calls of one chain', async () => {
    // At a process whose law no longer changes, two calls with a kept velocity are one chain of twice the steps.
    const process = ornsteinUhlenbeck({ theta: 1, mu: 0, sigma: Math.SQRT2, T: 40 });
    const n = 20_000;
    const model = gaussianModel(process, { mean: 3, variance: 2 }, 'score');
    const initial = tf.fill([n, 1], 2);
    const run = { model, grid: [36, 35, 34], shape: [n, 1], key: key(6), initial };
    const law = async (velocity: 'fresh' | 'kept'): Promise<number> => {
      const corrector = underdampedLangevinCorrector({ stepSize: 0.4, friction: 0.5, steps: 1, velocity });
      return (await moments(await sample({ ...run, sampler: annealed({ corrector }) }))).variance;
    };
    const want = expected({ mean: 2, variance: 0 }, { mean: 0, variance: 1 }, 0.4, 0.5, 2).variance;
    const spread = 5 * want * Math.sqrt(2 / n);
    expect(Math.abs((await law('kept')) - want)).toBeLessThan(spread);
    expect(Math.abs((await law('fresh')) - want)).toBeGreaterThan(spread);
    initial.dispose();
  });

  test('annealed, reaches the Gaussian', async () => {
    const process = edm({ T: 10 });
    const n = 10_000;
    // Steps in units of the width of p_t.
    const width = (t: number): number => Math.sqrt(t * t + data.variance);
    const corrector = underdampedLangevinCorrector({
      stepSize: (t) => width(t) / 5,
      friction: (t) => 2 / width(t),
      steps: 4,
      velocity: 'kept',
    });
    const grid = exponentialGrid({ process, steps: 40, end: 0.1 });
    const model = gaussianModel(process, data, 'noise');
    const got = await moments(
      await sample({ model, sampler: annealed({ corrector }), grid, shape: [n, 1], key: key(7) }),
    );
    const want = marginal(process, data, 0.1);
    // Statistics, and 2% of scale for discretisation and what the chain remembers.
    expect(Math.abs(got.mean - want.mean)).toBeLessThan(
      5 * Math.sqrt(want.variance / n) + 0.02 * Math.sqrt(want.variance),
    );
    expect(Math.abs(got.variance / want.variance - 1)).toBeLessThan(5 * Math.sqrt(2 / n) + 0.04);
  });
});

describe('DPUM', () => {
  const processes = {
    VP: variancePreserving({ schedule: 'linear', betaMin: 0.1, betaMax: 20, T: 1 }),
    OU: ornsteinUhlenbeck({ theta: 0.8, mu: 1.5, sigma: 0.7, T: 5 }),
    EDM: edm({ T: 10 }),
  };
  test.each(Object.entries(processes))('reaches the Gaussian under %s', async (name, process) => {
    const n = 20_000;
    const end = name === 'VP' ? 0.05 : 0.1;
    const grid = (name === 'EDM' ? exponentialGrid : logSnrGrid)({ process, steps: 60, end });
    const model = gaussianModel(process, data, 'noise');
    const counts: number[] = [];
    const x = await sample({
      model,
      sampler: dpum({ predictorSteps: 2, correctorSteps: 2 }),
      grid,
      shape: [n, 1],
      key: key(11),
      onStep: ({ nfe }) => {
        counts.push(nfe);
      },
    });
    expect(counts.at(-1)).toBe(240);
    const [got, want] = [await moments(x), marginal(process, data, end)];
    // Statistics, and 2% of scale for the discretisation.
    const scale = Math.sqrt(want.variance);
    expect(Math.abs(got.mean - want.mean)).toBeLessThan(5 * Math.sqrt(want.variance / n) + 0.02 * scale);
    expect(Math.abs(got.variance / want.variance - 1)).toBeLessThan(5 * Math.sqrt(2 / n) + 0.04);
  });

  test('the corrector mends what a coarse flow gets wrong', async () => {
    const process = processes.EDM;
    const grid = exponentialGrid({ process, steps: 12, end: 0.1 });
    const run = { model: gaussianModel(process, data, 'data'), grid, shape: [20_000, 1], key: key(2) };
    const want = marginal(process, data, 0.1).variance;
    const flow = probabilityFlow({ hold: 'score' });
    const error = async (sampler: typeof flow): Promise<number> =>
      Math.abs((await moments(await sample({ ...run, sampler }))).variance / want - 1);
    const corrector = underdampedLangevinCorrector({ stepSize: (t) => t / 4, steps: 4 });
    expect(await error(predictorCorrector({ predictor: flow, corrector }))).toBeLessThan(
      0.5 * (await error(flow)),
    );
  });

  test('rows do not depend on how the batch is cut', async () => {
    const process = processes.VP;
    const grid = [1, 0.6, 0.3, 0.1];
    const run = { model: gaussianModel(process, data, 'score'), sampler: dpum({ correctorSteps: 3 }), grid };
    const whole = await sample({ ...run, shape: [5, 1], key: key(1) });
    const part = await sample({ ...run, shape: [2, 1], key: key(1), firstRow: 3 });
    expect(Array.from(await part.data())).toEqual(Array.from(await whole.data()).slice(3));
    tf.dispose([whole, part]);
  });

  test('limits the order to 1 where its velocity is kept', () => {
    const order = (velocity: 'fresh' | 'kept'): number =>
      predictorCorrector({ predictor: heun(), corrector: underdampedLangevinCorrector({ velocity }) }).order;
    expect([order('fresh'), order('kept')]).toEqual([2, 1]);
  });
});
