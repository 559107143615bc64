/**
 * Steps that evaluate many times (adaptive steps, correctors, restarts) and steps that come after something else moved the
 * state: memory does not grow with the evaluations of a step, a run can be cancelled within one, and a multistep method
 * with a corrector of its own keeps what another corrector has done.
 */
import { key } from '@diff/core';
import { defineModel } from '@diff/score';
import { edm, logSnrGrid } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { describe, expect, test } from 'vitest';
import {
  adaptiveSde,
  annealed,
  type Corrector,
  ddim,
  dormandPrince,
  dpmAdaptive,
  dpmSolver,
  dpum,
  edmStochastic,
  heun,
  heunPlusPlus,
  langevinCorrector,
  lms,
  malaCorrector,
  predictorCorrector,
  refreshCorrector,
  restart,
  type Sampler,
  sample,
  saSolver,
  ula,
  underdampedLangevinCorrector,
  uniPc,
} from '../src/index.ts';
import { gaussianModel, marginal } from './affine-law.ts';
import { expectNoLeaks } from './driver-run.ts';

const leaks = expectNoLeaks();
const process = edm({ T: 10 });
const data = { mean: 0, variance: 0.25 };
const exact = gaussianModel(process, data, 'data');

/** log p_t up to a constant. */
const logDensity = (x: tf.Tensor, t: number): tf.Tensor =>
  tf.tidy(() => tf.mul(tf.sum(tf.square(x), 1), -0.5 / marginal(process, data, t).variance));

/** Samplers of one grid step with about so many evaluations in it. */
const MANY: readonly (readonly [string, (count: number) => Sampler, readonly number[]])[] = (
  [
    ['ula', (steps) => ula({ stepSize: 0.01, steps })],
    ['dpum', (n) => dpum({ predictorSteps: n, correctorSteps: n, stepSize: 0.01 })],
    ['refresh', (steps) => annealed({ corrector: refreshCorrector({ share: 0.1, steps }) })],
    ['underdamped', (steps) => annealed({ corrector: underdampedLangevinCorrector({ steps }) })],
    ['mala', (steps) => annealed({ corrector: malaCorrector({ logDensity, steps }) })],
    [
      'signal to noise',
      (steps) => annealed({ corrector: langevinCorrector({ signalToNoise: 0.1, norms: 'row', steps }) }),
    ],
    [
      'restart',
      (steps) => restart({ sampler: heun(), intervals: [{ from: 0.5, upTo: 5, iterations: 2, steps }] }),
    ],
    [
      'dormandPrince',
      (n) =>
        dormandPrince({ relativeTolerance: n > 50 ? 1e-6 : 1e-2, absoluteTolerance: n > 50 ? 1e-6 : 1e-2 }),
      [10, 0.05],
    ],
    [
      'dpmAdaptive',
      (n) => dpmAdaptive({ relativeTolerance: n > 50 ? 1e-6 : 0.5, absoluteTolerance: n > 50 ? 1e-6 : 0.5 }),
      [10, 0.05],
    ],
    [
      'adaptiveSde',
      (n) => adaptiveSde({ relativeTolerance: n > 50 ? 0.01 : 0.5, absoluteTolerance: n > 50 ? 0.01 : 0.5 }),
      [10, 0.05],
    ],
  ] as readonly (readonly [string, (count: number) => Sampler, (readonly number[])?])[]
).map(([name, make, grid = [10, 0.5]]) => [name, make, grid]);

