/** Adaptive steps on SDEs: laws, one path at all tolerances, what rejection does not bias, errors, memory. */
import '@tensorflow/tfjs-backend-cpu';
import { key, NumericalError } from '@diff/core';
import { defineModel } from '@diff/score';
import { edm, type LinearProcess, variancePreserving } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type AttemptReport,
  adaptiveSde,
  brownianTree,
  dormandPrince,
  dpmAdaptive,
  type Sampler,
  sample,
  shark,
} from '../src/index.ts';
import { gaussianModel, type Law, marginal } from './affine-law.ts';
import { exactModel, type Problem } from './exact-score.ts';

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

const data: Law = { mean: 0.7, variance: 0.25 };
const vp = variancePreserving();
const PROCESSES: Readonly<Record<string, readonly [LinearProcess, end: number]>> = {
  VP: [vp, 0.02],
  EDM: [edm({ T: 10 }), 0.1],
};
const MIXTURE: Problem = { weights: [0.4, 0.6], means: [[-1], [0.8]], stds: [0.6, 0.5] };

async function values(x: tf.Tensor): Promise<Float32Array> {
  const out = (await x.data()) as Float32Array;
  x.dispose();
  return out;
}

const tight = { relativeTolerance: 0.02, absoluteTolerance: 0.02 } as const;
const METHODS: readonly (readonly [string, Sampler])[] = [
  ['shark', adaptiveSde(tight)],
  ['heun', adaptiveSde({ ...tight, scheme: 'heun' })],
  ['shark b = 0.5', adaptiveSde({ ...tight, noiseLevel: 0.5 })],
  ['batch norm', adaptiveSde({ ...tight, norm: 'batch' })],
  ['dpmAdaptive 2', dpmAdaptive({ order: 2, eta: 1, ...tight })],
  ['dpmAdaptive 3', dpmAdaptive({ order: 3, eta: 0.6, ...tight })],
];

describe('the law of a Gaussian', () => {
  for (const [name, [process, end]] of Object.entries(PROCESSES)) {
    test.each(METHODS)(`${name} %s`, async (_name, sampler) => {
      const n = 400;
      const start = marginal(process, data, process.T);
      // The exact law at T by quantiles: no error from the start.
      const u = Array.from({ length: n }, (_, i) => quantile((i + 0.5) / n));
      const initial = tf.tensor2d(u.map((v) => [start.mean + Math.sqrt(start.variance) * v]));
      const model = gaussianModel(process, data, 'noise');
      const grid = [process.T, end + 0.3 * (process.T - end), end];
      const x = await values(await sample({ model, sampler, grid, shape: [n, 1], key: key(5), initial }));
      initial.dispose();
      const want = marginal(process, data, end);
      const mean = x.reduce((s, v) => s + v, 0) / n;
      const variance = x.reduce((s, v) => s + (v - mean) ** 2, 0) / n;
      // Five standard errors, and the tolerance.
      expect(Math.abs(mean - want.mean)).toBeLessThan(5 * Math.sqrt(want.variance / n) + 0.01);
      expect(Math.abs(variance - want.variance)).toBeLessThan(5 * want.variance * Math.sqrt(2 / n) + 0.01);
    });
  }
});

