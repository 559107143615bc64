/** Laws of the first-order samplers on Gaussian data: exact recursions, golden laws, weak order, Monte Carlo. */
import '@tensorflow/tfjs-backend-cpu';
import { key } from '@diff/core';
import { defineModel } from '@diff/score';
import {
  canonicalOu,
  edm,
  exponentialGrid,
  type LinearProcess,
  ornsteinUhlenbeck,
  uniformGrid,
  varianceExploding,
  variancePreserving,
} from '@diff/sde';
import { expectClose } from '@diff/testkit';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  ddim,
  ddpm,
  dpmSolver,
  eulerMaruyama,
  exponentialIntegrator,
  reverseDiffusion,
  type Sampler,
  sample,
} from '../src/index.ts';
import { affineLaws, gaussianModel, type Law, marginal } from './affine-law.ts';
import { goldenCases } from './golden.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

interface LawCase {
  readonly scheme: 'EM' | 'EI';
  readonly grid: 'uniform' | 'exp_then_lin';
  readonly N: number;
  readonly T: number;
  readonly delta: number;
  readonly mu: number;
  readonly s: number;
  readonly grid_times: readonly number[] | null;
  readonly final_mean: number;
  readonly final_var: number;
  readonly mid_index: number;
  readonly mid_mean: number;
  readonly mid_var: number;
}

const linspace = (a: number, b: number, n: number): number[] =>
  Array.from({ length: n }, (_, i) => a + (i / (n - 1)) * (b - a));

/** The grids of the recursions: numpy's linspace, or half of it and then geomspace to delta. */
function timesOf({ grid, grid_times, N, T, delta }: LawCase): readonly number[] {
  if (grid_times) return grid_times;
  if (grid === 'uniform') return linspace(T, delta, N + 1);
  const half = Math.floor(N / 2);
  const tail = linspace(0, Math.log(delta), N - half + 1).map(Math.exp);
  return [...linspace(T, 1, half + 1), ...tail.slice(1)];
}

describe('recorded laws of the reverse OU process', () => {
  const process = canonicalOu({ T: 4 });
  const samplers: Record<string, Sampler> = {
    EM: eulerMaruyama({ noiseLevel: 1 }),
    EI: exponentialIntegrator({ hold: 'score', noiseLevel: 1 }),
  };

  for (const c of goldenCases<LawCase>('an-sampler-law-gaussian')) {
    const data = { mean: c.mu, variance: c.s ** 2 };
    const model = gaussianModel(process, data, 'score');
    const grid = timesOf(c);
    const title = `${c.scheme} ${c.grid} N=${c.N}`;

    test(`${title}: exact mean and variance`, async () => {
      const laws = await affineLaws(samplers[c.scheme]!, model, grid);
      const [mid, last] = [laws[c.mid_index]!, laws.at(-1)!];
      expect(Math.abs(mid.mean - c.mid_mean)).toBeLessThan(2e-6);
      expect(Math.abs(mid.variance - c.mid_var)).toBeLessThan(5e-6);
      expect(Math.abs(last.mean - c.final_mean)).toBeLessThan(2e-6);
      expect(Math.abs(last.variance - c.final_var)).toBeLessThan(5e-6);
    });

    test(`${title}: samples`, async () => {
      const n = 20_000;
      const run = { model, sampler: samplers[c.scheme]!, grid, shape: [n, 1], key: key(11) };
      const x = await sample(run);
      const { mean, variance } = tf.moments(x);
      // Standard errors √(v/n) and v√(2/n) of a Gaussian sample; 5 of them.
      const gapOfMean = Math.abs((await mean.data())[0]! - c.final_mean);
      const gapOfVariance = Math.abs((await variance.data())[0]! - c.final_var);
      expect(gapOfMean).toBeLessThan(5 * Math.sqrt(c.final_var / n));
      expect(gapOfVariance).toBeLessThan(5 * c.final_var * Math.sqrt(2 / n));
    });
  }
});

