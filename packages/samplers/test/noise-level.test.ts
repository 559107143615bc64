/** The noise level in its three forms (a number, a function, a window of time) on every sampler that has one; b = 0. */
import '@tensorflow/tfjs-backend-cpu';
import { key } from '@diff/core';
import { variancePreserving } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  adaptiveSde,
  ddim,
  dpm2,
  dpm2Ancestral,
  dpmAdaptive,
  dpmFast,
  dpmSolver,
  dpmSolver2sAncestral,
  dpmSolverSde,
  eulerAncestral,
  eulerMaruyama,
  exponentialIntegrator,
  noiseBetween,
  reverseDiffusion,
  type Sampler,
  sample,
  saSolver,
  seeds2,
  shark,
  sra1,
} from '../src/index.ts';
import { gaussianModel } from './affine-law.ts';

type Level = number | ((t: number) => number);
const METHODS: Readonly<Record<string, readonly [make: (level: Level) => Sampler, twin?: Sampler]>> = {
  adaptiveSde: [(noiseLevel) => adaptiveSde({ noiseLevel, relativeTolerance: 0.1, absoluteTolerance: 0.1 })],
  ddim: [(eta) => ddim({ eta }), ddim()],
  dpm2Ancestral: [(eta) => dpm2Ancestral({ eta }), dpm2()],
  dpmAdaptive: [(eta) => dpmAdaptive({ eta }), dpmAdaptive()],
  dpmFast: [(eta) => dpmFast({ evaluations: 14, eta }), dpmFast({ evaluations: 14 })],
  'dpmSolver 2M': [(noiseLevel) => dpmSolver({ noiseLevel }), dpmSolver()],
  'dpmSolver 3M, noise': [
    (noiseLevel) => dpmSolver({ order: 3, hold: 'noise', noiseLevel }),
    dpmSolver({ order: 3, hold: 'noise' }),
  ],
  dpmSolver2sAncestral: [(eta) => dpmSolver2sAncestral({ eta })],
  dpmSolverSde: [(eta) => dpmSolverSde({ eta }), dpmSolver2sAncestral({ eta: 0 })],
  eulerAncestral: [(eta) => eulerAncestral({ eta })],
  eulerMaruyama: [(noiseLevel) => eulerMaruyama({ noiseLevel })],
  'eulerMaruyama, exact noise': [
    (noiseLevel) => eulerMaruyama({ noiseLevel, exactNoise: true }),
    eulerMaruyama({ noiseLevel: 0 }),
  ],
  'exponentialIntegrator, score': [(noiseLevel) => exponentialIntegrator({ hold: 'score', noiseLevel })],
  'exponentialIntegrator, noise': [
    (noiseLevel) => exponentialIntegrator({ hold: 'noise', noiseLevel }),
    ddim(),
  ],
  'exponentialIntegrator, data': [
    (noiseLevel) => exponentialIntegrator({ hold: 'data', noiseLevel }),
    ddim(),
  ],
  reverseDiffusion: [(noiseLevel) => reverseDiffusion({ noiseLevel })],
  saSolver: [(noiseLevel) => saSolver({ noiseLevel })],
  seeds2: [(noiseLevel) => seeds2({ noiseLevel }), dpmSolver2sAncestral({ eta: 0 })],
  shark: [(noiseLevel) => shark({ noiseLevel })],
  sra1: [(noiseLevel) => sra1({ noiseLevel })],
};

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const process = variancePreserving();
const grid = [1, 0.8, 0.6, 0.4, 0.2, 0.1];

async function run(sampler: Sampler): Promise<number[]> {
  const model = gaussianModel(process, { mean: 0.7, variance: 0.25 }, 'score');
  const x = await sample({ model, sampler, grid, shape: [7, 1], key: key(4) });
  const values = Array.from(await x.data());
  x.dispose();
  return values;
}

describe.each(Object.entries(METHODS))('%s', (_name, [make, twin]) => {
  test('a constant function is the number', async () => {
    expect(await run(make(() => 0.6))).toEqual(await run(make(0.6)));
  });

  test('a window beyond the grid is level 0, and no noise; one around it is the level', async () => {
    const flow = await run(make(0));
    expect(make(0).stochastic).toBe(false);
    expect(make(0).strongOrder).toBeUndefined();
    expect(await run(make(noiseBetween({ level: 0.6, from: 2 })))).toEqual(flow);
    expect(await run(make(noiseBetween({ level: 0.6 })))).toEqual(await run(make(0.6)));
    expect(flow).not.toEqual(await run(make(0.6)));
    // The twin under another name may round its coefficients in another order.
    if (twin) {
      (await run(twin)).forEach((v, i) => {
        expect(Math.abs(v - flow[i]!)).toBeLessThan(2e-6);
      });
    }
  });

  test('a window within the grid is neither', async () => {
    const part = await run(make(noiseBetween({ level: 0.6, from: 0.3, upTo: 0.7 })));
    expect(part).not.toEqual(await run(make(0)));
    expect(part).not.toEqual(await run(make(0.6)));
  });

  test('a level that turns bad on the way is named with its time, before the run', async () => {
    await expect(run(make((t) => (t < 0.5 ? -1 : 0.5)))).rejects.toThrow(/got -1 at t = 0\.[0-4]/);
  });
});

test('bad windows', () => {
  expect(() => noiseBetween({ level: -1 })).toThrow(
    'noiseBetween: level must be a finite number of at least 0, got -1',
  );
  expect(() => noiseBetween({ level: 1, from: 0.5, upTo: 0.5 })).toThrow(
    'noiseBetween: upTo must be a time after from = 0.5, got 0.5.',
  );
  expect(() => noiseBetween({ level: 1, from: Number.NaN })).toThrow(
    'noiseBetween: from must be a finite number',
  );
});
