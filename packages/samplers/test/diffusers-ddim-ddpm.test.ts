/**
 * DDIM and DDPM against recorded runs of diffusers, step by step as that library goes:
 *
 *   - a step at timestep t evaluates the model at ᾱ_t; DDIM goes to ᾱ at t − ⌊1000/n⌋ whatever the next timestep is,
 *     DDPM to the next timestep; a timestep below 0 has ᾱ = 1 (or ᾱ_0 where set_alpha_to_one is false);
 *   - one draw a step where η > 0 (DDIM), or where t > 0 (DDPM).
 */
import '@tensorflow/tfjs-backend-cpu';
import { fold, key } from '@diff/core';
import type { PredictionKind } from '@diff/score';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { ddim, ddpm, type Sampler, sample } from '../src/index.ts';
import { alphaBars, type BetaConfig } from './alpha-bars.ts';
import { exactModel } from './exact-score.ts';
import { deviation, goldenCases, latents, noise, problem, type Rows } from './golden.ts';
import { forget, record } from './recorded-noise.ts';
import { tableProcess } from './table-process.ts';

vi.mock('@diff/core', async (original) =>
  (await import('./recorded-noise.ts')).recordedCore(await original<typeof import('@diff/core')>()),
);

interface Config extends BetaConfig {
  readonly timestep_spacing: string;
  readonly prediction_type: string;
  readonly clip_sample?: boolean;
  readonly set_alpha_to_one?: boolean;
  readonly variance_type?: string;
}

interface Case {
  readonly scheduler: string;
  readonly config: Config;
  readonly step_kwargs: { readonly eta?: number };
  readonly problem: string;
  readonly n: number;
  readonly timesteps: readonly number[];
  readonly x_0: Rows;
  readonly noise_used: number;
  readonly max_abs_diff_native_f32: number;
}

const KINDS: Readonly<Record<string, PredictionKind>> = {
  epsilon: 'noise',
  sample: 'data',
  v_prediction: 'velocity',
};

function samplerOf({ scheduler, config, step_kwargs }: Case): Sampler {
  if (scheduler === 'DDIMScheduler') return ddim({ eta: step_kwargs.eta ?? 0 });
  return ddpm({ variance: config.variance_type === 'fixed_large' ? 'forward' : 'posterior' });
}

/** Cases of other methods: DDIM that clips x̂0 but keeps the ε̂ of the unclipped one. */
const beyond = ({ scheduler, config }: Case): boolean =>
  scheduler === 'DDIMScheduler' && config.clip_sample === true;

async function run(c: Case): Promise<tf.Tensor> {
  const bars = alphaBars(c.config);
  // Time i + 1 is timestep i, time 0 the data.
  const process = tableProcess([
    { alpha: 1, sigma: 0 },
    ...bars.map((b) => ({ alpha: Math.sqrt(b), sigma: Math.sqrt(1 - b) })),
  ]);
  const kind = c.config.clip_sample ? 'data' : KINDS[c.config.prediction_type]!;
  const model = exactModel(problem(c.problem), process, kind, c.config.clip_sample ? 1 : undefined);
  const sampler = samplerOf(c);
  let x: tf.Tensor = tf.tensor2d(latents(c.problem));
  for (const [i, t] of c.timesteps.entries()) {
    const stride = Math.floor(1000 / c.n);
    const previous = c.scheduler === 'DDIMScheduler' ? t - stride : (c.timesteps[i + 1] ?? -1);
    const next = previous >= 0 ? previous + 1 : c.config.set_alpha_to_one === false ? 1 : 0;
    const stepKey = fold(key(0), i);
    if (i < c.noise_used) record(fold(stepKey, 1), noise(c.problem, i));
    x = await sample({ model, sampler, grid: [t + 1, next], shape: x.shape, key: stepKey, initial: x });
  }
  return x;
}

const all = goldenCases<Case>('diffusers-ddim-ddpm');
const usable = all.filter((c) => !beyond(c));

beforeEach(async () => {
  forget();
  await tf.setBackend('cpu');
});

const title = ({ scheduler, config, step_kwargs, problem: law, n }: Case, i: number): string =>
  `${i} ${scheduler} ${law} n=${n} ${config.beta_schedule} ${config.timestep_spacing} ${config.prediction_type} ${JSON.stringify(step_kwargs)}`;

describe('diffusers DDIM and DDPM', () => {
  test('all but 7 of 85 cases are run', () => {
    expect([usable.length, all.length]).toEqual([78, 85]);
  });

  test.each(usable.map((c, i) => [title(c, i), c] as const))('%s', async (_title, c) => {
    const { worst, allowed } = await deviation(await run(c), c.x_0, c.max_abs_diff_native_f32);
    expect(worst).toBeLessThanOrEqual(allowed);
  });
});
