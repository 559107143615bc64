/**
 * The probability flow against its exact endpoints: a closed form on Gaussians, DOP853 at rtol 1e-12 on mixtures; and
 * the measured order of every deterministic sampler on them.
 */
import '@tensorflow/tfjs-backend-cpu';
import { key } from '@diff/core';
import type { PredictionKind } from '@diff/score';
import {
  canonicalOu,
  edm,
  fromAlphaSigma,
  type LinearProcess,
  logSnrGrid,
  ornsteinUhlenbeck,
  subVariancePreserving,
  uniformGrid,
  varianceExploding,
  variancePreserving,
} from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  ddim,
  dpmSolver,
  eulerMaruyama,
  exponentialIntegrator,
  heun,
  heunInTime,
  midpoint,
  probabilityFlow,
  rungeKutta4,
  type Sampler,
  sample,
} from '../src/index.ts';
import { gaussianModel } from './affine-law.ts';
import { exactModel, type Problem } from './exact-score.ts';
import { goldenCases, problem, type Rows } from './golden.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

interface FlowCase {
  readonly process: 'OU' | 'VP' | 'subVP' | 'VE' | 'EDM' | 'cosineVP' | 'FM';
  readonly params: readonly [number, number] | null;
  readonly problem?: string;
  readonly mu?: number;
  readonly s?: number;
  readonly T: number;
  readonly t_end: number;
  readonly x_T: readonly number[] | Rows;
  readonly times: readonly number[];
  readonly x_at_times: readonly (readonly number[])[] | readonly Rows[];
}

function processOf({ process, params, T }: FlowCase): LinearProcess {
  const [p0, p1] = params ?? [0, 0];
  const betas = { schedule: 'linear', betaMin: p0, betaMax: p1, T } as const;
  if (process === 'OU') return canonicalOu({ T });
  if (process === 'VP') return variancePreserving(betas);
  if (process === 'subVP') return subVariancePreserving(betas);
  if (process === 'VE') return varianceExploding({ sigmaMin: p0, sigmaMax: p1, T, dataHasSigmaMin: true });
  if (process === 'EDM') return edm({ T });
  if (process === 'FM') return fromAlphaSigma({ alpha: (t) => 1 - t, sigma: (t) => t, T });
  return fromAlphaSigma({
    alpha: (t) => Math.cos((Math.PI * t) / 2),
    sigma: (t) => Math.sin((Math.PI * t) / 2),
    T,
  });
}

/** Steps as dense near the data as each noise schedule needs: t = end + (T − end) u^p. */
const POWER: Record<FlowCase['process'], number> = {
  OU: 2,
  VP: 1.5,
  subVP: 1.5,
  VE: 1,
  EDM: 6,
  cosineVP: 1,
  FM: 1,
};

function gridOf({ process, T, t_end }: FlowCase, steps: number): number[] {
  return Array.from(
    { length: steps + 1 },
    (_, i) => t_end + (T - t_end) * ((steps - i) / steps) ** POWER[process],
  );
}

const rows = (x: readonly number[] | Rows): number[][] =>
  x.map((row) => (typeof row === 'number' ? [row] : [...row]));

async function gap(
  c: FlowCase,
  law: Problem,
  kind: PredictionKind,
  sampler: Sampler,
  steps: number,
): Promise<number> {
  const initial = tf.tensor2d(rows(c.x_T));
  const x = await sample({
    model: exactModel(law, processOf(c), kind),
    sampler,
    grid: gridOf(c, steps),
    shape: initial.shape,
    key: key(0),
    initial,
  });
  const want = rows(c.x_at_times.at(-1)!).flat();
  const got = await x.data();
  return Math.max(...want.map((v, i) => Math.abs(v - got[i]!)));
}

/** A flow that starts without signal (α = 0) needs a prediction that is determined there. */
const kindOf = (c: FlowCase, i: number): PredictionKind =>
  c.process === 'FM'
    ? (['data', 'velocity'] as const)[i % 2]!
    : (['noise', 'score', 'data', 'velocity'] as const)[i % 4]!;

const gaussians = goldenCases<FlowCase>('an-pfode-gaussian');
const mixtures = goldenCases<FlowCase>('an-pfode-gmm');

describe('exact endpoints', () => {
  for (const [i, c] of [...gaussians, ...mixtures].entries()) {
    const law: Problem = c.problem ? problem(c.problem) : { weights: [1], means: [[c.mu!]], stds: [c.s!] };
    const kind = kindOf(c, i);
    // Where λ is infinite at an end its steps do not shrink there, and order 2 comes with a factor log² N: later.
    const endless = c.process === 'FM' || c.t_end === 0;
    const [few, many] = endless ? [240, 960] : [60, 240];
    for (const sampler of [heun(), midpoint(), dpmSolver(), rungeKutta4()]) {
      test(`${c.process} ${c.problem ?? 'Gaussian'} ${kind} ${sampler.name}`, async () => {
        const [coarse, fine] = [
          await gap(c, law, kind, sampler, few),
          await gap(c, law, kind, sampler, many),
        ];
        // Order 2 or more: a fourfold number of steps leaves 1/16 of the error, down to the float32 of the run.
        expect(fine).toBeLessThan(Math.max(coarse / 8, 2e-5));
        expect(fine).toBeLessThan(5e-4);
      });
    }
  }
});

