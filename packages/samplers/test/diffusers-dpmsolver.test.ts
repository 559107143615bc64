/**
 * DPM-Solver(++) multistep against recorded runs of diffusers' DPMSolverMultistepScheduler, orders 1 and 2. The sample
 * is VP at σ = sigmas[i] (or straight-line for `oracle: 'flow'`); one draw a step for the sde algorithms; the last
 * step is of first order when it ends at σ = 0, when `euler_at_final`, or with fewer than 15 steps unless
 * `lower_order_final` is false.
 */
import '@tensorflow/tfjs-backend-cpu';
import { fold, key } from '@diff/core';
import type { PredictionKind } from '@diff/score';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { dpmSolver, type Sampler, sample } from '../src/index.ts';
import { exactModel } from './exact-score.ts';
import { deviation, golden, latents, noise, problem, type Rows } from './golden.ts';
import { forget, record } from './recorded-noise.ts';
import { rowsOfSigmas, tableGrid, tableProcess } from './table-process.ts';

vi.mock('@diff/core', async (original) =>
  (await import('./recorded-noise.ts')).recordedCore(await original<typeof import('@diff/core')>()),
);

interface Case {
  readonly config: {
    readonly solver_order: 1 | 2;
    readonly algorithm_type?: 'dpmsolver++' | 'dpmsolver' | 'sde-dpmsolver++' | 'sde-dpmsolver';
    readonly solver_type?: 'midpoint' | 'heun';
    readonly lower_order_final?: boolean;
    readonly euler_at_final?: boolean;
    readonly beta_schedule?: string;
    readonly prediction_type: string;
  };
  readonly problem: string;
  readonly n: number;
  readonly oracle: 'vp' | 'flow';
  readonly sigmas: number;
  readonly x_0: Rows;
  readonly noise_used: number;
  readonly max_abs_diff_native_f32: number;
}

const { grids, cases } = golden<{ grids: readonly number[][]; cases: readonly Case[] }>(
  'diffusers-dpmsolver',
);

const KINDS: Readonly<Record<string, PredictionKind>> = {
  epsilon: 'noise',
  sample: 'data',
  v_prediction: 'velocity',
  flow_prediction: 'noise',
};

function samplerOf({ config, n }: Case): Sampler {
  const { algorithm_type = 'dpmsolver++', solver_order, solver_type = 'midpoint' } = config;
  const { lower_order_final = true, euler_at_final = false } = config;
  return dpmSolver({
    order: solver_order,
    hold: algorithm_type.endsWith('++') ? 'data' : 'noise',
    correction: solver_type === 'heun' ? 'taylor' : 'midpoint',
    noiseLevel: algorithm_type.startsWith('sde') ? 1 : 0,
    lastStep: euler_at_final || (lower_order_final && n < 15) ? 'first' : 'auto',
  });
}

async function run(c: Case): Promise<tf.Tensor> {
  const rows = rowsOfSigmas(grids[c.sigmas]!, c.oracle);
  const model = exactModel(problem(c.problem), tableProcess(rows), KINDS[c.config.prediction_type]!);
  for (let i = 0; i < c.noise_used; i++) record(fold(key(0), i + 1), noise(c.problem, i));
  const initial = tf.tensor2d(latents(c.problem));
  return sample({
    model,
    sampler: samplerOf(c),
    grid: tableGrid(rows),
    shape: initial.shape,
    key: key(0),
    initial,
  });
}

beforeEach(async () => {
  forget();
  await tf.setBackend('cpu');
});

const title = (c: Case, i: number): string =>
  `${i} ${c.problem} n=${c.n} ${c.oracle} ${JSON.stringify(c.config).slice(1, -1).replaceAll('"', '')}`;

describe('diffusers DPMSolverMultistepScheduler', () => {
  test.each(cases.map((c, i) => [title(c, i), c] as const))('%s', async (_title, c) => {
    const { worst, allowed } = await deviation(await run(c), c.x_0, c.max_abs_diff_native_f32);
    expect(worst).toBeLessThanOrEqual(allowed);
  });
});
