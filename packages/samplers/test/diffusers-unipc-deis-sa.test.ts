/**
 * UniPC, DEIS and SA-Solver against recorded runs of diffusers. The sample is VP at σ = sigmas[i] (or straight-line for
 * `oracle: 'flow'`). The order falls at the end: UniPC and SA-Solver always unless `lower_order_final` is false, DEIS
 * with fewer than 15 steps. SA-Solver draws in every step, and has noise level 1 at timesteps 200 … 800, else 0,
 * unless `tau_func` is 'zero'; its weights of a line are the authors' for few steps.
 */
import '@tensorflow/tfjs-backend-cpu';
import { fold, key } from '@diff/core';
import type { PredictionKind } from '@diff/score';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { deis, type Sampler, sample, saSolver, uniPc } from '../src/index.ts';
import { exactModel } from './exact-score.ts';
import { deviation, golden, latents, noise, problem, type Rows } from './golden.ts';
import { forget, record } from './recorded-noise.ts';
import { rowsOfSigmas, tableGrid, tableProcess } from './table-process.ts';

vi.mock('@diff/core', async (original) =>
  (await import('./recorded-noise.ts')).recordedCore(await original<typeof import('@diff/core')>()),
);

type Order = 1 | 2 | 3;

interface Case {
  readonly scheduler: 'UniPCMultistepScheduler' | 'DEISMultistepScheduler' | 'SASolverScheduler';
  readonly config: {
    readonly solver_order?: Order;
    readonly solver_type?: 'bh1' | 'bh2';
    readonly predict_x0?: boolean;
    readonly lower_order_final?: boolean;
    readonly disable_corrector?: readonly number[];
    readonly predictor_order?: Order;
    readonly corrector_order?: Order;
    readonly algorithm_type?: 'data_prediction' | 'noise_prediction';
    readonly tau_func?: 'zero';
    readonly prediction_type: string;
  };
  readonly problem: string;
  readonly n: number;
  readonly oracle: 'vp' | 'flow';
  readonly sigmas: number;
  readonly timesteps?: readonly number[];
  readonly x_0: Rows;
  readonly noise_used: number;
  readonly max_abs_diff_native_f32: number;
}

const { grids, cases } = golden<{ grids: readonly number[][]; cases: readonly Case[] }>(
  'diffusers-unipc-deis-sa',
);

const KINDS: Readonly<Record<string, PredictionKind>> = {
  epsilon: 'noise',
  sample: 'data',
  v_prediction: 'velocity',
  // σ starts at 1 − 10⁻⁶ there: float32 noise would not determine x̂0.
  flow_prediction: 'velocity',
};

function samplerOf({ scheduler, config, n, timesteps = [] }: Case): Sampler {
  const { solver_order: order = 2, lower_order_final = true } = config;
  const lastStep = lower_order_final ? 'first' : 'auto';
  if (scheduler === 'DEISMultistepScheduler') return deis({ order, lastStep: n < 15 ? lastStep : 'auto' });
  if (scheduler === 'UniPCMultistepScheduler') {
    return uniPc({
      order,
      variant: config.solver_type ?? 'bh2',
      hold: config.predict_x0 === false ? 'noise' : 'data',
      uncorrected: config.disable_corrector?.length ?? 0,
      lastStep,
    });
  }
  const hold = config.algorithm_type === 'noise_prediction' ? 'noise' : 'data';
  return saSolver({
    predictorOrder: config.predictor_order ?? 2,
    correctorOrder: config.corrector_order ?? 2,
    // Time i of the table is timestep n − i of the run.
    noiseLevel: (t) => {
      const step = timesteps[n - t]!;
      return config.tau_func !== 'zero' && step >= 200 && step <= 800 ? 1 : 0;
    },
    hold,
    secondOrder: hold === 'data' ? 'fewSteps' : 'exact',
    lastStep,
  });
}

async function run(c: Case): Promise<tf.Tensor> {
  const sigmas = grids[c.sigmas]!;
  // A Karras grid of DEIS ends with its last σ twice, a step that changes nothing.
  const standsStill = c.n >= 15 && sigmas.at(-1) === sigmas.at(-2);
  const rows = rowsOfSigmas(standsStill ? sigmas.slice(0, -1) : sigmas, c.oracle);
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
  `${i} ${c.scheduler} ${c.problem} n=${c.n} ${c.oracle} ${JSON.stringify(c.config).slice(1, -1).replaceAll('"', '')}`;

describe('diffusers UniPC, DEIS and SA-Solver', () => {
  test('all cases are run', () => {
    expect(cases).toHaveLength(171);
  });

  test.each(cases.map((c, i) => [title(c, i), c] as const))('%s', async (_title, c) => {
    const { worst, allowed } = await deviation(await run(c), c.x_0, c.max_abs_diff_native_f32);
    expect(worst).toBeLessThanOrEqual(allowed);
  });
});
