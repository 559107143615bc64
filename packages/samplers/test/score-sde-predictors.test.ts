/**
 * All predictors and correctors of score_sde_pytorch's `get_pc_sampler`, with and without its `denoise`.
 *
 *   - Times linspace(1, ε, N); each is visited by the corrector (its draws first), then by the predictor.
 *   - Reverse diffusion and ancestral sampling go down an N-step chain, from its entry i = ⌊t(N−1)⌋ to the one before,
 *     whose coefficients are the table's; the score is asked at t (`continuous`) or at entry i. The ancestral
 *     predictor is `ddpm`. Without a table (sub-VP) reverse diffusion is Euler–Maruyama with step 1/N.
 *     `ddpm` draws no noise where no noise is left, after entry 0; the library still adds √β_0 ξ there on VP.
 *   - 'langevin': step size 2 a (snr·mean|ξ|/mean|score|)²; 'ald': 2 a (snr·σ(t))²; a = 1 − β_i on VP, 1 on VE.
 *   - `x_denoised` is the mean of the last predictor step.
 */
import '@tensorflow/tfjs-backend-cpu';
import { fold, key } from '@diff/core';
import type { ScoreModel } from '@diff/score';
import { type LinearProcess, subVariancePreserving, varianceExploding, variancePreserving } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import {
  ddpm,
  eulerMaruyama,
  langevinCorrector,
  reverseDiffusion,
  type Sampler,
  type StepContext,
} from '../src/index.ts';
import { exactModel } from './exact-score.ts';
import { deviation, golden, latents, noise, problem, type Rows } from './golden.ts';
import { forget, record } from './recorded-noise.ts';
import { tableProcess } from './table-process.ts';

vi.mock('@diff/core', async (original) =>
  (await import('./recorded-noise.ts')).recordedCore(await original<typeof import('@diff/core')>()),
);

interface Case {
  readonly sde: 'VP' | 'subVP' | 'VE';
  readonly params: { readonly p0: number; readonly p1: number; readonly N: number };
  readonly problem: string;
  readonly predictor: 'euler_maruyama' | 'reverse_diffusion' | 'ancestral_sampling' | 'none';
  readonly corrector: 'none' | 'langevin' | 'ald';
  readonly snr: number;
  readonly n_steps_each: number;
  readonly probability_flow: boolean;
  readonly continuous: boolean;
  readonly eps: number;
  readonly noise_used: number;
  readonly x_final: Rows;
  readonly x_denoised: Rows;
}

interface File {
  readonly noise: Readonly<Record<string, { readonly firstDraw: number; readonly draws: readonly Rows[] }>>;
  readonly cases: readonly Case[];
}

const { noise: more, cases } = golden<File>('score-sde-pc');

function draw(name: string, i: number): Rows {
  const extra = more[name];
  return extra && i >= extra.firstDraw ? extra.draws[i - extra.firstDraw]! : noise(name, i);
}

function processOf({ sde, params: { p0, p1 } }: Case): LinearProcess {
  if (sde === 'VE') return varianceExploding({ sigmaMin: p0, sigmaMax: p1, dataHasSigmaMin: true });
  const betas = { schedule: 'linear', betaMin: p0, betaMax: p1, T: 1 } as const;
  return sde === 'VP' ? variancePreserving(betas) : subVariancePreserving(betas);
}

const betaOf = ({ params: { p0, p1, N } }: Case, i: number): number => (p0 + (i / (N - 1)) * (p1 - p0)) / N;

/** The library's chain; time i + 1 is its entry i, time 0 is the data. */
function chainOf(c: Case): LinearProcess {
  const { p0, p1, N } = c.params;
  let alphaBar = 1;
  const rows = Array.from({ length: N }, (_, i) => {
    if (c.sde === 'VE') return { alpha: 1, sigma: p0 * (p1 / p0) ** (i / (N - 1)) };
    alphaBar *= 1 - betaOf(c, i);
    return { alpha: Math.sqrt(alphaBar), sigma: Math.sqrt(1 - alphaBar) };
  });
  return tableProcess([{ alpha: 1, sigma: 0 }, ...rows]);
}

