/**
 * Measured orders of the multistep and single-step methods on the exact flow of a Gaussian, in float64. Multistep
 * methods above order 2 get two first steps of length h² in λ, so that the first step of order 1 costs h⁴.
 */
import '@tensorflow/tfjs-backend-cpu';
import { key } from '@diff/core';
import { conversion, defineModel, type PredictionKind } from '@diff/score';
import { edm, type LinearProcess, logSnrGrid, ornsteinUhlenbeck, variancePreserving } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import {
  deis,
  dpmAdaptive,
  dpmSolver,
  heun,
  heunInTime,
  ipndm,
  midpoint,
  plms,
  pndm,
  rungeKutta4,
  type Sampler,
  sample,
  saSolver,
  shark,
  sra1,
  tcd,
  uniPc,
} from '../src/index.ts';
import { type Law, marginal } from './affine-law.ts';
import { exactTensor, exactValues } from './float64-run.ts';

vi.mock('@diff/core', async (original) =>
  (await import('./float64-run.ts')).float64Core(await original<typeof import('@diff/core')>()),
);

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const data: Law = { mean: 0.7, variance: 0.25 };
const PROCESSES: Record<string, readonly [LinearProcess, end: number]> = {
  VP: [variancePreserving({ schedule: 'linear', betaMin: 0.1, betaMax: 20, T: 1 }), 0.02],
  OU: [ornsteinUhlenbeck({ theta: 0.8, mu: 1.5, sigma: 0.7, T: 4 }), 0.05],
  EDM: [edm({ T: 10 }), 0.1],
};

const methods: readonly Sampler[] = [
  dpmSolver({ order: 3 }),
  dpmSolver({ order: 3, hold: 'noise' }),
  dpmSolver({ order: 3, correction: 'published' }),
  ...(['data', 'noise'] as const).flatMap((hold) => [
    dpmSolver({ order: 2, multistep: false, hold }),
    dpmSolver({ order: 2, multistep: false, hold, correction: 'taylor' }),
    dpmSolver({ order: 3, multistep: false, hold }),
    dpmSolver({ order: 3, multistep: false, hold, correction: 'taylor' }),
    ...([1, 2, 3] as const).flatMap((order) => [
      uniPc({ order, hold, variant: 'bh1' }),
      uniPc({ order, hold, variant: 'bh2' }),
    ]),
    saSolver({ noiseLevel: 0, hold }),
    saSolver({ noiseLevel: 0, hold, predictorOrder: 3, correctorOrder: 0 }),
    saSolver({ noiseLevel: 0, hold, predictorOrder: 2, correctorOrder: 3 }),
  ]),
  deis({ order: 1 }),
  deis({ order: 2 }),
  deis(),
  ipndm({ order: 1 }),
  ipndm({ order: 2 }),
  ipndm(),
  plms(),
  pndm(),
  tcd({ gamma: 0 }),
  heun(),
  heunInTime({ node: 2 / 3 }),
  rungeKutta4(),
  sra1({ noiseLevel: 0 }),
  shark({ noiseLevel: 0 }),
];

/** Two terms of their errors have opposite signs, and one size at a hundred steps or so: measured beyond. */
const LATE: readonly string[] = ['saSolver(2, 2)', 'saSolver(3, 0)', 'deis(3)', 'dpmSolver(3M)'];

async function errorOf(
  sampler: Sampler,
  process: LinearProcess,
  end: number,
  kind: PredictionKind,
  steps: number,
): Promise<number> {
  const at = (t: number, u: number): number => {
    const { mean, variance } = marginal(process, data, t);
    return mean + u * Math.sqrt(variance);
  };
  const model = defineModel({
    process,
    kind,
    predict: (x, time) => {
      const t = Number(time);
      const { mean, variance } = marginal(process, data, t);
      const q = conversion(process, t, 'score', kind);
      return exactTensor(
        exactValues(x).map((v) => q.x * v - (q.p * (v - mean)) / variance + q.constant),
        x.shape,
      );
    },
  });
  const start = [-1.5, -0.5, 0.4, 2];
  const initial = exactTensor(
    Float64Array.from(start, (u) => at(process.T, u)),
    [4, 1],
  );
  const grid = [...logSnrGrid({ process, steps, end })];
  if (sampler.order > 2 && !sampler.name.endsWith('S)') && sampler.name !== 'rungeKutta4') {
    const lambda = process.lambda(grid[0]!);
    const short = (process.lambda(grid[1]!) - lambda) ** 2;
    grid.splice(1, 0, process.timeOfLambda(lambda + short), process.timeOfLambda(lambda + 2 * short));
  }
  const x = exactValues(await sample({ model, sampler, grid, shape: [4, 1], key: key(0), initial }));
  return Math.max(...start.map((u, k) => Math.abs(at(end, u) - x[k]!)));
}

describe('measured orders', () => {
  for (const [name, [process, end]] of Object.entries(PROCESSES)) {
    for (const [i, sampler] of methods.entries()) {
      test(`${name} ${i} ${sampler.name}: order ${sampler.order}`, async () => {
        const kind = (['noise', 'data', 'score', 'velocity'] as const)[i % 4]!;
        const steps = LATE.includes(sampler.name) ? 400 : 120;
        const coarse = await errorOf(sampler, process, end, kind, steps);
        const fine = await errorOf(sampler, process, end, kind, 4 * steps);
        const slope = Math.log(coarse / fine) / Math.log(4);
        expect(Math.abs(slope - sampler.order)).toBeLessThan(0.3);
      });
    }
  }
});

test('midpoint is of order 3 on a Gaussian: the h² term of its error has integral 0', async () => {
  for (const [process, end] of Object.values(PROCESSES)) {
    const [coarse, fine] = [
      await errorOf(midpoint(), process, end, 'data', 120),
      await errorOf(midpoint(), process, end, 'data', 480),
    ];
    expect(Math.abs(Math.log(coarse / fine) / Math.log(4) - 3)).toBeLessThan(0.1);
  }
});

/** With no control at all the step in λ stays what it is at the start, and every step is accepted. */
describe('dpmAdaptive at a fixed step', () => {
  for (const [name, [process, end]] of Object.entries(PROCESSES)) {
    test.each([2, 3] as const)(`${name}: order %i`, async (order) => {
      const errors: number[] = [];
      for (const steps of [60, 240]) {
        const sampler = dpmAdaptive({
          order,
          initialStep: (process.lambda(end) - process.lambda(process.T)) / steps,
          proportional: 0,
          integral: 0,
          derivative: 0,
        });
        errors.push(await errorOf({ ...sampler, order: 1 }, process, end, 'data', 1));
      }
      const slope = Math.log(errors[0]! / errors[1]!) / Math.log(4);
      expect(Math.abs(slope - order)).toBeLessThan(0.3);
    });
  }
});