/** Quantile of N(0, 1) (Acklam's rational approximation is not needed: bisection on erf by its series is enough). */
function quantile(p: number): number {
  const cdf = (z: number): number => {
    let [term, sum] = [z, z];
    for (let k = 1; k < 80; k++) {
      term *= -(z * z) / (2 * k);
      sum += term / (2 * k + 1);
    }
    return 0.5 + sum / Math.sqrt(2 * Math.PI);
  };
  let [low, high] = [-5, 5];
  for (let i = 0; i < 50; i++) {
    const middle = (low + high) / 2;
    if (cdf(middle) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

describe('one path', () => {
  const process = edm({ T: 5 });
  const model = exactModel(MIXTURE, process, 'data');
  const brownian = brownianTree({ key: key(8), from: 0.3, to: 5, tolerance: 5 * 2 ** -16 });
  const run = { model, shape: [40, 1], key: key(3), brownian };

  test.each(['shark', 'heun'] as const)(
    '%s: smaller tolerances come closer to the path of a fine grid',
    async (scheme) => {
      const grid = Array.from({ length: 301 }, (_, i) => 5 * (0.3 / 5) ** (i / 300));
      grid[300] = 0.3;
      const want = await values(await sample({ ...run, sampler: shark(), grid }));
      const errors: number[] = [];
      const counts: number[] = [];
      for (const tolerance of [0.2, 0.04, 0.008]) {
        let last: AttemptReport | undefined;
        const sampler = adaptiveSde({
          scheme,
          relativeTolerance: tolerance,
          absoluteTolerance: tolerance,
          onAttempt: (report) => {
            last = report;
          },
        });
        const x = await values(await sample({ ...run, sampler, grid: [5, 1, 0.3] }));
        errors.push(Math.sqrt(x.reduce((s, v, i) => s + (v - want[i]!) ** 2, 0) / x.length));
        counts.push(last!.accepted);
      }
      expect(errors[1]!).toBeLessThan(errors[0]! / 2);
      expect(errors[2]!).toBeLessThan(errors[1]! / 2);
      expect(errors[2]!).toBeLessThan(0.02);
      expect(counts[2]!).toBeGreaterThan(counts[0]!);
    },
  );

  test('rejected steps stay on it: the noise of the accepted steps adds up to the path', async () => {
    // A model of no data (ε̂ = 0) leaves the noise alone: y changes by b ∫ dW.
    const still = defineModel({ process, kind: 'noise', predict: (x) => tf.zerosLike(x) });
    const jumpy = defineModel({
      process,
      kind: 'noise',
      predict: (x, t) => tf.tidy(() => tf.mul(tf.sin(tf.mul(x, 40)), Number(t) > 2 ? 0.05 : 0)),
    });
    let rejected = 0;
    const sampler = adaptiveSde({
      ...tight,
      onAttempt: (report) => {
        rejected = report.rejected;
      },
    });
    const initial = tf.zeros([40, 1]);
    const straight = await values(
      await sample({ ...run, model: still, sampler: shark(), grid: [5, 0.3], initial }),
    );
    const plain = await values(await sample({ ...run, model: still, sampler, grid: [5, 0.3], initial }));
    // One step and many, on one path: ∫ (g/α) dB from (W, H) of the whole interval is close, not equal.
    const gap = Math.sqrt(plain.reduce((s, v, i) => s + (v - straight[i]!) ** 2, 0) / 40);
    expect(gap).toBeLessThan(0.25 * Math.sqrt(25 - 0.09));
    const x = await values(await sample({ ...run, model: jumpy, sampler, grid: [5, 0.3], initial }));
    initial.dispose();
    expect(rejected).toBeGreaterThan(0);
    // The drift moves a state by at most 2·0.05·3; what is left is the same path.
    x.forEach((v, i) => {
      expect(Math.abs(v - plain[i]!)).toBeLessThan(0.4);
    });
  });
});

test('b = 0 makes no noise and follows the flow', async () => {
  const [process, end] = PROCESSES.EDM!;
  const [start, want] = [marginal(process, data, 10), marginal(process, data, end)];
  const u = [-1.5, 0, 2];
  const initial = tf.tensor2d(u.map((w) => [start.mean + w * Math.sqrt(start.variance)]));
  const fine = { relativeTolerance: 2e-4, absoluteTolerance: 2e-4 };
  for (const sampler of [adaptiveSde({ ...fine, noiseLevel: 0 }), dpmAdaptive({ ...fine, eta: 0 })]) {
    expect(sampler.stochastic).toBe(false);
    expect(sampler.strongOrder).toBeUndefined();
    const model = gaussianModel(process, data, 'data');
    const x = await values(
      await sample({ model, sampler, grid: [10, end], shape: [3, 1], key: key(0), initial }),
    );
    u.forEach((w, i) => {
      expect(Math.abs(x[i]! - want.mean - w * Math.sqrt(want.variance))).toBeLessThan(5e-3);
    });
  }
  initial.dispose();
});

test('it says where it cannot go on', async () => {
  const process = edm({ T: 20 });
  const broken = defineModel({
    process,
    kind: 'noise',
    predict: (x, t) => tf.tidy(() => tf.mul(x, Number(t) > 5 ? 0.01 : Number.NaN)),
  });
  const go = (sampler: Sampler, brownian?: ReturnType<typeof brownianTree>): Promise<unknown> =>
    sample({ model: broken, sampler, grid: [20, 1], shape: [3, 2], key: key(1), brownian });
  await expect(go(adaptiveSde())).rejects.toThrow(
    /adaptiveSde: the step size fell to nothing at t = [45]\.\d+ in step 1 of 1, got an inner step of/,
  );
  await expect(go(adaptiveSde({ maximumAttempts: 2 }))).rejects.toThrow(NumericalError);
  const coarse = brownianTree({ key: key(2), from: 1, to: 20, tolerance: 1 });
  await expect(go(adaptiveSde({ ...tight }), coarse)).rejects.toThrow(
    'the step size fell to nothing at t = ',
  );
});

test('bad options and grids', async () => {
  expect(() => adaptiveSde({ relativeTolerance: 0 })).toThrow('adaptiveSde: relativeTolerance must be');
  expect(() => adaptiveSde({ absoluteTolerance: -1 })).toThrow('adaptiveSde: absoluteTolerance must be');
  expect(() => adaptiveSde({ scheme: 'euler' as never })).toThrow("scheme must be one of 'shark', 'heun'");
  expect(() => adaptiveSde({ noiseLevel: -1 })).toThrow('adaptiveSde: noiseLevel must be');
  expect(() => adaptiveSde({ maximumAttempts: 0 })).toThrow('maximumAttempts must be a positive integer');
  expect(() => dpmAdaptive({ eta: 2 })).toThrow('dpmAdaptive: eta must lie in [0, 1], got 2.');
  expect(() => dormandPrince({ relativeTolerance: 0 })).toThrow('dormandPrince: relativeTolerance must be');
  const model = gaussianModel(edm({ T: 2 }), data, 'data');
  const run = { model, sampler: adaptiveSde(), shape: [1, 1], key: key(0) };
  await expect(sample({ ...run, grid: [2, 0] })).rejects.toThrow(
    'adaptiveSde: sigma must be positive at every time of the grid, got 0 at t = 0.',
  );
});
