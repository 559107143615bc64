/** DPM-Solver-12 and -23 against k-diffusion's `sample_dpm_adaptive` (its norm is over the batch): results, counts. */
import '@tensorflow/tfjs-backend-cpu';
import { key, NumericalError } from '@diff/core';
import { defineModel } from '@diff/score';
import { edm, variancePreserving } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type AttemptReport, dpmAdaptive, type Sampler, sample } from '../src/index.ts';
import { gaussianModel, marginal } from './affine-law.ts';
import { exactModel } from './exact-score.ts';
import { deviation, goldenCases, latents, problem, type Rows } from './golden.ts';

interface Case {
  readonly args: {
    readonly order: 2 | 3;
    readonly eta: number;
    readonly rtol?: number;
    readonly atol?: number;
    readonly pcoeff?: number;
    readonly icoeff?: number;
    readonly dcoeff?: number;
  };
  readonly problem: string;
  readonly sigma_min: number;
  readonly sigma_max: number;
  readonly x_0: Rows;
  readonly info: { readonly nfe: number; readonly n_accept: number; readonly n_reject: number };
}

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

const cases = goldenCases<Case>('dpm-adaptive');

describe('k-diffusion', () => {
  test.each(cases.map((c) => [`${c.problem} ${JSON.stringify(c.args)}`, c] as const))(
    '%s',
    async (_title, c) => {
      const { order, rtol, atol, pcoeff, icoeff, dcoeff } = c.args;
      const log: AttemptReport[] = [];
      const initial = tf.tensor2d(latents(c.problem, c.sigma_max));
      const x = await sample({
        model: exactModel(problem(c.problem), edm({ T: c.sigma_max }), 'noise'),
        sampler: dpmAdaptive({
          order,
          norm: 'batch',
          relativeTolerance: rtol ?? 0.05,
          absoluteTolerance: atol ?? 0.0078,
          proportional: pcoeff ?? 0,
          integral: icoeff ?? 1,
          derivative: dcoeff ?? 0,
          onAttempt: (report) => log.push(report),
        }),
        grid: [c.sigma_max, c.sigma_min],
        shape: initial.shape,
        key: key(0),
        initial,
      });
      const { worst } = await deviation(x, c.x_0);
      tf.dispose([x, initial]);
      expect([log.at(-1)!.accepted, log.at(-1)!.rejected]).toEqual([c.info.n_accept, c.info.n_reject]);
      // Float32 in the error estimates moves the steps, hence the project's 2e-4 of the size of the data.
      const size = Math.max(1, ...c.x_0.flat().map(Math.abs));
      expect(worst).toBeLessThan(2e-4 * size);
    },
  );
});

const process = edm({ T: 20 });
const data = { mean: 0.7, variance: 0.25 };

test('it reaches the exact law of a Gaussian on a VP process, through interior times', async () => {
  const vp = variancePreserving();
  const sampler = dpmAdaptive({ relativeTolerance: 1e-4, absoluteTolerance: 1e-4 });
  const [start, end] = [marginal(vp, data, 1), marginal(vp, data, 0.01)];
  const u = [-1.5, 0, 2];
  const initial = tf.tensor2d(u.map((w) => [start.mean + w * Math.sqrt(start.variance)]));
  const run = { model: gaussianModel(vp, data, 'velocity'), sampler, shape: [3, 1], key: key(0), initial };
  const x = await sample({ ...run, grid: [1, 0.5, 0.1, 0.01] });
  const got = await x.data();
  tf.dispose([x, initial]);
  for (const [i, w] of u.entries()) {
    expect(Math.abs(got[i]! - (end.mean + w * Math.sqrt(end.variance)))).toBeLessThan(2e-3);
  }
});

