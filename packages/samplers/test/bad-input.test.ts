/** What cannot work is refused before the first evaluation, in words that say what to do; nothing is left behind. */
import '@tensorflow/tfjs-backend-cpu';
import { isDiffError, key, NumericalError } from '@diff/core';
import { defineModel, PREDICTION_KINDS, type PredictionKind } from '@diff/score';
import { flowMatching, type LinearProcess } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  bogackiShampine,
  ddim,
  dormandPrince,
  dpmAdaptive,
  dpmSolver,
  dpmSolverSde,
  edmStochastic,
  eulerAncestral,
  eulerMaruyama,
  exponentialIntegrator,
  fromSchedulerConfig,
  invert,
  lcm,
  noiseBetween,
  type SampleOptions,
  type Sampler,
  sample,
  sampleInBatches,
  sampleRows,
  trajectory,
  uniPc,
} from '../src/index.ts';
import { EVERY_SAMPLER, PROCESS } from './every-sampler.ts';

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

let evaluations = 0;
const modelOf = (kind: PredictionKind, process: LinearProcess = PROCESS) =>
  defineModel({
    process,
    kind,
    predict: (x) => {
      evaluations++;
      return tf.mul(x, 0.3);
    },
  });
const base = (): SampleOptions => ({
  model: modelOf('data'),
  sampler: ddim(),
  grid: [10, 5, 1],
  shape: [3, 3],
  key: key(1),
});

/** Runs, and wants either numbers or an error of the package before anything was evaluated. */
async function finiteOrRefused(options: SampleOptions): Promise<'finite' | string> {
  evaluations = 0;
  let x: tf.Tensor;
  try {
    x = await sample(options);
  } catch (error) {
    if (!isDiffError(error)) throw error;
    expect(error.name).toBe('DomainError');
    expect(error.message).toMatch(/: .* must .*, got .*\. .*\.$|needs .* > 0, got .*\. .*\.$/);
    expect(evaluations, error.message).toBe(0);
    return error.message;
  }
  expect(Array.from(await x.data()).every(Number.isFinite)).toBe(true);
  x.dispose();
  return 'finite';
}

describe.each(EVERY_SAMPLER.map((e) => [e.sampler.name, e] as const))(
  '%s',
  (_name, { sampler, grid, coupled }) => {
    test.each(PREDICTION_KINDS)(
      'to σ = 0, with a model that predicts %s: numbers or a refusal',
      async (kind) => {
        const times = [...grid.slice(0, -1), 0];
        const outcome = await finiteOrRefused({ ...base(), model: modelOf(kind), sampler, grid: times });
        if (outcome !== 'finite') expect(outcome).toMatch(/σ = 0|sigma must be positive|sigma\(t\) > 0/);
        // The rules that take no score at σ = 0 run to it.
        if (coupled || sampler.name.startsWith('ula')) expect(outcome).not.toBe('finite');
      },
    );

    test.each(PREDICTION_KINDS)(
      'from α = 0, with a model that predicts %s: numbers or a refusal',
      async (kind) => {
        const process = flowMatching();
        const times = grid.map((_, i) => 1 - i / grid.length);
        const outcome = await finiteOrRefused({
          ...base(),
          model: modelOf(kind, process),
          sampler,
          grid: times,
        });
        if (outcome !== 'finite') expect(outcome).toMatch(/α = 0|alpha must be positive|alpha\(t\) > 0/);
      },
    );
  },
);

