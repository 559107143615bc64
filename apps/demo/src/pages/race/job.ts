/**
 * Samplers of the probability flow race on eight Gaussians, σ from 80 to 0.01: all start from the same noise, and the error
 * is the distance from where the exact flow would have ended, which is Runge–Kutta 4 on a grid so fine that only rounding
 * is left.
 */
import { createPacer, key } from '@diff/core';
import {
  ddim,
  deis,
  dpm2,
  dpmSolver,
  heun,
  lms,
  rungeKutta4,
  type Sampler,
  sample,
  uniPc,
} from '@diff/samplers';
import { gaussianMixture } from '@diff/score';
import { edm, karrasGrid } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import type { Job } from '../../engine/protocol.ts';
import { type Arrival, BUDGETS, type RaceArgs, type RaceResult, type Racer } from './options.ts';

const samplers: Readonly<Record<Racer, () => Sampler>> = {
  'DDIM (Euler)': () => ddim(),
  Heun: () => heun(),
  'DPM-Solver-2': () => dpm2(),
  'DPM-Solver++ (2M)': () => dpmSolver({ order: 2 }),
  'DPM-Solver++ (3M)': () => dpmSolver({ order: 3 }),
  UniPC: () => uniPc({ order: 3 }),
  DEIS: () => deis({ order: 3 }),
  LMS: () => lms({ order: 4 }),
};

const REFERENCE_STEPS = 400;

/** The most steps that `sampler` makes with no more than `budget` evaluations. */
function stepsWithin(sampler: Sampler, budget: number): number {
  let steps = 1;
  while (sampler.nfe(steps + 1) <= budget) steps++;
  return steps;
}

export const race: Job<RaceArgs, Arrival, RaceResult> = async (
  { racers, count, seed },
  { signal, update },
) => {
  const process = edm({ T: 80 });
  const angles = Array.from({ length: 8 }, (_, k) => (k * Math.PI) / 4);
  const means = angles.map((angle) => [2 * Math.cos(angle), 2 * Math.sin(angle)]);
  const model = gaussianMixture({ process, means, variance: 0.04 });
  const end = async (sampler: Sampler, steps: number): Promise<Float32Array> => {
    const grid = karrasGrid({ process, steps, end: 0.01 });
    const x = await sample({ model, sampler, grid, shape: [count, 2], key: key(seed), signal });
    try {
      return Float32Array.from(await x.data());
    } finally {
      tf.dispose(x);
    }
  };
  const started = performance.now();
  // A race of one sampler takes less time than its own turn of the event loop.
  const pacer = createPacer({ signal });
  const exact = await end(rungeKutta4(), REFERENCE_STEPS);
  for (const budget of BUDGETS) {
    for (const racer of racers) {
      await pacer.turn();
      const sampler = samplers[racer]();
      const steps = stepsWithin(sampler, budget);
      const reached = await end(sampler, steps);
      const squares = reached.reduce((sum, v, i) => sum + (v - exact[i]!) ** 2, 0);
      update({ racer, budget, nfe: sampler.nfe(steps), error: Math.sqrt(squares / count) });
    }
  }
  return { seconds: (performance.now() - started) / 1000 };
};
