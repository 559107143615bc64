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
