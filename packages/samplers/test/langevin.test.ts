/** Langevin: the plain algorithm, the correctors' step sizes, annealing, and what a corrector is good for. */
import '@tensorflow/tfjs-backend-cpu';
import { fold, isDiffError, key, normal } from '@diff/core';
import { defineModel, type PredictionKind } from '@diff/score';
import { edm, exponentialGrid } from '@diff/sde';
import { expectClose } from '@diff/testkit';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  ddim,
  type LangevinOptions,
  langevin,
  langevinCorrector,
  predictorCorrector,
  type Sampler,
  sample,
  ula,
} from '../src/index.ts';
import { gaussianModel } from './affine-law.ts';

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

async function moments(x: tf.Tensor): Promise<{ mean: number; variance: number; n: number }> {
  const v = Array.from(await x.data());
  x.dispose();
  const mean = v.reduce((s, w) => s + w, 0) / v.length;
  return { mean, variance: v.reduce((s, w) => s + (w - mean) ** 2, 0) / (v.length - 1), n: v.length };
}

describe('langevin', () => {
  const scoreOf = (s2: number) => (x: tf.Tensor) => tf.mul(x, -1 / s2);
  const base = (): LangevinOptions => ({
    score: scoreOf(1),
    stepSize: 0.1,
    steps: 20,
    shape: [3, 2],
    key: key(4),
  });

  test('its stationary variance on N(0, s²) is s²/(1 − ε/(2s²)), not s²', async () => {
    const [s2, epsilon, n] = [0.5, 0.3, 20_000];
    const run = { score: scoreOf(s2), stepSize: epsilon, steps: 30, shape: [n, 1], key: key(8) };
    const { mean, variance } = await moments(await langevin(run));
    const want = s2 / (1 - epsilon / (2 * s2));
    expect(Math.abs(mean)).toBeLessThan(5 * Math.sqrt(want / n));
    expect(Math.abs(variance - want)).toBeLessThan(5 * want * Math.sqrt(2 / n));
    expect(Math.abs(variance - s2)).toBeGreaterThan(5 * want * Math.sqrt(2 / n));
  });

  test('one step is x + ε score + √(2ε) ξ with the noise of the step’s key', async () => {
    const initial = tf.tensor2d([
      [1, -2],
      [0.5, 3],
      [0, 0],
    ]);
    const x = await langevin({ ...base(), steps: 1, initial });
    const noise = normal(fold(key(4), 1), [3, 2]);
    const [xi, start] = [await noise.data(), await initial.data()];
    const got = await x.data();
    const want = Array.from(start, (v, i) => 0.9 * v + Math.sqrt(0.2) * xi[i]!);
    expectClose(got, want, { absolute: 1e-5 });
    tf.dispose([initial, x, noise]);
  });

  test('rows do not depend on their batch', async () => {
    const whole = await langevin(base());
    const last = await langevin({ ...base(), shape: [1, 2], firstRow: 2 });
    expect(Array.from(await last.data())).toEqual(Array.from(await whole.data()).slice(4));
    tf.dispose([whole, last]);
  });

  test('it reports steps, and can be aborted', async () => {
    const controller = new AbortController();
    const seen: number[] = [];
    const onStep = ({ step }: { step: number }): void => {
      seen.push(step);
      if (step === 3) controller.abort(new Error('enough'));
    };
    await expect(langevin({ ...base(), onStep, signal: controller.signal })).rejects.toThrow('enough');
    expect(seen).toEqual([1, 2, 3]);
  });

  test('a score that turns to NaN, throws, or has another shape', async () => {
    let calls = 0;
    const bad = (x: tf.Tensor): tf.Tensor => tf.mul(x, ++calls === 7 ? Number.NaN : -1);
    await expect(langevin({ ...base(), score: bad })).rejects.toThrow(
      'langevin: score must be finite, got a sum of NaN in step 7 of 20',
    );
    const thrower = (): tf.Tensor => {
      throw new Error('no score');
    };
    await expect(langevin({ ...base(), score: thrower })).rejects.toThrow('no score');
    await expect(langevin({ ...base(), score: (x) => tf.sum(x) })).rejects.toThrow(
      'langevin: score must return a tensor of shape [3, 2], got a tensor of shape []',
    );
  });

  test.each([
    [{ steps: 0 }, 'steps must be a positive integer, got 0'],
    [{ steps: -1 }, 'steps must be a positive integer, got -1'],
    [{ steps: 2.5 }, 'steps must be a positive integer, got 2.5'],
    [{ stepSize: -0.1 }, 'stepSize must be a positive finite number, got -0.1'],
    [{ shape: [3] }, 'shape must be the number of rows'],
    [{ key: undefined }, 'key must be a key, got undefined'],
    [{ score: 'x' }, "score must be a function of x, got 'x'"],
  ])('%j is refused', async (change, message) => {
    const error = await langevin({ ...base(), ...change } as LangevinOptions).catch((e: unknown) => e);
    expect(isDiffError(error)).toBe(true);
    expect(String(error)).toContain(`langevin: ${message}`);
  });
});

