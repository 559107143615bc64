/**
 * NVlabs/edm's `generate.py`, all of its recorded runs: `edm_sampler` (Algorithm 2) and `ablation_sampler` (Algorithm 3),
 * in which σ(t), s(t) and the discretisation are chosen one by one. s is the process's α, σ its σ/α. One draw a step,
 * used or not. Of iDDPM's formula u the entries between σ_min and σ_max are taken.
 */
import '@tensorflow/tfjs-backend-cpu';
import { fold, key } from '@diff/core';
import { fromAlphaSigma, type LinearProcess } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { edmStochastic, eulerMaruyama, heunInTime, sample } from '../src/index.ts';
import { exactModel } from './exact-score.ts';
import { deviation, goldenCases, latents, noise, problem, type Rows } from './golden.ts';
import { forget, record } from './recorded-noise.ts';

vi.mock('@diff/core', async (original) =>
  (await import('./recorded-noise.ts')).recordedCore(await original<typeof import('@diff/core')>()),
);

interface Case {
  readonly sampler: 'edm' | 'ablation';
  readonly problem: string;
  readonly solver?: 'euler' | 'heun';
  readonly discretization?: 'vp' | 've' | 'iddpm' | 'edm';
  readonly schedule?: 'vp' | 've' | 'linear';
  readonly scaling?: 'vp' | 'none';
  readonly alpha?: number;
  readonly num_steps: number;
  readonly rho?: number;
  readonly sigma_min?: number;
  readonly sigma_max?: number;
  readonly S_churn: number;
  readonly S_min?: number;
  readonly S_max?: number;
  readonly S_noise?: number;
  readonly x_0: Rows;
  readonly nfe: number;
}

const EPSILON = 1e-3;
const vpSigma = (betaD: number, betaMin: number, t: number): number =>
  Math.sqrt(Math.expm1(0.5 * betaD * t * t + betaMin * t));

/** The range of noise levels of a discretisation. */
function levelsOf(
  discretization: NonNullable<Case['discretization']>,
): readonly [least: number, most: number] {
  if (discretization === 'vp') return [vpSigma(19.9, 0.1, EPSILON), vpSigma(19.9, 0.1, 1)];
  return { ve: [0.02, 100], iddpm: [0.002, 81], edm: [0.002, 80] }[discretization] as [number, number];
}

function sigmasOf({ discretization = 'edm', num_steps: n, rho = 7, ...c }: Case): number[] {
  const [lowest, highest] = levelsOf(discretization);
  const [least, most] = [c.sigma_min ?? lowest, c.sigma_max ?? highest];
  const share = (i: number): number => i / (n - 1);
  const steps = Array.from({ length: n }, (_, i) => i);
  if (discretization === 'edm') {
    const [a, b] = [most ** (1 / rho), least ** (1 / rho)];
    return steps.map((i) => (a + share(i) * (b - a)) ** rho);
  }
  if (discretization === 've') return steps.map((i) => most * (least / most) ** share(i));
  if (discretization === 'vp') {
    const { betaD, betaMin } = betas(least, most);
    return steps.map((i) => vpSigma(betaD, betaMin, 1 + share(i) * (EPSILON - 1)));
  }
  const M = 1000;
  const bar = (j: number): number => Math.sin((0.5 * Math.PI * j) / M / 1.008) ** 2;
  const u = new Array<number>(M + 1).fill(0);
  for (let j = M; j > 0; j--) {
    u[j - 1] = Math.sqrt((u[j]! ** 2 + 1) / Math.max(bar(j - 1) / bar(j), 0.001) - 1);
  }
  const inside = u.filter((v) => v >= least && v <= most);
  const even = (v: number): number => (v % 1 === 0.5 ? 2 * Math.round(v / 2) : Math.round(v));
  return steps.map((i) => inside[even(((inside.length - 1) / (n - 1)) * i)]!);
}

