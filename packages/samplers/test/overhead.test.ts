/**
 * What a step costs beyond the model: evaluations and combines counted, no number read back from the device, and memory
 * that is the same after ten steps and after ten thousand.
 */
import '@tensorflow/tfjs-backend-cpu';
import { fold, key } from '@diff/core';
import { defineModel } from '@diff/score';
import { edm, logSnrGrid } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  ddim,
  ddpm,
  deis,
  dpm2,
  dpm2Ancestral,
  dpmSolver,
  dpmSolver2sAncestral,
  dpmSolverSde,
  edmStochastic,
  eulerAncestral,
  eulerMaruyama,
  exponentialIntegrator,
  heun,
  ipndm,
  lcm,
  lms,
  midpoint,
  plms,
  pndm,
  probabilityFlow,
  reverseDiffusion,
  rungeKutta4,
  type Sampler,
  sample,
  saSolver,
  tcd,
  uniPc,
} from '../src/index.ts';

const combine = vi.hoisted(() => ({ calls: 0 }));
vi.mock('@diff/core', async (original) => {
  const actual = await original<typeof import('@diff/core')>();
  const counted: typeof actual.combine = (...args) => {
    combine.calls++;
    return actual.combine(...args);
  };
  return { ...actual, combine: counted };
});

beforeAll(async () => {
  await tf.setBackend('cpu');
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** One evaluation a step, the multistep ones after their start. */
const SINGLE: readonly Sampler[] = [
  ddim(),
  ddim({ eta: 0.5 }),
  ddpm(),
  eulerAncestral(),
  eulerMaruyama(),
  eulerMaruyama({ exactNoise: true }),
  ...(['score', 'noise', 'data'] as const).map((hold) => exponentialIntegrator({ hold })),
  probabilityFlow({ hold: 'score' }),
  reverseDiffusion(),
  lcm(),
  tcd(),
  ...([1, 2, 3] as const).flatMap((order) => [
    dpmSolver({ order }),
    dpmSolver({ order, hold: 'noise' }),
    dpmSolver({ order, noiseLevel: 1 }),
    uniPc({ order }),
    deis({ order }),
  ]),
  saSolver(),
  saSolver({ noiseLevel: 0, predictorOrder: 3, correctorOrder: 3 }),
  ipndm(),
  lms(),
  plms(),
  pndm(),
];
const STAGED: readonly Sampler[] = [
  heun(),
  midpoint(),
  rungeKutta4(),
  dpm2(),
  dpm2Ancestral(),
  dpmSolver2sAncestral(),
  dpmSolverSde(),
  dpmSolver({ order: 3, multistep: false }),
  edmStochastic({ churn: 3 }),
];

const process = edm({ T: 20 });
const evaluations = { calls: 0 };
/** N(0, I); reads nothing back. */
const model = defineModel({
  process,
  kind: 'data',
  predict: (x, t) => {
    evaluations.calls++;
    return tf.tidy(() => tf.div(x, 1 + Number(t) ** 2));
  },
});
const gridOf = (steps: number): readonly number[] => logSnrGrid({ process, steps, end: 0.1 });

/** The steps alone, without the driver and what it watches. */
async function walk(
  sampler: Sampler,
  steps: number,
  onStep: (index: number) => void = () => undefined,
): Promise<void> {
  const grid = gridOf(steps);
  const history = new Map<string, unknown>();
  let x: tf.Tensor = tf.tensor2d([[15], [-4]]);
  for (let index = 0; index < steps; index++) {
    const predictions: tf.Tensor[] = [];
    const reached = await sampler.step({
      process,
      kind: model.kind,
      grid,
      x,
      t: grid[index]!,
      next: grid[index + 1]!,
      index,
      steps,
      key: fold(key(0), index + 1),
      firstRow: 0,
      history,
      predict: async (at, t) => {
        const prediction = await model.predict(at, t);
        predictions.push(prediction);
        return prediction;
      },
    });
    x.dispose();
    tf.dispose(predictions);
    x = reached;
    onStep(index);
  }
  tf.dispose([x, ...history.values()] as tf.TensorContainer);
}

describe('one evaluation and at most two combines a step', () => {
  test.each(SINGLE.map((sampler, i) => [`${i} ${sampler.name}`, sampler] as const))(
    '%s',
    async (_name, sampler) => {
      const START = 4;
      let [predicts, combines] = [0, 0];
      await walk(sampler, 16, (index) => {
        if (index >= START) {
          expect(evaluations.calls - predicts).toBe(1);
          expect(combine.calls - combines).toBeGreaterThanOrEqual(1);
          expect(combine.calls - combines).toBeLessThanOrEqual(2);
        }
        [predicts, combines] = [evaluations.calls, combine.calls];
      });
    },
  );
});

describe('no host round trip', () => {
  const spies = (): (() => number) => {
    const all = [
      ...(['data', 'dataSync', 'array', 'arraySync'] as const).map((name) =>
        vi.spyOn(tf.Tensor.prototype, name),
      ),
      ...(['read', 'readSync'] as const).map((name) => vi.spyOn(tf.backend(), name)),
    ];
    return () => all.reduce((sum, spy) => sum + spy.mock.calls.length, 0);
  };

  test.each([...SINGLE, ...STAGED].map((sampler, i) => [`${i} ${sampler.name}`, sampler] as const))(
    '%s',
    async (_name, sampler) => {
      const reads = spies();
      await walk(sampler, 12);
      expect(reads()).toBe(0);
    },
  );

  test('the spies see a read', async () => {
    const reads = spies();
    const x = tf.scalar(1);
    await x.data();
    x.dispose();
    expect(reads()).toBeGreaterThan(0);
  });

  test('the driver reads sums in batches, and never waits for one in place', async () => {
    const synchronous = [
      vi.spyOn(tf.Tensor.prototype, 'dataSync'),
      vi.spyOn(tf.Tensor.prototype, 'arraySync'),
    ];
    const asynchronous = vi.spyOn(tf.Tensor.prototype, 'data');
    const start = performance.now();
    const x = await sample({ model, sampler: ddim(), grid: gridOf(400), shape: [2, 1], key: key(1) });
    x.dispose();
    for (const spy of synchronous) expect(spy).not.toHaveBeenCalled();
    // Eight sums travel together, or what there is after a tenth of a second; one journey at the end.
    const most = 400 / 8 + (performance.now() - start) / 100 + 2;
    expect(asynchronous.mock.calls.length).toBeLessThanOrEqual(most);
  });
});

describe('memory from 10 to 10,000 steps', () => {
  const highWater = async (sampler: Sampler, steps: number): Promise<{ tensors: number; bytes: number }> => {
    const before = tf.memory();
    let [tensors, bytes] = [0, 0];
    const x = await sample({
      model,
      sampler,
      grid: gridOf(steps),
      shape: [2, 1],
      key: key(1),
      onStep: () => {
        const now = tf.memory();
        tensors = Math.max(tensors, now.numTensors - before.numTensors);
        bytes = Math.max(bytes, now.numBytes - before.numBytes);
      },
    });
    x.dispose();
    expect(tf.memory().numTensors).toBe(before.numTensors);
    return { tensors, bytes };
  };
  const some: readonly Sampler[] = [
    ddim(),
    eulerMaruyama(),
    dpmSolver({ order: 3, noiseLevel: 1 }),
    uniPc({ order: 3 }),
    lms(),
    pndm(),
  ];
  test.each(some.map((sampler) => [sampler.name, sampler] as const))(
    '%s',
    async (_name, sampler) => {
      const few = await highWater(sampler, 10);
      const many = await highWater(sampler, 10_000);
      // Sums that travel to the host: at most two batches of eight, however long the run, and one tensor each way.
      expect(many.tensors).toBeLessThanOrEqual(few.tensors + 20);
      expect(many.bytes).toBeLessThanOrEqual(few.bytes + 20 * 32);
    },
    120_000,
  );
});
