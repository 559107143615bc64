/**
 * PNDM, PLMS, iPNDM, LCM and TCD against recorded runs of diffusers. Time i + 1 of the process is timestep i, time 0
 * the end: ᾱ_0 for PNDM unless `set_alpha_to_one`, and for TCD, the data for LCM. PNDM goes from t to t − ⌊1000/n⌋;
 * where its timesteps have another spacing the states are not at the times of their evaluations, and it averages what
 * the model predicts, which is no average of noises for v: those cases are left out. iPNDM has α = sin, σ = cos, and
 * its x̂0 at α = 0 is 0.
 */
import '@tensorflow/tfjs-backend-cpu';
import { fold, key } from '@diff/core';
import { defineModel, type PredictionKind, type ScoreModel } from '@diff/score';
import type { LinearProcess } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { ipndm, lcm, plms, pndm, type Sampler, sample, tcd } from '../src/index.ts';
import { alphaBars, type BetaConfig } from './alpha-bars.ts';
import { exactModel } from './exact-score.ts';
import { deviation, goldenCases, latents, noise, problem, type Rows } from './golden.ts';
import { forget, record } from './recorded-noise.ts';
import { tableGrid, tableProcess } from './table-process.ts';

vi.mock('@diff/core', async (original) =>
  (await import('./recorded-noise.ts')).recordedCore(await original<typeof import('@diff/core')>()),
);

interface Case {
  readonly scheduler: 'PNDMScheduler' | 'LCMScheduler' | 'TCDScheduler' | 'IPNDMScheduler';
  readonly config: BetaConfig & {
    readonly prediction_type: string;
    readonly skip_prk_steps?: boolean;
    readonly set_alpha_to_one?: boolean;
  };
  readonly eta: number;
  readonly problem: string;
  readonly n: number;
  readonly timesteps: readonly number[];
  readonly alphas?: readonly number[];
  readonly betas?: readonly number[];
  readonly x_T?: Rows;
  readonly x_0: Rows;
  readonly noise_used: number;
  readonly max_abs_diff_native_f32: number;
}

const KINDS: Readonly<Record<string, PredictionKind>> = {
  epsilon: 'noise',
  sample: 'data',
  v_prediction: 'velocity',
};

interface Run {
  readonly process: LinearProcess;
  readonly sampler: Sampler;
  readonly grid: readonly number[];
}

/** Times of the steps: each timestep that the library starts a step from, once. */
function stepTimes({ config, timesteps, n }: Case): number[] {
  const distinct = [...new Set(timesteps)];
  // Runge–Kutta steps list their middles too: t, t − r/2, t − r, …
  const steps = config.skip_prk_steps === false ? distinct.filter((_, i) => i >= 6 || i % 2 === 0) : distinct;
  expect(steps).toHaveLength(n);
  return steps;
}

function runOf(c: Case): Run {
  if (c.scheduler === 'IPNDMScheduler') {
    const rows = c.alphas!.map((alpha, i) => ({ alpha, sigma: c.betas![i]! })).reverse();
    return { process: tableProcess(rows), sampler: ipndm(), grid: tableGrid(rows) };
  }
  const bars = alphaBars(c.config);
  const rowsOf = (end: number): LinearProcess =>
    tableProcess([end, ...bars].map((bar) => ({ alpha: Math.sqrt(bar), sigma: Math.sqrt(1 - bar) })));
  if (c.scheduler === 'TCDScheduler') {
    // The library rounds s down to a timestep.
    const table = rowsOf(bars[0]!);
    const down = (t: number): number => (t < 1 ? 0 : Math.floor(t + 1e-9));
    const process = {
      ...table,
      alpha: (t: number) => table.alpha(down(t)),
      sigma: (t: number) => table.sigma(down(t)),
    };
    return { process, sampler: tcd({ gamma: c.eta }), grid: [...c.timesteps.map((t) => t + 1), 0] };
  }
  if (c.scheduler === 'LCMScheduler') {
    const scaled = (t: number): number => ((t - 1) * 10) / 0.5;
    const sampler = lcm({
      boundary: (t) => ({ skip: 1 / (1 + scaled(t) ** 2), out: scaled(t) / Math.sqrt(1 + scaled(t) ** 2) }),
    });
    return { process: rowsOf(1), sampler, grid: [...c.timesteps.map((t) => t + 1), 0] };
  }
  const steps = stepTimes(c);
  return {
    process: rowsOf(c.config.set_alpha_to_one ? 1 : bars[0]!),
    sampler: c.config.skip_prk_steps ? plms() : pndm(),
    grid: [...steps.map((t) => t + 1), 0],
  };
}

/** Are the steps of PNDM those of its grid, and is what it averages a noise? */
function usable(c: Case): boolean {
  if (c.scheduler !== 'PNDMScheduler') return true;
  const steps = stepTimes(c);
  const stride = Math.floor(1000 / c.n);
  return (
    steps.every((t, i) => i === 0 || steps[i - 1]! - t === stride) && c.config.prediction_type === 'epsilon'
  );
}

const all = goldenCases<Case>('diffusers-pndm-lcm-tcd');

/** Velocity 0 where there is no signal, which makes x̂0 = 0 and ε̂ = x. */
function withoutSignal(model: ScoreModel): ScoreModel {
  return defineModel({
    process: model.process,
    kind: model.kind,
    predict: (x, t) =>
      typeof t === 'number' && model.process.alpha(t) === 0 ? tf.zerosLike(x) : model.predict(x, t),
  });
}

async function run(c: Case): Promise<tf.Tensor> {
  const { process, sampler, grid } = runOf(c);
  const kind = c.scheduler === 'IPNDMScheduler' ? 'velocity' : KINDS[c.config.prediction_type]!;
  const model = withoutSignal(exactModel(problem(c.problem), process, kind));
  for (let i = 0; i < c.noise_used; i++) record(fold(key(0), i + 1), noise(c.problem, i));
  const start = c.x_T ?? latents(c.problem);
  const initial = tf.tensor2d(start.map((row) => [...row]));
  const last = grid.length - 2;
  record(
    fold(key(0), last + 1),
    start.map((row) => row.map(() => 0)),
  );
  return sample({ model, sampler, grid, shape: initial.shape, key: key(0), initial });
}

beforeEach(async () => {
  forget();
  await tf.setBackend('cpu');
});

const title = ({ scheduler, config, eta, problem: law, n }: Case, i: number): string =>
  `${i} ${scheduler} ${law} n=${n} eta=${eta} ${JSON.stringify(config).slice(1, -1).replaceAll('"', '')}`;

describe('diffusers PNDM, LCM, TCD and iPNDM', () => {
  const cases = all.filter(usable);

  test('all but 8 of 52 cases are run', () => {
    expect([cases.length, all.length]).toEqual([44, 52]);
  });

  test.each(cases.map((c, i) => [title(c, i), c] as const))('%s', async (_title, c) => {
    const { worst, allowed } = await deviation(await run(c), c.x_0, c.max_abs_diff_native_f32);
    expect(worst).toBeLessThanOrEqual(allowed);
  });
});