describe('options that are not what they must be', () => {
  const disposed = tf.ones([3, 3]);
  const held = { int: tf.ones([3, 3], 'int32'), small: tf.ones([3, 2]), scalar: tf.scalar(1) };
  disposed.dispose();
  afterAll(() => tf.dispose(held));

  const cases: readonly (readonly [string, Record<string, unknown>, string])[] = [
    ['a key that is a number', { key: 7 }, 'key must be a key, got 7. Make one with key(seed).'],
    ['a key that is a string', { key: 'seed' }, "key must be a key, got 'seed'."],
    ['no key', { key: undefined }, 'key must be a key, got undefined.'],
    [
      'strings for times',
      { grid: ['10', '5'] },
      "grid must be a list of at least two finite times, got ['10', '5']. Make a grid with",
    ],
    ['a time that is NaN', { grid: [10, Number.NaN] }, 'got [10, NaN].'],
    ['a grid of one time', { grid: [1] }, 'grid must be a list of at least two finite times, got [1].'],
    [
      'ascending times',
      { grid: [1, 2] },
      'grid must be strictly descending, got 1 followed by 2 at index 1.',
    ],
    ['a start beyond T', { grid: [20, 1] }, 'grid must start within (0, T = 10], got 20. Start at T,'],
    ['an end below 0', { grid: [1, -1] }, 'grid must end at a time of at least 0, got -1.'],
    [
      'a shape that is a number',
      { shape: 3 },
      'shape must be the number of rows and then the shape of a row',
    ],
    ['a shape of strings', { shape: ['3', 3] }, "positive integers, got ['3', 3]."],
    ['no rows', { shape: [0, 3] }, 'got [0, 3].'],
    ['a string for firstRow', { firstRow: '1' }, "firstRow must be a non-negative integer, got '1'."],
    [
      'a factory for a sampler',
      { sampler: ddim },
      'sampler must be a sampler, got function ddim. Make one with',
    ],
    [
      'a function for a model',
      { model: () => 1 },
      'model must be a score model { process, kind, predict }, got',
    ],
    [
      'a model of an unknown kind',
      { model: { ...modelOf('data'), kind: 'eps' } },
      'model must be a score model { process, kind, predict }, got an object with keys process, kind,',
    ],
    ['an array for a state', { initial: [[1, 2]] }, 'initial must be a tensor, got [[1, 2]]. Make one with'],
    ['a state that is gone', { initial: disposed }, 'initial must be a tensor, got one that is disposed of.'],
    [
      'a state of whole numbers',
      { initial: held.int },
      'initial must be of type float32, got int32. Use tf.cast().',
    ],
    [
      'a state of another shape',
      { initial: held.small },
      'initial must have the shape of the run, [3, 3], got a tensor of shape [3, 2].',
    ],
    ['an array for a condition', { condition: [1, 2, 3] }, 'condition must be a tensor, got [1, 2, 3].'],
    [
      'one condition for all rows',
      { condition: held.scalar },
      'condition must have one entry for each of the 3 rows, got a tensor of shape [].',
    ],
    ['a number for onStep', { onStep: 3 }, 'onStep must be a function, got 3. Leave it out for none.'],
    ['an object for a signal', { signal: {} }, 'signal must be an AbortSignal, got an object with no keys.'],
  ];

  test.each(cases)('%s', async (_name, wrong, message) => {
    evaluations = 0;
    const options = { ...base(), ...wrong } as SampleOptions;
    const runs: readonly (readonly [string, () => Promise<unknown> | unknown])[] = [
      ['sample', () => sample(options)],
      ['trajectory', () => trajectory(options)],
      ['sampleInBatches', () => sampleInBatches({ ...options, batchSize: 2 })],
      ['sampleRows', () => sampleRows({ ...options, rows: [1, 2, 3] })],
    ];
    for (const [where, run] of runs) {
      if (where === 'sampleRows' && 'firstRow' in wrong) continue;
      if (where === 'sampleInBatches' && 'onStep' in wrong) continue;
      const outcome = (async () => run())();
      await expect(outcome, where).rejects.toThrow(message);
      await expect(outcome).rejects.toThrow(`${where}: `);
      await expect(outcome).rejects.toSatisfy(isDiffError);
    }
    expect(evaluations).toBe(0);
  });

  test('no options at all', async () => {
    await expect(sample(undefined as never)).rejects.toThrow(
      'sample: options must be an object { model, sampler, grid, shape, key }, got undefined.',
    );
    expect(() => trajectory(null as never)).toThrow('trajectory: options must be an object');
  });
});