describe('measured orders', () => {
  const data = { mean: 0.7, std: 0.5 };
  const processes: Record<string, readonly [LinearProcess, end: number]> = {
    VP: [variancePreserving({ schedule: 'linear', betaMin: 0.1, betaMax: 20, T: 1 }), 0.02],
    OU: [ornsteinUhlenbeck({ theta: 0.8, mu: 1.5, sigma: 0.7, T: 4 }), 0.05],
    EDM: [edm({ T: 10 }), 0.1],
  };
  const methods: readonly Sampler[] = [
    ddim(),
    probabilityFlow(),
    probabilityFlow({ hold: 'score' }),
    exponentialIntegrator({ hold: 'data', noiseLevel: 0 }),
    eulerMaruyama({ noiseLevel: 0 }),
    dpmSolver({ order: 1 }),
    heun(),
    heunInTime(),
    heunInTime({ node: 2 / 3 }),
    dpmSolver(),
    dpmSolver({ correction: 'taylor' }),
    dpmSolver({ hold: 'noise' }),
    dpmSolver({ hold: 'noise', correction: 'taylor' }),
    rungeKutta4(),
  ];

  for (const [name, [process, end]] of Object.entries(processes)) {
    for (const [i, sampler] of methods.entries()) {
      test(`${name} ${i} ${sampler.name}: order ${sampler.order}`, async () => {
        const kind = (['noise', 'data', 'score', 'velocity'] as const)[i % 4]!;
        const { T } = process;
        const start = [-1.5, -0.5, 0.4, 2];
        // The flow of a Gaussian is affine: x_r = mean_r + √(v_r/v_t)(x_t − mean_t).
        const mean = (t: number): number => process.alpha(t) * data.mean + process.mean(t);
        const deviation = (t: number): number => Math.hypot(process.alpha(t) * data.std, process.sigma(t));
        const initial = tf.tensor2d(start.map((u) => [mean(T) + u * deviation(T)]));
        const want = start.map((u) => mean(end) + u * deviation(end));
        const steps = { 1: [64, 128, 256], 2: [32, 64, 128], 4: [6, 12, 24] }[sampler.order]!;
        const errors: number[] = [];
        for (const n of steps) {
          const grid = logSnrGrid({ process, steps: n, end });
          const model = gaussianModel(process, { mean: data.mean, variance: data.std ** 2 }, kind);
          const x = await sample({ model, sampler, grid, shape: [4, 1], key: key(0), initial });
          const got = await x.data();
          errors.push(Math.max(...want.map((v, k) => Math.abs(v - got[k]!))));
        }
        const slope = Math.log(errors[0]! / errors[2]!) / Math.log(4);
        expect(Math.abs(slope - sampler.order)).toBeLessThan(0.3);
      });
    }
  }

  // On one Gaussian, where (y − mean)² is quadratic in ς, the second-order error of the midpoint rule vanishes.
  for (const kind of ['noise', 'data', 'score', 'velocity'] as const) {
    test(`Gaussian, ${kind}, midpoint: order 3`, async () => {
      const process = edm({ T: 2 });
      const start = [-1.5, -0.5, 0.4, 2];
      const at = (u: number, t: number): number => data.mean + u * Math.hypot(data.std, t);
      const initial = tf.tensor2d(start.map((u) => [at(u, 2)]));
      const errors: number[] = [];
      for (const steps of [8, 16, 32]) {
        const grid = uniformGrid({ process, steps, end: 0.1 });
        const model = gaussianModel(process, { mean: data.mean, variance: data.std ** 2 }, kind);
        const x = await sample({ model, sampler: midpoint(), grid, shape: [4, 1], key: key(0), initial });
        const got = await x.data();
        errors.push(Math.max(...start.map((u, k) => Math.abs(at(u, 0.1) - got[k]!))));
      }
      const slope = Math.log(errors[0]! / errors[2]!) / Math.log(4);
      expect(Math.abs(slope - 3)).toBeLessThan(0.3);
    });
  }

  // The mixtures whose errors are far above float32's at these numbers of steps.
  for (const c of mixtures.filter((m) => m.process === 'EDM' || (m.process === 'VP' && m.problem === 'P2'))) {
    test(`${c.process} ${c.problem} midpoint: order 2`, async () => {
      const errors: number[] = [];
      for (const n of [40, 80, 160]) errors.push(await gap(c, problem(c.problem!), 'noise', midpoint(), n));
      const slope = Math.log(errors[0]! / errors[2]!) / Math.log(4);
      expect(Math.abs(slope - 2)).toBeLessThan(0.3);
    });
  }
});