describe('many evaluations within one step', () => {
  test.each(MANY)('%s: memory does not grow with them', async (_name, make, grid) => {
    const run = async (count: number): Promise<{ evaluations: number; most: number }> => {
      let [evaluations, most] = [0, 0];
      const model = {
        ...exact,
        predict: (x: tf.Tensor, t: number | tf.Tensor1D): tf.Tensor | Promise<tf.Tensor> => {
          evaluations++;
          most = Math.max(most, tf.memory().numTensors - leaks.tensors());
          return exact.predict(x, t);
        },
      };
      const x = await sample({ model, sampler: make(count), grid, shape: [4, 2], key: key(1) });
      x.dispose();
      return { evaluations, most };
    };
    const [few, many] = [await run(4), await run(100)];
    expect(many.evaluations).toBeGreaterThan(3 * few.evaluations);
    // Up to eight sums are on their way to the host, and as many wait for company.
    expect(many.most).toBeLessThanOrEqual(few.most + 8);
  });

  test.each(MANY)('%s: a timer can cancel it', async (_name, make, grid) => {
    const controller = new AbortController();
    let evaluations = 0;
    const model = defineModel({
      process,
      kind: 'data',
      async predict(x, t) {
        if (evaluations++ === 0) setTimeout(() => controller.abort(new Error('enough')), 1);
        const until = performance.now() + 4;
        while (performance.now() < until);
        return exact.predict(x, t);
      },
    });
    const run = { model, sampler: make(100), grid, shape: [4, 2], key: key(1), signal: controller.signal };
    await expect(sample(run)).rejects.toThrow('enough');
    expect(evaluations).toBeLessThan(12);
  });
});

describe('a state that a corrector moved', () => {
  const grid = logSnrGrid({ process, steps: 40, end: 0.05 });
  const at = 12;
  /** Moves every state by 0.3 at one time. */
  const shift: Corrector = {
    name: 'shift',
    nfe: 0,
    correct: async ({ x, t }) => (t === grid[at] ? tf.add(x, 0.3) : tf.clone(x)),
  };
  const end = async (predictor: Sampler, corrector: Corrector | undefined): Promise<number> => {
    const sampler = corrector ? predictorCorrector({ predictor, corrector }) : predictor;
    const x = await sample({ model: exact, sampler, grid, shape: [1, 1], key: key(2) });
    const [value] = await x.data();
    x.dispose();
    return value!;
  };

  test.each(
    [
      uniPc(),
      uniPc({ order: 3 }),
      uniPc({ hold: 'noise' }),
      saSolver({ noiseLevel: 0 }),
      saSolver({ noiseLevel: 0, predictorOrder: 3, correctorOrder: 3 }),
      dpmSolver(),
      lms(),
      ddim(),
    ].map((s) => [s.name, s] as const),
  )('%s goes on from there', async (_name, predictor) => {
    const moved = (await end(predictor, shift)) - (await end(predictor, undefined));
    // The flow of a Gaussian is linear: √(v_end/v_t).
    const along = Math.sqrt(
      marginal(process, data, grid.at(-1)!).variance / marginal(process, data, grid[at]!).variance,
    );
    expect(moved / (0.3 * along)).toBeCloseTo(1, 0.7);
  });

  test('and one that stays is what the method alone makes of it', async () => {
    const still: Corrector = { name: 'still', nfe: 0, correct: async ({ x }) => tf.clone(x) };
    expect(await end(uniPc(), still)).toBe(await end(uniPc(), undefined));
  });
});

test('churn needs a solver that does not remember', async () => {
  const grid = logSnrGrid({ process, steps: 8, end: 0.05 });
  for (const solver of [dpmSolver(), uniPc(), lms({ order: 2 })]) {
    const sampler = edmStochastic({ churn: 4, solver });
    await expect(sample({ model: exact, sampler, grid, shape: [2, 1], key: key(3) })).rejects.toThrow(
      `edmStochastic: solver must be a sampler whose steps do not depend on earlier ones, from which the raised state has moved away, got ${solver.name}. Use for example heunInTime() or rungeKutta4().`,
    );
  }
});

test('restarts of a sampler that saves evaluations at its end count all of them', async () => {
  const grid = logSnrGrid({ process, steps: 8, end: 0.05 });
  const intervals = [{ from: 0.5, upTo: 5, iterations: 2, steps: 3 }];
  const sampler = restart({ sampler: heunPlusPlus(), intervals });
  let nfe = 0;
  const onStep = (report: { nfe: number }): void => {
    nfe = report.nfe;
  };
  const x = await sample({ model: exact, sampler, grid, shape: [2, 1], key: key(3), onStep });
  x.dispose();
  expect(nfe).toBeLessThanOrEqual(sampler.nfe(8));
});
