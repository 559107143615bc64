/** Inversion: against closed forms and recorded runs, and there and back again. */
import '@tensorflow/tfjs-backend-cpu';
import { key, normal } from '@diff/core';
import { defineModel, gaussian, gaussianMixture, PREDICTION_KINDS, type ScoreModel } from '@diff/score';
import {
  edm,
  fromAlphaSigma,
  karrasGrid,
  type LinearProcess,
  logSnrGrid,
  ornsteinUhlenbeck,
  subVariancePreserving,
  variancePreserving,
} from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  bogackiShampine,
  ddim,
  ddpm,
  dormandPrince,
  dpm2,
  dpmSolver,
  heun,
  invert,
  midpoint,
  probabilityFlow,
  rungeKutta4,
  type Sampler,
  sample,
} from '../src/index.ts';
import { alphaBars, type BetaConfig } from './alpha-bars.ts';
import { exactModel } from './exact-score.ts';
import { deviation, goldenCases, problem, type Rows } from './golden.ts';
import { tableProcess } from './table-process.ts';

let tensors = 0;
beforeAll(async () => {
  await tf.setBackend('cpu');
});
beforeEach(() => {
  tensors = tf.memory().numTensors;
});
/** Every test must leave as many tensors as it found. */
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensors);
});

const ou = ornsteinUhlenbeck({ theta: 1, mu: 0.5, sigma: 1.2, T: 4 });
const mixture = (process: LinearProcess): ScoreModel =>
  gaussianMixture({
    process,
    means: [
      [1.5, 0.2],
      [-1, 1.2],
    ],
    weights: [0.6, 0.4],
    variance: [0.3, 0.2],
  });
async function values(x: tf.Tensor): Promise<number[]> {
  const data = Array.from(await x.data());
  x.dispose();
  return data;
}
const gap = (a: readonly number[], b: readonly number[]): number => {
  const worst = Math.max(...a.map((v, i) => Math.abs(v - b[i]!)));
  expect(worst).not.toBeNaN();
  return worst;
};
/** Largest error of data → noise → data. */
async function roundTrip(
  model: ScoreModel,
  sampler: Sampler,
  grid: readonly number[],
  method: 'explicit' | 'implicit',
): Promise<number> {
  const x0 = normal(key(8), [6, 2]);
  const initial = await invert({ model, sampler, grid, x0, method });
  const again = await sample({ model, sampler, grid, shape: [6, 2], key: key(1), initial });
  initial.dispose();
  return gap(await values(again), await values(x0));
}

describe('on Gaussian data the flow is known: x_T = mean_T + √(var_T/var_δ) (x − mean_δ)', () => {
  test.each(PREDICTION_KINDS)('a model that predicts %s', async (kind) => {
    for (const process of [ou, edm({ T: 10 }), subVariancePreserving()]) {
      const [mean, variance, end] = [[1, -0.5], 0.4, 0.02 * process.T];
      const model = gaussian({ process, mean, variance, kind });
      const grid = logSnrGrid({ process, steps: 60, end });
      const x0 = normal(key(3), [5, 2]);
      const law = (t: number) => ({
        mean: mean.map((m) => process.alpha(t) * m + process.mean(t)),
        deviation: Math.sqrt(process.alpha(t) ** 2 * variance + process.sigma(t) ** 2),
      });
      const [low, high] = [law(end), law(process.T)];
      const data = Array.from(await x0.data());
      const exact = data.map(
        (v, i) => high.mean[i % 2]! + (high.deviation / low.deviation) * (v - low.mean[i % 2]!),
      );
      for (const sampler of [
        rungeKutta4(),
        dormandPrince({ relativeTolerance: 1e-5, absoluteTolerance: 1e-5 }),
      ]) {
        const up = await invert({ model, sampler, grid, x0 });
        expect(gap(await values(up), exact)).toBeLessThan(3e-4 * high.deviation);
      }
      x0.dispose();
    }
  });

  test('from time 0, where the model predicts noise or velocity', async () => {
    for (const kind of ['noise', 'velocity'] as const) {
      const model = gaussian({ process: ou, mean: [0, 0], variance: 1, kind });
      const x0 = tf.tensor2d([[1, -2]]);
      const ratio = Math.sqrt(ou.alpha(4) ** 2 + ou.sigma(4) ** 2);
      const error = async (steps: number): Promise<number> => {
        const grid = [...logSnrGrid({ process: ou, steps, end: 0.001 }), 0];
        const up = await values(await invert({ model, sampler: heun(), grid, x0 }));
        return gap(up, [ou.mean(4) + ratio, ou.mean(4) - 2 * ratio]);
      };
      const [coarse, fine] = [await error(40), await error(80)];
      expect(Math.log2(coarse / fine)).toBeGreaterThan(1.7);
      expect(fine).toBeLessThan(2e-3);
      x0.dispose();
    }
  });
});