describe('step sizes of the corrector', () => {
  const process = edm({ T: 10 });
  const data = { mean: 0.7, variance: 0.25 };
  const t = 2;
  const start = [
    [1, -2],
    [0.5, 3],
    [4, 0.1],
  ];

  /** One corrector call by hand, and what the formula says. */
  async function once(
    kind: PredictionKind,
    options: Parameters<typeof langevinCorrector>[0],
    epsilonOf: (scores: readonly number[][], noises: readonly number[][]) => number[],
  ): Promise<void> {
    const model = gaussianModel(process, data, kind);
    const x = tf.tensor2d(start);
    const predictions: tf.Tensor[] = [];
    const out = await langevinCorrector(options).correct({
      process,
      kind,
      grid: [10, t],
      x,
      t,
      index: 0,
      steps: 1,
      key: key(6),
      firstRow: 0,
      history: new Map(),
      predict: async (at, time) => {
        const p = await model.predict(at, time);
        predictions.push(p);
        return p;
      },
    });
    const noise = normal(fold(key(6), 0), [3, 2]);
    const xi = (await noise.array()) as number[][];
    const scores = start.map((row) => row.map((v) => -(v - data.mean) / (data.variance + t * t)));
    const epsilon = epsilonOf(scores, xi);
    const got = (await out.array()) as number[][];
    got.forEach((row, i) => {
      row.forEach((v, j) => {
        const want = start[i]![j]! + epsilon[i]! * scores[i]![j]! + Math.sqrt(2 * epsilon[i]!) * xi[i]![j]!;
        expect(v).toBeCloseTo(want, 4);
      });
    });
    tf.dispose([x, out, noise, ...predictions]);
  }

  const norm = (v: readonly number[]): number => Math.hypot(...v);
  const mean = (v: readonly number[]): number => v.reduce((a, b) => a + b, 0) / v.length;
  const kinds = ['score', 'noise', 'data', 'velocity'] as const;

  test.each(kinds)('fixed, from a %s', (kind) => once(kind, { stepSize: 0.3 }, () => [0.3, 0.3, 0.3]));
  test.each(kinds)('per row, from a %s', (kind) =>
    once(kind, { signalToNoise: 0.4, norms: 'row' }, (scores) =>
      scores.map((s) => Math.min((2 * 0.4 ** 2 * 2) / norm(s) ** 2, t * t)),
    ),
  );
  test.each(kinds)('expected, the default, from a %s', (kind) =>
    once(kind, { signalToNoise: (u) => 0.05 * u }, () => [0.08, 0.08, 0.08]),
  );
  test.each(kinds)('over the batch, from a %s', (kind) =>
    once(kind, { signalToNoise: 0.4, norms: 'batch' }, (scores, xi) => {
      const epsilon = 2 * 0.4 ** 2 * (mean(xi.map(norm)) / mean(scores.map(norm))) ** 2;
      return [epsilon, epsilon, epsilon];
    }),
  );

  test('a score of 0 does not divide by 0: the step is at most σ²', async () => {
    const model = gaussianModel(process, { mean: 0, variance: 0.25 }, 'score');
    const sampler = predictorCorrector({
      predictor: ddim(),
      corrector: langevinCorrector({ signalToNoise: 0.1, norms: 'row' }),
    });
    const initial = tf.zeros([2, 1]);
    const x = await sample({ model, sampler, grid: [1, 0.5], shape: [2, 1], key: key(1), initial });
    expect(Array.from(await x.data()).every(Number.isFinite)).toBe(true);
    tf.dispose([initial, x]);
  });
});

