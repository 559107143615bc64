/**
 * Euler, Heun, Euler-ancestral and DPM-Solver++(2M, SDE) against recorded runs of k-diffusion, and the deterministic
 * samplers of NVlabs/edm. All live on σ(t) = t. k-diffusion's `eta` of dpmpp_2m_sde is b²; its ancestral step is DDIM
 * with η. Draws: one a step, except in a last step to σ = 0.
 */
import '@tensorflow/tfjs-backend-cpu';
import { fold, key } from '@diff/core';
import { edm } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { ddim, dpmSolver, heun, type Sampler, sample } from '../src/index.ts';
import { exactModel } from './exact-score.ts';
import { deviation, goldenCases, latents, noise, problem, type Rows } from './golden.ts';
import { forget, record } from './recorded-noise.ts';

vi.mock('@diff/core', async (original) =>
  (await import('./recorded-noise.ts')).recordedCore(await original<typeof import('@diff/core')>()),
);

interface Case {
  readonly sampler: 'euler' | 'heun' | 'euler_ancestral' | 'dpmpp_2m' | 'dpmpp_2m_sde';
  readonly args?: { readonly eta?: number; readonly solver_type?: 'heun' | 'midpoint' };
  readonly problem: string;
  readonly schedule?: string;
  readonly discretization?: string;
  readonly sigmas: readonly number[];
  readonly x_0: Rows;
  readonly nfe: number;
  readonly noise_used?: number;
}

function samplerOf({ sampler, args = {} }: Case): Sampler {
  const { eta = 0, solver_type } = args;
  if (sampler === 'heun') return heun();
  if (sampler === 'euler' || sampler === 'euler_ancestral') return ddim({ eta });
  return dpmSolver({
    noiseLevel: Math.sqrt(eta),
    correction: solver_type === 'heun' ? 'taylor' : 'midpoint',
  });
}

async function run(c: Case): Promise<{ x: tf.Tensor; nfe: number }> {
  const process = edm({ T: c.sigmas[0]! });
  const stochastic = c.sampler === 'euler_ancestral' || c.sampler === 'dpmpp_2m_sde';
  for (let i = 0; stochastic && i < (c.noise_used ?? 0); i++) {
    record(fold(key(0), i + 1), noise(c.problem, i));
  }
  let nfe = 0;
  const initial = tf.tensor2d(latents(c.problem, c.sigmas[0]!));
  const x = await sample({
    model: exactModel(problem(c.problem), process, 'data'),
    sampler: samplerOf(c),
    grid: c.sigmas,
    shape: initial.shape,
    key: key(0),
    initial,
    onStep: (report) => {
      nfe = report.nfe;
    },
  });
  return { x, nfe };
}

beforeEach(async () => {
  forget();
  await tf.setBackend('cpu');
});

for (const file of ['k-diffusion', 'edm']) {
  const cases = goldenCases<Case>(file);
  const title = (c: Case, i: number): string =>
    `${i} ${c.sampler} ${c.problem} ${c.schedule ?? c.discretization} ${c.sigmas.length - 1} steps ${JSON.stringify(c.args ?? {})}`;

  describe(file, () => {
    test.each(cases.map((c, i) => [title(c, i), c] as const))('%s', async (_title, c) => {
      const { x, nfe } = await run(c);
      const { worst, allowed } = await deviation(x, c.x_0);
      expect(worst).toBeLessThanOrEqual(allowed);
      expect(nfe).toBe(c.nfe);
    });
  });
}