describe('diffusers, DDIMInverse', () => {
  // The model is asked at the loop's timestep t about a state that belongs to t − 1000/n, which starts at ᾱ = 1.
  interface Case {
    readonly config: BetaConfig;
    readonly problem: string;
    readonly n: number;
    readonly timesteps: readonly number[];
    readonly x_start: Rows;
    readonly x_end: Rows;
  }

  test.each(goldenCases<Case>('diffusers-ddim-inverse').map((c, i) => [i, c] as const))(
    'case %i',
    async (_i, { config, problem: name, timesteps, x_start, x_end }) => {
      const bars = alphaBars(config);
      const rows = [{ alpha: 1, sigma: 0 }].concat(
        timesteps.map((t) => ({ alpha: Math.sqrt(bars[t]!), sigma: Math.sqrt(1 - bars[t]!) })),
      );
      const process = tableProcess(rows);
      const exact = exactModel(problem(name), process, 'noise');
      const model = defineModel({
        process,
        kind: 'noise',
        predict: (x, t) => exact.predict(x, Number(t) + 1),
      });
      const grid = rows.map((__, i) => rows.length - 1 - i);
      const x0 = tf.tensor2d(x_start as number[][]);
      const up = await invert({ model, sampler: ddim(), grid, x0 });
      const { worst, allowed } = await deviation(up, x_end);
      tf.dispose([up, x0]);
      expect(worst).toBeLessThan(allowed);
    },
  );
});

describe('there and back again', () => {
  const process = edm({ T: 5 });
  const at = (steps: number): readonly number[] => karrasGrid({ process, steps, end: 0.1 });

  // The shorter grid, small enough to be in the asymptotic range and large enough to be above float32 rounding.
  test.each([
    ['ddim', 1, 40, ddim()],
    ['probabilityFlow', 1, 40, probabilityFlow({ hold: 'noise' })],
    ['heun', 2, 16, heun()],
    ['midpoint', 2, 16, midpoint()],
    ['rungeKutta4', 4, 8, rungeKutta4()],
  ] as const)('explicit: %s has error of order %i', async (_name, order, steps, sampler) => {
    expect(sampler.order).toBe(order);
    const model = mixture(process);
    const [coarse, fine] = [
      await roundTrip(model, sampler, at(steps), 'explicit'),
      await roundTrip(model, sampler, at(2 * steps), 'explicit'),
    ];
    expect(Math.log2(coarse / fine)).toBeGreaterThan(order - 0.3);
    expect(fine).toBeGreaterThan(1e-5);
  });

  test.each([
    ['ddim', 8, ddim()],
    ['heun', 8, heun()],
    ['midpoint', 8, midpoint()],
    ['rungeKutta4', 8, rungeKutta4()],
    ['dpm2', 8, dpm2()],
  ] as const)('implicit: %s comes back to float32 from %i steps', async (_name, steps, sampler) => {
    for (const p of [process, ou, variancePreserving()]) {
      const grid = p === process ? at(steps) : logSnrGrid({ process: p, steps, end: 0.05 * p.T });
      const [explicit, implicit] = [
        await roundTrip(mixture(p), sampler, grid, 'explicit'),
        await roundTrip(mixture(p), sampler, grid, 'implicit'),
      ];
      // The tolerance, relative to y = (x − m)/α, in 8 steps; VP has α(T) = 1/150.
      expect(implicit).toBeLessThan(3e-4);
      expect(explicit).toBeGreaterThan(10 * implicit);
    }
  });

  test('explicit, with adaptive steps, to the tolerance', async () => {
    for (const make of [dormandPrince, bogackiShampine]) {
      const sampler = make({ relativeTolerance: 1e-4, absoluteTolerance: 1e-4 });
      expect(await roundTrip(mixture(process), sampler, [5, 0.1], 'explicit')).toBeLessThan(2e-2);
    }
  });
});