test('options of samplers that are strings, of no order, or no tolerance', () => {
  const refused = (make: () => unknown, message: string): void => expect(make).toThrow(message);
  refused(() => dpmSolver({ order: 4 as never }), 'dpmSolver: order must be 1, 2 or 3, got 4. Use 2.');
  refused(() => dpmSolver({ order: '2' as never }), "dpmSolver: order must be 1, 2 or 3, got '2'.");
  refused(
    () => dormandPrince({ relativeTolerance: 0 }),
    'dormandPrince: relativeTolerance must be a finite number',
  );
  refused(() => dormandPrince({ relativeTolerance: 0 }), 'above 0, got 0. Try 1e-4');
  refused(() => bogackiShampine({ absoluteTolerance: '1e-3' as never }), "above 0, got '1e-3'.");
  refused(() => dormandPrince({ maximumAttempts: 0 }), 'maximumAttempts must be a positive integer, got 0');
  refused(() => dpmAdaptive({ relativeTolerance: -1 }), 'dpmAdaptive: ');
  refused(
    () => dpmAdaptive({ norm: 'rows' as never }),
    "dpmAdaptive: norm must be one of 'row', 'batch', got 'rows'.",
  );
  refused(
    () => dpmAdaptive({ integral: '1' as never }),
    "dpmAdaptive: integral must be a finite number, got '1'.",
  );
  refused(
    () => noiseBetween({ level: -1 }),
    'noiseBetween: level must be a finite number of at least 0, got -1.',
  );
  refused(() => ddim({ eta: '0' as never }), "ddim: eta must lie in [0, 1], got '0'.");
  refused(
    () => eulerMaruyama({ noiseLevel: '1' as never }),
    'eulerMaruyama: noiseLevel must be a finite number',
  );
  refused(() => eulerAncestral({ eta: Number.NaN }), 'eulerAncestral: ');
  refused(() => edmStochastic({ churn: -1 }), 'edmStochastic: ');
  refused(() => dpmSolverSde({ eta: '1' as never }), 'dpmSolverSde: ');
  refused(
    () => uniPc({ uncorrected: null as never }),
    'uniPc: uncorrected must be a non-negative integer, got null.',
  );
  refused(
    () => uniPc({ uncorrected: [0, '1' as never] }),
    "uncorrected must be a non-negative integer, got '1'.",
  );
  refused(
    () => lcm({ boundary: 5 as never }),
    'lcm: boundary must be a function of t that gives { skip, out }, got 5. Leave it out',
  );
  refused(
    () => fromSchedulerConfig({ _class_name: 'DDIMScheduler' }, { steps: 5 }).model({} as never),
    'DDIMScheduler: model() must get the network as a function (x, timestep, condition) => tensor, got an object with no keys.',
  );
  refused(
    () => exponentialIntegrator({ hold: 'x0' as never }),
    "hold must be one of 'score', 'noise', 'data', got 'x0'",
  );
});

describe('a run that cannot go on', () => {
  /** Nothing but noise: no step is small enough. */
  const rough = defineModel({
    process: PROCESS,
    kind: 'noise',
    name: 'rough',
    predict: (x, t) => tf.tidy(() => tf.mul(tf.sin(tf.mul(tf.add(x, Number(t)), 1e5)), 1e3)),
  });

  test.each([
    [
      dormandPrince({ maximumAttempts: 30 }),
      /dormandPrince: .* at t = [\d.]+ in step 1 of 1, got an inner step of [\d.e-]+ in σ\/α with an error of [\d.e+]+ tolerances/,
    ],
    [
      bogackiShampine({ maximumAttempts: 30 }),
      /bogackiShampine: .* at t = [\d.]+ in step 1 of 1, got an inner step of/,
    ],
    [dpmAdaptive({ maximumAttempts: 30 }), /dpmAdaptive: .* at t = [\d.]+ in step 1 of 1, got/],
  ] as readonly (readonly [Sampler, RegExp])[])(
    '$name says at what time and step size',
    async (sampler, message) => {
      const run = sample({ ...base(), model: rough, sampler, grid: [10, 0.1] });
      await expect(run).rejects.toThrow(message);
      await expect(run).rejects.toThrow(NumericalError);
    },
  );

  test('an inversion says so, too', async () => {
    const x0 = tf.ones([2, 2]);
    const wrong = invert({
      model: rough,
      sampler: ddim(),
      grid: [10, 1],
      x0,
      method: 'implicit',
      iterations: 5,
    });
    await expect(wrong).rejects.toThrow(
      /invert: the fixed-point iteration must converge to 0.000001, got a residual of .* after 5 iterations at t = 10, going to 1\./,
    );
    x0.dispose();
  });
});
