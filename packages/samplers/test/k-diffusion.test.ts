/**
 * The samplers of k-diffusion and of NVlabs/edm against recorded runs of both. All live on σ(t) = t. k-diffusion's
 * `eta` of dpmpp_2m_sde and dpmpp_3m_sde is b²; its ancestral step is DDIM's with η. Draws: churned samplers one a
 * step, used or not; others one a step (dpmpp_sde two, the inner stage first) but in a last step to σ = 0.
 */
import '@tensorflow/tfjs-backend-cpu';
import { fold, key } from '@diff/core';
import { edm, exponentialGrid } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import {
  ddim,
  dpm2,
  dpm2Ancestral,
  dpmFast,
  dpmSolver,
  dpmSolver2sAncestral,
  dpmSolverSde,
  edmStochastic,
  eulerAncestral,
  heun,
  lms,
  type Sampler,
  sample,
} from '../src/index.ts';
import { exactModel } from './exact-score.ts';
import { deviation, golden, goldenCases, latents, noise, problem, type Rows } from './golden.ts';
import { forget, record } from './recorded-noise.ts';

vi.mock('@diff/core', async (original) =>
  (await import('./recorded-noise.ts')).recordedCore(await original<typeof import('@diff/core')>()),
);

interface Args {
  readonly eta?: number;
  readonly order?: 2 | 3 | 4;
  readonly r?: number;
  readonly solver_type?: 'heun' | 'midpoint';
  readonly n?: number;
  readonly s_churn?: number;
  readonly s_tmin?: number;
  readonly s_tmax?: number;
  readonly s_noise?: number;
}

interface Case {
  readonly sampler: string;
  readonly args?: Args;
  readonly problem: string;
  readonly schedule?: string;
  readonly n?: number;
  readonly discretization?: string;
  readonly sigma_min?: number;
  readonly sigma_max?: number;
  readonly sigmas?: readonly number[];
  readonly x_0: Rows;
  readonly nfe: number;
  readonly noise_used?: number;
}

const churned = (solver: 'euler' | 'heun' | 'dpm2', plain: () => Sampler) => (args: Args) =>
  args.s_churn === undefined
    ? plain()
    : edmStochastic({
        churn: args.s_churn,
        from: args.s_tmin ?? 0,
        upTo: args.s_tmax ?? Number.POSITIVE_INFINITY,
        noiseScale: args.s_noise ?? 1,
        solver,
      });

/** Options of an ancestral sampler. */
const ancestral = ({ eta = 1, s_noise = 1 }: Args): { eta: number; noiseScale: number } => ({
  eta,
  noiseScale: s_noise,
});

const SAMPLERS: Readonly<Record<string, (args: Args) => Sampler>> = {
  euler: churned('euler', ddim),
  heun: churned('heun', heun),
  dpm_2: churned('dpm2', dpm2),
  euler_ancestral: (args) => eulerAncestral(ancestral(args)),
  dpm_2_ancestral: (args) => dpm2Ancestral(ancestral(args)),
  dpmpp_2s_ancestral: (args) => dpmSolver2sAncestral(ancestral(args)),
  dpmpp_sde: (args) => dpmSolverSde({ ...ancestral(args), innerShare: args.r ?? 0.5 }),
  lms: ({ order = 4 }) => lms({ order }),
  dpmpp_2m: () => dpmSolver(),
  dpmpp_2m_sde: ({ eta = 1, solver_type }) =>
    dpmSolver({
      noiseLevel: Math.sqrt(eta),
      correction: solver_type === 'heun' ? 'taylor' : 'midpoint',
    }),
  dpm_fast: ({ n = 0, eta = 0 }) => dpmFast({ evaluations: n, eta }),
  dpmpp_3m_sde: ({ eta = 1 }) =>
    dpmSolver({ order: 3, noiseLevel: Math.sqrt(eta), correction: 'k-diffusion' }),
};

const { grids } = golden<{ readonly grids: Readonly<Record<string, readonly number[]>> }>('k-diffusion');

function sigmasOf({
  args = {},
  sigmas,
  schedule,
  n,
  sigma_min: end = 0,
  sigma_max: T,
}: Case): readonly number[] {
  if (T === undefined) return sigmas ?? grids[`${schedule}-${n}`]!;
  return exponentialGrid({ process: edm({ T }), steps: Math.floor(args.n! / 3) + 1, end });
}

async function run(c: Case): Promise<{ x: tf.Tensor; nfe: number }> {
  const sigmas = sigmasOf(c);
  // Churn raises the noise above where the run starts.
  const process = edm({ T: 2 * sigmas[0]! });
  const sampler = SAMPLERS[c.sampler]!(c.args ?? {});
  for (let i = 0; sampler.stochastic && i < (c.noise_used ?? 0); i++) {
    // dpmpp_sde draws in the inner stage, then at the end.
    const two = c.sampler === 'dpmpp_sde';
    const stepKey = fold(key(0), (two ? Math.floor(i / 2) : i) + 1);
    record(two && i % 2 === 0 ? fold(stepKey, 0) : stepKey, noise(c.problem, i));
  }
  let nfe = 0;
  const initial = tf.tensor2d(latents(c.problem, sigmas[0]!));
  const x = await sample({
    model: exactModel(problem(c.problem), process, 'data'),
    sampler,
    grid: sigmas,
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

for (const file of ['k-diffusion']) {
  const cases = goldenCases<Case>(file);
  const title = (c: Case, i: number): string =>
    `${i} ${c.sampler} ${c.problem} ${c.schedule ?? c.discretization ?? 'exponential'} ${sigmasOf(c).length - 1} steps ${JSON.stringify(c.args ?? {})}`;

  describe(file, () => {
    test.each(cases.map((c, i) => [title(c, i), c] as const))('%s', async (_title, c) => {
      const { x, nfe } = await run(c);
      const { worst, allowed } = await deviation(x, c.x_0);
      expect(worst).toBeLessThanOrEqual(allowed);
      expect(nfe).toBe(c.nfe);
    });
  });
}