describe("the step size is k-diffusion's, with exponents over the order, or over 1.5 where there is noise", () => {
  test.each([
    [2, 0, 2],
    [3, 0, 3],
    [2, 1, 1.5],
    [3, 0.4, 1.5],
  ] as const)('order %d, eta = %d', async (order, eta, over) => {
    const log: AttemptReport[] = [];
    const [proportional, integral, derivative] = [0.2, 0.8, 0.1];
    const control = { proportional, integral, derivative, initialStep: 1 };
    const x = await sample({
      model: gaussianModel(process, data, 'data'),
      sampler: dpmAdaptive({ order, eta, ...control, onAttempt: (report) => log.push(report) }),
      grid: [20, 0.02],
      shape: [16, 2],
      key: key(2),
    });
    x.dispose();
    const powers = [proportional + integral + derivative, -proportional - 2 * derivative, derivative];
    let [h, first, second] = [1, Number.NaN, Number.NaN];
    for (const [i, { t, next, error, accepted, rejected }] of log.entries()) {
      expect(accepted + rejected).toBe(i + 1);
      const tried = Math.log(t / next);
      // Only the last step may be cut.
      if (i + 1 < log.length) expect(Math.abs(tried - h)).toBeLessThan(1e-5 * h);
      const v = 1 / (error + 1e-8);
      if (i === 0) [first, second] = [v, v];
      const product = [v, first, second].reduce((p, w, j) => p * w ** (powers[j]! / over), 1);
      const factor = 1 + Math.atan(product - 1);
      h *= factor;
      const before = i === 0 ? 0 : log[i - 1]!.accepted;
      expect(accepted - before).toBe(factor >= 0.81 ? 1 : 0);
      if (accepted > before) [first, second] = [v, first];
    }
    expect(log.at(-1)!.rejected).toBeGreaterThan(0);
    expect(log.length).toBeGreaterThan(6);
  });
});

test('noise makes no step go below the end of the grid', async () => {
  const run = async (grid: readonly number[]): Promise<{ lowest: number; spread: number }> => {
    let lowest = Number.POSITIVE_INFINITY;
    const model = defineModel({
      process,
      kind: 'noise',
      predict: (x, t) => {
        lowest = Math.min(lowest, Number(t));
        return tf.tidy(() => tf.mul(x, 0));
      },
    });
    const anything = { relativeTolerance: 1e12, absoluteTolerance: 1e12, initialStep: 100 };
    const initial = tf.zeros([200, 1]);
    const x = await sample({
      model,
      sampler: dpmAdaptive({ eta: 1, ...anything }),
      grid,
      shape: [200, 1],
      key: key(4),
      initial,
    });
    const squared = (await x.data<'float32'>()).reduce((sum, v) => sum + v * v, 0);
    tf.dispose([x, initial]);
    return { lowest, spread: Math.sqrt(squared / 200) };
  };
  // A model of no drift leaves the noise alone: √(ς_r² − ς_d²) of each step.
  const one = await run([20, 2]);
  expect(one.spread).toBe(0);
  expect(one.lowest).toBeGreaterThan(2);
  const two = await run([20, 10, 6]);
  const three = await run([20, 10, 2]);
  // From 20 to 10 all of η = 1 would go down to 5: to 6 in the first, to 5 in the second.
  expect(Math.abs(two.spread / Math.sqrt(100 - 36) - 1)).toBeLessThan(5 / Math.sqrt(400));
  expect(Math.abs(three.spread / Math.sqrt(100 - 25) - 1)).toBeLessThan(5 / Math.sqrt(400));
  expect(two.lowest).toBeGreaterThan(6);
});

test('it says where it cannot go on', async () => {
  const model = defineModel({
    process,
    kind: 'noise',
    predict: (x, t) => tf.tidy(() => tf.mul(x, Number(t) > 5 ? 0.01 : Number.NaN)),
  });
  const go = (sampler: Sampler): Promise<unknown> =>
    sample({ model, sampler, grid: [20, 1], shape: [3, 2], key: key(1) });
  await expect(go(dpmAdaptive())).rejects.toThrow(
    /the step size fell to nothing at t = [45]\.\d+ in step 1 of 1, got/,
  );
  await expect(go(dpmAdaptive({ maximumAttempts: 2 }))).rejects.toThrow(NumericalError);
});

test('bad options and grids', async () => {
  expect(() => dpmAdaptive({ relativeTolerance: 0 })).toThrow('dpmAdaptive: relativeTolerance must be');
  expect(() => dpmAdaptive({ absoluteTolerance: -1 })).toThrow('dpmAdaptive: absoluteTolerance must be');
  expect(() => dpmAdaptive({ initialStep: 0 })).toThrow('dpmAdaptive: initialStep must be');
  expect(() => Reflect.apply(dpmAdaptive, undefined, [{ order: 4 }])).toThrow('order must be 2 or 3, got 4');
  const model = gaussianModel(process, data, 'data');
  await expect(
    sample({ model, sampler: dpmAdaptive(), grid: [20, 0], shape: [2, 1], key: key(0) }),
  ).rejects.toThrow('sigma must be positive at every time of the grid, got 0 at t = 0');
});
