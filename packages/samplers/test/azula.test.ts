/**
 * DDIM and DDPM against recorded runs of azula on its five schedules, times linspace(1, 0, steps + 1), one draw a step.
 * azula's `eta` scales the variance, so it is η² here.
 */
import '@tensorflow/tfjs-backend-cpu';
import { fold, key } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { ddim, ddpm, sample } from '../src/index.ts';
import { exactModel } from './exact-score.ts';
import { deviation, goldenCases, latents, noise, problem, type Rows } from './golden.ts';
import { forget, record } from './recorded-noise.ts';
import { type TableRow, tableGrid, tableProcess } from './table-process.ts';

vi.mock('@diff/core', async (original) =>
  (await import('./recorded-noise.ts')).recordedCore(await original<typeof import('@diff/core')>()),
);

interface Case {
  readonly schedule: 'VP' | 'VE' | 'Cosine' | 'Rectified' | 'Decay';
  readonly params: {
    readonly alpha_min?: number;
    readonly sigma_min: number;
    readonly sigma_max?: number;
    readonly gamma?: number;
  };
  readonly sampler: 'DDIMSampler' | 'DDPMSampler' | 'EulerSampler';
  readonly args: { readonly eta?: number };
  readonly problem: string;
  readonly steps: number;
  readonly x_0: Rows;
}

/** azula's schedules. */
function row({ schedule, params }: Case, t: number): TableRow {
  const { alpha_min = 1, sigma_min, sigma_max = 1, gamma = 1 } = params;
  const matching = (alpha: number): TableRow => ({
    alpha,
    sigma: Math.sqrt(1 - alpha ** 2 + sigma_min ** 2),
  });
  if (schedule === 'VP') return matching(alpha_min ** (t * t));
  if (schedule === 'Cosine') return matching(Math.cos(t * Math.acos(alpha_min)));
  if (schedule === 'VE') return { alpha: 1, sigma: sigma_min ** (1 - t) * sigma_max ** t };
  const share = schedule === 'Rectified' ? 1 - t : (gamma ** t - gamma) / (1 - gamma);
  return { alpha: alpha_min + (1 - alpha_min) * share, sigma: 1 - (1 - sigma_min) * share };
}

async function run(c: Case): Promise<tf.Tensor> {
  const rows = Array.from({ length: c.steps + 1 }, (_, i) => row(c, i / c.steps));
  for (let i = 0; i < c.steps; i++) record(fold(key(0), i + 1), noise(c.problem, i));
  const { alpha, sigma } = rows.at(-1)!;
  const initial = tf.tensor2d(latents(c.problem, Math.hypot(alpha, sigma)));
  return sample({
    model: exactModel(problem(c.problem), tableProcess(rows), 'data'),
    sampler: c.sampler === 'DDPMSampler' ? ddpm() : ddim({ eta: Math.sqrt(c.args.eta ?? 0) }),
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

const cases = goldenCases<Case>('azula');

describe('azula', () => {
  test.each(
    cases.map(
      (c, i) => [`${i} ${c.sampler} ${c.schedule} ${c.problem} ${JSON.stringify(c.args)}`, c] as const,
    ),
  )('%s', async (_title, c) => {
    const { worst, allowed } = await deviation(await run(c), c.x_0);
    expect(worst).toBeLessThanOrEqual(allowed);
  });
});