/** Predictors on the chain, and Euler–Maruyama in time. */
function predictorOf(c: Case, finalNoise: boolean): Sampler {
  const noiseLevel = c.probability_flow ? 0 : 1;
  if (c.predictor === 'ancestral_sampling') {
    return ddpm({ variance: c.sde === 'VP' ? 'forward' : 'posterior', finalNoise });
  }
  const chain = c.predictor === 'reverse_diffusion' && c.sde !== 'subVP';
  return chain ? reverseDiffusion({ noiseLevel, finalNoise }) : eulerMaruyama({ noiseLevel, finalNoise });
}

async function run(c: Case, finalNoise: boolean): Promise<tf.Tensor> {
  const { N } = c.params;
  const [process, chain] = [processOf(c), chainOf(c)];
  const model: ScoreModel = exactModel(problem(c.problem), c.continuous ? process : chain, 'score');
  const predictor = predictorOf(c, finalNoise);
  const onChain =
    c.predictor === 'ancestral_sampling' || (c.predictor === 'reverse_diffusion' && c.sde !== 'subVP');
  let draws = 0;
  let x: tf.Tensor = tf.tensor2d(latents(c.problem, c.sde === 'VE' ? c.params.p1 : 1));
  for (let i = 0; i < N; i++) {
    const t = 1 + (i / (N - 1)) * (c.eps - 1);
    const entry = Math.floor(t * (N - 1));
    const stepKey = fold(key(0), i + 1);
    const context: StepContext = {
      process,
      kind: 'score',
      x,
      t,
      next: t - 1 / N,
      index: i,
      steps: N,
      grid: [],
      key: stepKey,
      firstRow: 0,
      history: new Map(),
      predict: async (at) => model.predict(at, c.continuous ? t : entry + 1),
    };
    if (c.corrector !== 'none') {
      const alpha = c.sde === 'VP' ? 1 - betaOf(c, entry) : 1;
      const corrector = langevinCorrector({
        signalToNoise: c.snr * Math.sqrt(alpha),
        norms: c.corrector === 'ald' ? 'expected' : 'batch',
        steps: c.n_steps_each,
      });
      const correctorKey = fold(stepKey, 1);
      for (let k = 0; k < c.n_steps_each; k++) record(fold(correctorKey, k), draw(c.problem, draws++));
      x = await corrector.correct({ ...context, key: correctorKey });
    }
    if (c.predictor === 'none') continue;
    const needed = draws < c.noise_used;
    if (needed) record(stepKey, draw(c.problem, draws++));
    const place = onChain ? { process: chain, t: entry + 1, next: entry } : {};
    x = await predictor.step({ ...context, ...place, x });
    if (finalNoise && entry === 0 && c.predictor === 'ancestral_sampling' && c.sde === 'VP') {
      x = tf.add(
        x,
        tf.mul(Math.sqrt(betaOf(c, 0)), tf.tensor2d(draw(c.problem, draws - 1).map((r) => [...r]))),
      );
    }
  }
  expect(draws).toBe(c.noise_used);
  return x;
}

beforeEach(async () => {
  forget();
  await tf.setBackend('cpu');
});

const title = (c: Case, i: number): string =>
  `${i} ${c.sde} ${c.problem} ${c.predictor}${c.probability_flow ? ' flow' : ''}${c.continuous ? '' : ' discrete'} + ${c.corrector} × ${c.n_steps_each}`;

describe('score_sde predictor–corrector', () => {
  test('80 cases, each with and without noise at its end', () => {
    expect(cases.length).toBe(80);
  });

  test.each(cases.map((c, i) => [title(c, i), c] as const))('%s', async (_title, c) => {
    const noisy = await deviation(await run(c, true), c.x_final);
    expect(noisy.worst).toBeLessThanOrEqual(noisy.allowed);
    forget();
    const mean = await deviation(await run(c, false), c.x_denoised);
    expect(mean.worst).toBeLessThanOrEqual(mean.allowed);
  });
});
