/** What the tests of the driver share: a model, a grid, each sampler with its cost, and that no tensor is left behind. */
import { key } from '@diff/core';
import { defineModel, type ScoreModel } from '@diff/score';
import { edm, type LinearProcess } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, expect } from 'vitest';
import {
  ddim,
  ddpm,
  dpm2Ancestral,
  dpmSolver,
  dpmSolver2sAncestral,
  dpmSolverSde,
  edmStochastic,
  eulerAncestral,
  eulerMaruyama,
  exponentialIntegrator,
  heun,
  langevinCorrector,
  lms,
  midpoint,
  predictorCorrector,
  rungeKutta4,
  type SampleOptions,
  type Sampler,
  ula,
} from '../src/index.ts';

export const process: LinearProcess = edm({ T: 10 });
/** N(0, I): E[x₀ | x] = x/(1 + σ²). */
export const gaussian = (options: Partial<Parameters<typeof defineModel>[0]> = {}): ScoreModel =>
  defineModel({
    process,
    kind: 'data',
    name: 'gaussian',
    predict: (x, t) => tf.tidy(() => tf.div(x, 1 + Number(t) ** 2)),
    ...options,
  });
export const grid: readonly number[] = [10, 5, 2, 1, 0.5, 0.2, 0];
export const base = (): SampleOptions => ({
  model: gaussian(),
  sampler: ddim(),
  grid,
  shape: [5, 2],
  key: key(1),
});
export const positive: readonly number[] = grid.slice(0, -1);

/** Each sampler with its evaluations and combines in a run of `steps` steps that ends above 0. */
export const SAMPLERS: readonly (readonly [
  Sampler,
  nfe: (n: number) => number,
  combines: (n: number) => number,
])[] = [
  [ddim(), (n) => n, (n) => n],
  [eulerAncestral({ eta: 0.5 }), (n) => n, (n) => n],
  [dpm2Ancestral(), (n) => 2 * n, (n) => 2 * n],
  [dpmSolver2sAncestral(), (n) => 2 * n, (n) => 2 * n],
  [dpmSolverSde(), (n) => 2 * n, (n) => 2 * n],
  [dpmSolver({ order: 3, noiseLevel: 1 }), (n) => n, (n) => n],
  [lms(), (n) => n, (n) => n],
  // The first step starts at the horizon and is not raised.
  [edmStochastic({ churn: 2 }), (n) => 2 * n, (n) => 3 * n - 1],
  [ddim({ eta: 0.5 }), (n) => n, (n) => n],
  [ddpm(), (n) => n, (n) => n],
  [eulerMaruyama(), (n) => n, (n) => n],
  [exponentialIntegrator({ hold: 'score' }), (n) => n, (n) => n],
  [exponentialIntegrator({ hold: 'noise', noiseLevel: 0.5 }), (n) => n, (n) => n],
  [exponentialIntegrator({ hold: 'data', noiseLevel: 0 }), (n) => n, (n) => n],
  [heun(), (n) => 2 * n, (n) => 2 * n],
  [midpoint(), (n) => 2 * n, (n) => 2 * n],
  [rungeKutta4(), (n) => 4 * n, (n) => 4 * n],
  [dpmSolver(), (n) => n, (n) => n],
  [dpmSolver({ hold: 'noise', noiseLevel: 1 }), (n) => n, (n) => n],
  [ula({ stepSize: 0.01, steps: 3 }), (n) => 3 * n, (n) => 3 * n],
  [
    predictorCorrector({ predictor: ddim(), corrector: langevinCorrector({ stepSize: 0.01, steps: 2 }) }),
    (n) => 3 * n,
    (n) => 3 * n,
  ],
];

export async function values(x: tf.Tensor): Promise<Float32Array> {
  const data = (await x.data()) as Float32Array;
  x.dispose();
  return data;
}

/** Every test of the file must leave as many tensors as it found. */
export function expectNoLeaks(): { readonly tensors: () => number } {
  let tensors = 0;
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });
  beforeEach(() => {
    tensors = tf.memory().numTensors;
  });
  afterEach(() => {
    expect(tf.memory().numTensors).toBe(tensors);
  });
  return { tensors: () => tensors };
}