describe('the run', () => {
  const grid = [4, 2, 1, 0.5];
  const x0 = (): tf.Tensor => tf.ones([3, 2]);

  test.each(['explicit', 'implicit'] as const)(
    '%s: reports go up in time, with the states there',
    async (method) => {
      const log: [number, number, number, number][] = [];
      const states: number[][] = [];
      const start = x0();
      let most = 0;
      const model = mixture(ou);
      const condition = tf.tensor1d([0, 0, 0], 'int32');
      const seen = new Set<unknown>();
      const watching = defineModel({
        process: ou,
        kind: model.kind,
        predict: (x, t, given) => {
          seen.add(given);
          most = Math.max(most, tf.memory().numTensors - tensors);
          return model.predict(x, t);
        },
      });
      const up = await invert({
        model: watching,
        sampler: ddim(),
        grid,
        x0: start,
        condition,
        method,
        onStep: async ({ step, steps, t, next, x }) => {
          log.push([step, steps, t, next]);
          states.push(Array.from(await x.data()));
        },
      });
      expect(log).toEqual([
        [1, 3, 0.5, 1],
        [2, 3, 1, 2],
        [3, 3, 2, 4],
      ]);
      expect(states.at(-1)).toEqual(await values(up));
      expect([...seen]).toEqual([condition]);
      expect(most).toBeLessThan(40);
      tf.dispose([start, condition]);
    },
  );

  test.each(['explicit', 'implicit'] as const)('%s: leaves nothing behind when it fails', async (method) => {
    const start = x0();
    for (const at of [1, 2, 3]) {
      let calls = 0;
      const model = defineModel({
        process: ou,
        kind: 'noise',
        predict: (x) => {
          if (++calls === at) throw new Error('broken');
          return tf.mul(x, 0.3);
        },
      });
      await expect(invert({ model, sampler: heun(), grid, x0: start, method })).rejects.toThrow('broken');
      const controller = new AbortController();
      const aborting = defineModel({
        process: ou,
        kind: 'noise',
        predict: (x) => {
          if (++calls === at + 4) controller.abort(new Error('enough'));
          return tf.mul(x, 0.3);
        },
      });
      const { signal } = controller;
      await expect(
        invert({ model: aborting, sampler: heun(), grid, x0: start, method, signal }),
      ).rejects.toThrow('enough');
    }
    const itself = defineModel({ process: ou, kind: 'noise', predict: (x) => x });
    (await invert({ model: itself, sampler: ddim(), grid, x0: start, method: 'explicit' })).dispose();
    expect(start.isDisposed).toBe(false);
    start.dispose();
  });

  test('what cannot be inverted is refused in words', async () => {
    const start = x0();
    const good = { model: mixture(ou), sampler: ddim(), grid, x0: start };
    const refused = (options: object, message: string): Promise<void> =>
      expect(invert({ ...good, ...options })).rejects.toThrow(message);
    await refused({ sampler: ddpm() }, 'invert: sampler must be deterministic, got ddpm.');
    await refused({ sampler: {} }, 'invert: sampler must be a sampler, got an object with no keys.');
    await refused({ x0: [1] }, 'invert: x0 must be a tensor of shape [n, …event], got [1].');
    await refused({ method: 'best' }, "invert: method must be one of 'explicit', 'implicit', got 'best'");
    await refused({ tolerance: 0 }, 'invert: tolerance must be a positive finite number, got 0.');
    await refused({ iterations: 0 }, 'invert: iterations must be a positive integer, got 0.');
    await refused({ grid: [1, 2] }, 'invert: grid must be strictly descending');
    await refused(
      { method: 'implicit', sampler: dpmSolver() },
      'invert: an exact inversion needs a sampler whose steps do not depend on earlier ones, got dpmSolver',
    );
    await refused(
      { method: 'implicit', grid: [4, 1, 0] },
      "invert: an exact inversion needs sigma > 0 at the grid's last time, got 0 at t = 0: a step to it forgets where it came from.",
    );
    const flow = fromAlphaSigma({ alpha: (t) => 1 - t, sigma: (t) => t, T: 1 });
    const model = defineModel({ process: flow, kind: 'velocity', predict: (x) => tf.clone(x) });
    await refused(
      { model, grid: [1, 0.5, 0.1] },
      'invert: alpha must be positive at every time of the grid, got 0 at t = 1. Start the grid below that time.',
    );
    await refused(
      { method: 'implicit', iterations: 2 },
      'invert: the fixed-point iteration must converge to 0.000001, got a residual of',
    );
    const nan = defineModel({
      process: ou,
      kind: 'noise',
      name: 'broken',
      predict: (x) => tf.mul(x, Number.NaN),
    });
    await refused({ model: nan }, "invert: the prediction of model 'broken (upwards: σ/α is");
    start.dispose();
  });
});