/** β of the VP schedule that runs from `least` at ε to `most` at 1. */
function betas(least: number, most: number): { betaD: number; betaMin: number } {
  const [a, b] = [Math.log1p(least ** 2), Math.log1p(most ** 2)];
  const betaD = (2 * (a / EPSILON - b)) / (EPSILON - 1);
  return { betaD, betaMin: b - 0.5 * betaD };
}

interface Schedule {
  readonly sigma: (t: number) => number;
  /** (σ²)′. */
  readonly variance: (t: number) => number;
  readonly inverse: (sigma: number) => number;
}

function scheduleOf({ schedule = 'linear', discretization = 'edm' }: Case): Schedule {
  if (schedule === 've') return { sigma: Math.sqrt, variance: () => 1, inverse: (s) => s * s };
  if (schedule === 'linear') return { sigma: (t) => t, variance: (t) => 2 * t, inverse: (s) => s };
  const { betaD, betaMin } = betas(...levelsOf(discretization));
  return {
    sigma: (t) => vpSigma(betaD, betaMin, t),
    variance: (t) => (betaMin + betaD * t) * (vpSigma(betaD, betaMin, t) ** 2 + 1),
    inverse: (s) => (Math.sqrt(betaMin ** 2 + 2 * betaD * Math.log1p(s * s)) - betaMin) / betaD,
  };
}

function processOf(c: Case, most: number): LinearProcess {
  const { sigma, variance, inverse } = scheduleOf(c);
  const scaled = c.scaling === 'vp';
  const s = (t: number): number => (scaled ? 1 / Math.sqrt(1 + sigma(t) ** 2) : 1);
  return fromAlphaSigma({
    alpha: s,
    sigma: (t) => s(t) * sigma(t),
    T: inverse(most),
    alphaDerivative: (t) => (scaled ? -0.5 * variance(t) * s(t) ** 3 : 0),
    varianceDerivative: (t) => (scaled ? variance(t) * s(t) ** 4 : variance(t)),
    timeOfLambda: (lambda) => inverse(Math.exp(-lambda)),
  });
}

async function run(c: Case): Promise<{ x: tf.Tensor; nfe: number }> {
  const sigmas = sigmasOf(c);
  // Churn raises the noise above where the run starts.
  const process = processOf(c, 2 * sigmas[0]!);
  const { inverse } = scheduleOf(c);
  const grid = [...sigmas.map(inverse), 0];
  const ablation =
    c.solver === 'euler' ? eulerMaruyama({ noiseLevel: 0 }) : heunInTime({ node: c.alpha ?? 1 });
  const sampler = edmStochastic({
    churn: c.S_churn,
    from: c.S_min ?? 0,
    upTo: c.S_max ?? Number.POSITIVE_INFINITY,
    noiseScale: c.S_noise ?? 1,
    solver: c.sampler === 'edm' ? 'heun' : ablation,
  });
  for (let i = 0; i < c.num_steps; i++) record(fold(key(0), i + 1), noise(c.problem, i));
  let nfe = 0;
  const initial = tf.tensor2d(latents(c.problem, process.sigma(grid[0]!)));
  const x = await sample({
    model: exactModel(problem(c.problem), process, 'data'),
    sampler,
    grid,
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

const cases = goldenCases<Case>('edm');
const title = (c: Case, i: number): string =>
  `${i} ${c.sampler} ${c.problem} ${c.num_steps} ${c.solver ?? ''} ${c.discretization ?? ''} ${c.schedule ?? ''} ${c.scaling ?? ''} ${c.alpha ?? ''} churn ${c.S_churn}`;

describe('edm', () => {
  test('all 184 recorded runs are here', () => {
    expect(cases).toHaveLength(184);
  });
  test.each(cases.map((c, i) => [title(c, i), c] as const))('%s', async (_title, c) => {
    const { x, nfe } = await run(c);
    const { worst, allowed } = await deviation(x, c.x_0);
    // VP's times in t = σ² are long steps, whose trial states are large and lose digits of float32.
    const stiff = c.discretization === 'vp' && c.schedule === 've';
    expect(worst).toBeLessThanOrEqual(stiff ? 2.5 * allowed : allowed);
    expect(nfe).toBe(c.nfe);
  });
});