interface Setting {
  readonly process: LinearProcess;
  readonly grid: (steps: number) => readonly number[];
}

// VE and EDM end where noise and data are of one size: further down the first-order error of some methods at b = 1
// changes its sign, and what is left of it there says nothing about the order.
const SETTINGS: Record<string, Setting> = {
  VP: setting(variancePreserving({ schedule: 'linear', betaMin: 0.1, betaMax: 20, T: 1 }), 0.01),
  VE: setting(varianceExploding({ sigmaMin: 0.05, sigmaMax: 10, T: 1 }), 0.4),
  OU: setting(ornsteinUhlenbeck({ theta: 0.8, mu: 1.5, sigma: 0.7, T: 5 }), 0.02),
  EDM: {
    process: edm({ T: 10 }),
    grid: (steps) => exponentialGrid({ process: edm({ T: 10 }), steps, end: 0.5 }),
  },
};

function setting(process: LinearProcess, end: number): Setting {
  return { process, grid: (steps) => uniformGrid({ process, steps, end }) };
}

function methods(b: number): Sampler[] {
  const held = (['score', 'noise', 'data'] as const).map((hold) =>
    exponentialIntegrator({ hold, noiseLevel: b }),
  );
  const em = [eulerMaruyama({ noiseLevel: b }), eulerMaruyama({ noiseLevel: b, exactNoise: true })];
  return [...held, ...em, reverseDiffusion({ noiseLevel: b })];
}

/** Least-squares slope of −log error against log steps. */
function slope(steps: readonly number[], errors: readonly number[]): number {
  const [u, v] = [steps.map(Math.log), errors.map((e) => -Math.log(e))];
  const mean = (w: readonly number[]): number => w.reduce((p, q) => p + q, 0) / w.length;
  const [mu, mv] = [mean(u), mean(v)];
  return u.reduce((s, ui, i) => s + (ui - mu) * (v[i]! - mv), 0) / u.reduce((s, ui) => s + (ui - mu) ** 2, 0);
}

describe('weak order 1 on a Gaussian, every noise level', () => {
  const data: Law = { mean: 0.7, variance: 0.25 };
  for (const [name, { process, grid }] of Object.entries(SETTINGS)) {
    for (const b of [0, 0.5, 1]) {
      // At b = 0 and 1 DDIM and DDPM are points of the family (below); in between DDIM is a method of its own.
      for (const sampler of b === 0.5 ? [...methods(b), ddim({ eta: 0.5 })] : methods(b)) {
        test(`${name} b=${b} ${sampler.name}`, async () => {
          const model = gaussianModel(process, data, 'score');
          const steps = [80, 160, 320];
          const errors: number[] = [];
          for (const n of steps) {
            const times = grid(n);
            // From the exact law at T, so that what is measured is the discretisation.
            const laws = await affineLaws(sampler, model, times, marginal(process, data, times[0]!));
            const [got, want] = [laws.at(-1)!, marginal(process, data, times.at(-1)!)];
            errors.push(Math.abs(got.mean - want.mean) + Math.abs(got.variance - want.variance));
          }
          expect(slope(steps, errors)).toBeGreaterThan(0.7);
          expect(slope(steps, errors)).toBeLessThan(1.3);
        });
      }
    }
  }
});

describe('names for points of the family', () => {
  const held = (hold: 'noise' | 'data', noiseLevel: number): Sampler =>
    exponentialIntegrator({ hold, noiseLevel });
  test.each([
    ['ddim() is noise held at b = 0', ddim(), held('noise', 0)],
    ['ddim() is data held at b = 0', ddim(), held('data', 0)],
    ['ddim({ eta: 1 }) is data held at b = 1', ddim({ eta: 1 }), held('data', 1)],
    ['ddpm() is data held at b = 1', ddpm(), held('data', 1)],
    ['first-order DPM-Solver++ is ddim()', dpmSolver({ order: 1 }), ddim()],
    [
      'first-order SDE-DPM-Solver is noise held at b = 1',
      dpmSolver({ order: 1, hold: 'noise', noiseLevel: 1 }),
      held('noise', 1),
    ],
  ] as const)('%s', async (_name, one, other) => {
    for (const [name, { process, grid }] of Object.entries(SETTINGS)) {
      const model = gaussianModel(process, { mean: 0.7, variance: 0.25 }, 'velocity');
      const run = { model, grid: grid(12), shape: [20, 1], key: key(2) };
      const [a, b] = [await sample({ ...run, sampler: one }), await sample({ ...run, sampler: other })];
      expectClose(await a.data(), await b.data(), { absolute: 2e-5 }, name);
    }
  });
});