describe('along a grid', () => {
  const process = edm({ T: 10 });
  const data = { mean: 0.7, variance: 0.25 };
  const model = gaussianModel(process, data, 'noise');
  const n = 5000;

  test('a corrector mends the law of a coarse predictor', async () => {
    const grid = exponentialGrid({ process, steps: 5, end: 0.2 });
    const run = { model, grid, shape: [n, 1], key: key(2) };
    const want = data.variance + 0.2 ** 2;
    const corrector = langevinCorrector({ stepSize: (t) => 0.05 * (data.variance + t * t), steps: 40 });
    const plain = await moments(await sample({ ...run, sampler: ddim() }));
    const mended = await moments(
      await sample({ ...run, sampler: predictorCorrector({ predictor: ddim(), corrector }) }),
    );
    // 40 steps contract by 0.95^40 and leave the bias of ULA, 1/(1 − 0.05/2).
    const kept = want / (1 - 0.025);
    expect(Math.abs(mended.variance - kept)).toBeLessThan(
      5 * kept * Math.sqrt(2 / n) + 0.95 ** 80 * Math.abs(plain.variance - want),
    );
    expect(Math.abs(plain.variance - want)).toBeGreaterThan(3 * Math.abs(mended.variance - want));
    expect(Math.abs(mended.mean - data.mean)).toBeLessThan(
      5 * Math.sqrt(want / n) + 0.95 ** 40 * Math.abs(plain.mean - data.mean),
    );
  });

  test('every evaluation is at the time that its formula names', async () => {
    const times: number[] = [];
    const watched = defineModel({
      process,
      kind: 'score',
      predict: (x, t) => {
        times.push(Number(t));
        return tf.neg(x);
      },
    });
    const corrector = langevinCorrector({ signalToNoise: 0.1 });
    const run = async (sampler: Sampler, grid: readonly number[]): Promise<number[]> => {
      times.length = 0;
      (await sample({ model: watched, sampler, grid, shape: [2, 1], key: key(1) })).dispose();
      return [...times];
    };
    const [predictor, grid] = [ddim(), [4, 2, 1]];
    expect(await run(ula({ stepSize: 0.1, steps: 2 }), grid)).toEqual([2, 2, 1, 1]);
    expect(await run(predictorCorrector({ predictor, corrector }), grid)).toEqual([4, 2, 2, 1]);
    expect(await run(predictorCorrector({ predictor, corrector, first: 'corrector' }), grid)).toEqual([
      4, 4, 2, 2,
    ]);
    // No correction at a time without noise.
    expect(await run(predictorCorrector({ predictor, corrector }), [4, 2, 0])).toEqual([4, 2, 2]);
  });

  test('annealed Langevin reaches the law at the end of the grid', async () => {
    const grid = exponentialGrid({ process, steps: 20, end: 0.2 });
    const sampler = ula({ stepSize: (t) => 0.1 * (data.variance + t * t), steps: 10 });
    const { mean, variance } = await moments(
      await sample({ model, sampler, grid, shape: [n, 1], key: key(2) }),
    );
    const want = (data.variance + 0.2 ** 2) / (1 - 0.05);
    expect(Math.abs(mean - data.mean)).toBeLessThan(5 * Math.sqrt(want / n) + 0.01);
    // Each time forgets 0.9^20 of the one before, which had up to (10/0.2)^(2/20) times the variance.
    const remembered = 0.9 ** 20 * want * ((10 / 0.2) ** (2 / 20) - 1);
    expect(Math.abs(variance - want)).toBeLessThan(5 * want * Math.sqrt(2 / n) + remembered);
  });
});
