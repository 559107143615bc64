/**
 * `fromSchedulerConfig(config, { compat: 'diffusers' })` against recorded runs of diffusers: config in, numbers out.
 * Timesteps, sigmas, the size of the initial noise and x₀, for all 22 classes.
 *
 * That library draws noise in its own order: DDIM, DDPM, Euler ancestral, SA-Solver, the SDE solvers and stochastic flow
 * matching once a step, LCM and TCD in all but the last, KDPM2 ancestral once for its two evaluations, churn only in the
 * steps whose sigma lies within its range.
 */
import '@tensorflow/tfjs-backend-cpu';
import { fold, key } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { fromSchedulerConfig, type SchedulerRun, sample } from '../src/index.ts';
import { caseTitle, type DiffusersCase, diffusersCases, requestOf } from './diffusers-cases.ts';
import { exactModel } from './exact-score.ts';
import { deviation, latents, noise, problem } from './golden.ts';
import { forget, record } from './recorded-noise.ts';

vi.mock('@diff/core', async (original) =>
  (await import('./recorded-noise.ts')).recordedCore(await original<typeof import('@diff/core')>()),
);

const FILES = {
  'diffusers-ddim-ddpm-pndm-lcm': 117,
  'diffusers-dpmsolver': 328,
  'diffusers-unipc-deis-sa': 171,
  'diffusers-k-diffusion': 171,
  'diffusers-edm-flow': 106,
  'diffusers-extra': 25,
};

function runOf(c: DiffusersCase): SchedulerRun {
  const { config, options } = requestOf(c);
  return fromSchedulerConfig(config, { ...options, compat: 'diffusers' });
}

/** Which steps draw: those whose sigma lies in the range of churn, else all. */
function drawingSteps(c: DiffusersCase, run: SchedulerRun): number[] {
  const { s_churn, s_tmin = 0, s_tmax = Number.POSITIVE_INFINITY } = c.step_kwargs ?? {};
  const steps = run.grid.slice(1).map((_, i) => i);
  if (s_churn === undefined) return steps;
  return steps.filter((i) => run.sigmas![i]! >= s_tmin && run.sigmas![i]! <= s_tmax);
}

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual.length).toBe(expected.length);
  const worst = Math.max(
    ...actual.map((v, i) => Math.abs(v - expected[i]!) / Math.max(1, Math.abs(expected[i]!))),
  );
  expect(worst).toBeLessThanOrEqual(1e-9);
}

async function sampled(c: DiffusersCase, run: SchedulerRun): Promise<tf.Tensor> {
  const { process, kind, sampler, grid } = run;
  const drawing = drawingSteps(c, run);
  for (let i = 0; i < (c.noise_used ?? 0); i++) record(fold(key(0), drawing[i]! + 1), noise(c.problem, i));
  const start = c.x_T?.map((row) => [...row]) ?? latents(c.problem, run.initialStd);
  const initial = tf.tensor2d(start);
  const model = exactModel(problem(c.problem), process, kind);
  return sample({ model, sampler, grid, shape: initial.shape, key: key(0), initial });
}

beforeEach(async () => {
  forget();
  await tf.setBackend('cpu');
});

for (const [name, count] of Object.entries(FILES)) {
  const cases = diffusersCases(name);
  describe(name, () => {
    test(`all ${count} cases are run`, () => {
      expect(cases).toHaveLength(count);
    });

    test.each(cases.map((c, i) => [caseTitle(c, i), c] as const))('%s', async (_title, c) => {
      const run = runOf(c);
      expectClose(run.timesteps, c.timesteps);
      if (c.sigmas) expectClose(run.sigmas ?? [], c.sigmas);
      if (c.init !== undefined) expectClose([run.initialStd], [c.init]);
      const { worst, allowed } = await deviation(await sampled(c, run), c.x_0, c.gap);
      expect(worst).toBeLessThanOrEqual(allowed);
    });
  });
}