describe('samples of a correlated Gaussian', () => {
  // Covariance R diag(v) Rᵀ, R a rotation by 0.6; the law of a linear sampler splits along the axes of R.
  const [cos, sin] = [Math.cos(0.6), Math.sin(0.6)];
  const axes: readonly Law[] = [
    { mean: 0.8, variance: 1.2 },
    { mean: -0.4, variance: 0.2 },
  ];
  const n = 2000;
  const rotated = (p: number, q: number): [number, number] => [cos * p - sin * q, sin * p + cos * q];

  for (const [name, { process, grid }] of Object.entries(SETTINGS)) {
    // The process must have m = 0 for its law to split along rotated axes.
    const plain = name === 'OU' ? ornsteinUhlenbeck({ theta: 0.8, mu: 0, sigma: 0.7, T: 5 }) : process;
    for (const b of [0, 0.5, 1]) {
      for (const sampler of methods(b)) {
        test(`${name} b=${b} ${sampler.name}`, async () => {
          const times = grid(30);
          const model = defineModel({
            process: plain,
            kind: 'score',
            predict: (x, t) =>
              tf.tidy(() => {
                const [m1, m2] = axes.map((law) => marginal(plain, law, Number(t))) as [Law, Law];
                const [i1, i2] = [1 / m1.variance, 1 / m2.variance];
                const cross = cos * sin * (i1 - i2);
                const inverse = tf.tensor2d([
                  [cos ** 2 * i1 + sin ** 2 * i2, cross],
                  [cross, sin ** 2 * i1 + cos ** 2 * i2],
                ]);
                return tf.matMul(tf.sub(tf.tensor2d([rotated(m1.mean, m2.mean)]), x as tf.Tensor2D), inverse);
              }),
          });
          const x = await sample({ model, sampler, grid: times, shape: [n, 2], key: key(3) });
          const rows = (await x.array()) as [number, number][];
          for (const [i, law] of axes.entries()) {
            const laws = await affineLaws(sampler, gaussianModel(plain, law, 'score'), times);
            const want = laws.at(-1)!;
            const along = rows.map(([p, q]) => (i === 0 ? cos * p + sin * q : -sin * p + cos * q));
            const mean = along.reduce((s, v) => s + v, 0) / n;
            const variance = along.reduce((s, v) => s + (v - mean) ** 2, 0) / (n - 1);
            expect(Math.abs(mean - want.mean)).toBeLessThan(5 * Math.sqrt(want.variance / n));
            expect(Math.abs(variance - want.variance)).toBeLessThan(5 * want.variance * Math.sqrt(2 / n));
          }
          const [first, second] = [0, 1].map((i) =>
            rows.map(([p, q]) => (i === 0 ? cos * p + sin * q : -sin * p + cos * q)),
          ) as [number[], number[]];
          const center = (v: number[]): number[] => v.map((w) => w - v.reduce((s, u) => s + u, 0) / n);
          const [c1, c2] = [center(first), center(second)];
          const dot = (u: number[], v: number[]): number => u.reduce((s, w, i) => s + w * v[i]!, 0);
          const correlation = dot(c1, c2) / Math.sqrt(dot(c1, c1) * dot(c2, c2));
          expect(Math.abs(correlation)).toBeLessThan(5 / Math.sqrt(n));
        });
      }
    }
  }
});
