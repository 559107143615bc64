/**
 * Euler–Maruyama, alone and after Langevin correctors, against recorded runs of score_sde_pytorch's `get_pc_sampler`:
 * times linspace(1, ε, N), each visited by the corrector (draws first) and then by the predictor with the *constant* step
 * 1/N, also from the last time, so that the run ends beside its grid: steps are taken one by one here. The Langevin
 * step size is 2 a (snr·mean|ξ|/mean|score|)², a = 1 for VE and 1 − β(⌊t(N−1)⌋) of the N-step chain for VP.
 */
import '@tensorflow/tfjs-backend-cpu';
import { fold, key } from '@diff/core';
import type { ScoreModel } from '@diff/score';
import { type LinearProcess, subVariancePreserving, varianceExploding, variancePreserving } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import {
  eulerMaruyama,
  langevinCorrector,
  predictorCorrector,
  type Sampler,
  type StepContext,
} from '../src/index.ts';
import { exactModel } from './exact-score.ts';
import { deviation, goldenCases, noise, problem, type Rows } from './golden.ts';
import { forget, record } from './recorded-noise.ts';

vi.mock('@diff/core', async (original) =>
  (await import('./recorded-noise.ts')).recordedCore(await original<typeof import('@diff/core')>()),
);

interface Case {
  readonly sde: 'VP' | 'subVP' | 'VE';
  readonly params: { readonly p0: number; readonly p1: number; readonly N: number };
  readonly problem: string;
  readonly corrector: 'none' | 'langevin';
  readonly snr: number;
  readonly eps: number;
  readonly x_T: Rows;
  readonly x_final: Rows;
}

function processOf({ sde, params: { p0, p1 } }: Case): LinearProcess {
  if (sde === 'VE') return varianceExploding({ sigmaMin: p0, sigmaMax: p1, dataHasSigmaMin: true });
  const betas = { schedule: 'linear', betaMin: p0, betaMax: p1, T: 1 } as const;
  return sde === 'VP' ? variancePreserving(betas) : subVariancePreserving(betas);
}

function samplerOf({ sde, params: { p0, p1, N }, corrector, snr }: Case): Sampler {
  const predictor = eulerMaruyama({ noiseLevel: 1 });
  if (corrector === 'none') return predictor;
  const alpha = (t: number): number => {
    if (sde === 'VE') return 1;
    return 1 - (p0 + (Math.floor(t * (N - 1)) / (N - 1)) * (p1 - p0)) / N;
  };
  return predictorCorrector({
    predictor,
    corrector: langevinCorrector({ signalToNoise: (t) => snr * Math.sqrt(alpha(t)), norms: 'batch' }),
    first: 'corrector',
  });
}

async function run(c: Case): Promise<tf.Tensor> {
  const { N } = c.params;
  const process = processOf(c);
  const model: ScoreModel = exactModel(problem(c.problem), process, 'noise');
  const sampler = samplerOf(c);
  let x: tf.Tensor = tf.tensor2d(c.x_T.map((r) => [...r]));
  for (let i = 0; i < N; i++) {
    const stepKey = fold(key(0), i + 1);
    if (c.corrector === 'none') record(stepKey, noise(c.problem, i));
    else {
      record(fold(fold(stepKey, 1), 0), noise(c.problem, 2 * i));
      record(fold(stepKey, 0), noise(c.problem, 2 * i + 1));
    }
    const t = 1 + (i / (N - 1)) * (c.eps - 1);
    const context: StepContext = {
      process,
      kind: model.kind,
      x,
      t,
      next: t - 1 / N,
      index: i,
      steps: N,
      grid: [],
      key: stepKey,
      firstRow: 0,
      history: new Map(),
      predict: async (at, time) => model.predict(at, time),
    };
    x = await sampler.step(context);
  }
  return x;
}

beforeEach(async () => {
  forget();
  await tf.setBackend('cpu');
});

const cases = goldenCases<Case>('score-sde');

describe('score_sde predictor–corrector', () => {
  test.each(cases.map((c, i) => [`${i} ${c.sde} ${c.problem} ${c.corrector}`, c] as const))(
    '%s',
    async (_title, c) => {
      const { worst, allowed } = await deviation(await run(c), c.x_final);
      expect(worst).toBeLessThanOrEqual(allowed);
    },
  );
});
