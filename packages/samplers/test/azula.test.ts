/**
 * azula's samplers under the names that they have here, against its recorded runs on its five schedules, times
 * linspace(1, 0, steps + 1). DDIM's `eta` scales the variance, so it is η² here; Ito's is b, and its temperature divides the
 * noise prediction. Draws: one a step, PC as many as corrections, which come before the step.
 */
import '@tensorflow/tfjs-backend-cpu';
import { fold, key } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import {
  ddim,
  ddpm,
  deis,
  dpmSolver,
  exponentialIntegrator,
  heun,
  lms,
  predictorCorrector,
  refreshCorrector,
  type Sampler,
  sample,
} from '../src/index.ts';
import { exactModel } from './exact-score.ts';
import { deviation, golden, goldenCases, latents, noise, problem, type Rows } from './golden.ts';
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
  readonly sampler: string;
  readonly args: {
    readonly eta?: number;
    readonly temperature?: number;
    readonly corrections?: number;
    readonly delta?: number;
    readonly order?: 1 | 2 | 3;
  };
  readonly problem: string;
  readonly steps: number;
  readonly x_0: Rows;
}

/** azula's schedules. */
function row({ schedule, params }: Pick<Case, 'schedule' | 'params'>, t: number): TableRow {
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

const SAMPLERS: Readonly<Record<string, (args: Case['args']) => Sampler>> = {
  DDPMSampler: () => ddpm(),
  DDIMSampler: ({ eta = 0 }) => ddim({ eta: Math.sqrt(eta) }),
  EulerSampler: () => ddim(),
  HeunSampler: () => heun(),
  ItoSampler: ({ eta = 1 }) => exponentialIntegrator({ hold: 'noise', noiseLevel: eta }),
  PCSampler: ({ corrections = 1, delta = 0 }) =>
    predictorCorrector({
      predictor: ddim(),
      corrector: refreshCorrector({ share: delta, steps: corrections }),
      first: 'corrector',
    }),
  zABSampler: ({ order = 1 }) => lms({ order }),
  vABSampler: ({ order = 1 }) => lms({ order, variable: 'straight' }),
  zEABSampler: ({ order = 1 }) => deis({ order }),
  xEABSampler: ({ order = 1 }) => dpmSolver({ order, correction: 'taylor' }),
};

async function run(c: Case): Promise<tf.Tensor> {
  const rows = Array.from({ length: c.steps + 1 }, (_, i) => row(c, i / c.steps));
  const { corrections = 0, temperature = 1 } = c.args;
  for (let i = 0; i < c.steps; i++) {
    const stepKey = fold(key(0), i + 1);
    if (corrections === 0) record(stepKey, noise(c.problem, i));
    for (let k = 0; k < corrections; k++) {
      record(fold(fold(stepKey, 1), k), noise(c.problem, corrections * i + k));
    }
  }
  const { alpha, sigma } = rows.at(-1)!;
  const initial = tf.tensor2d(latents(c.problem, Math.hypot(alpha, sigma)));
  const process = tableProcess(rows);
  const model = exactModel(problem(c.problem), process, temperature === 1 ? 'data' : 'noise');
  return sample({
    model: { ...model, predict: async (x, t) => tf.div(await model.predict(x, t), temperature) },
    sampler: SAMPLERS[c.sampler]!(c.args),
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

interface Table extends Pick<Case, 'schedule' | 'params'> {
  readonly t: readonly number[];
  readonly alpha: readonly number[];
  readonly sigma: readonly number[];
}
const cases = goldenCases<Case>('azula');

test('147 runs are here, and the schedules are those of azula', () => {
  expect(cases).toHaveLength(147);
  for (const c of golden<{ schedules: readonly Table[] }>('azula').schedules) {
    for (const [i, t] of c.t.entries()) {
      const { alpha, sigma } = row(c, t);
      expect(Math.abs(alpha - c.alpha[i]!)).toBeLessThan(6e-9);
      expect(Math.abs(sigma / c.sigma[i]! - 1)).toBeLessThan(6e-9);
    }
  }
});

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
