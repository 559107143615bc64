/** The driver: what it checks, counts, reports, keeps and frees. */
import '@tensorflow/tfjs-backend-cpu';
import { DomainError, isDiffError, key, NumericalError, ShapeError } from '@diff/core';
import { defineModel, type ScoreModel } from '@diff/score';
import {
  canonicalOu,
  edm,
  fromAlphaSigma,
  type LinearProcess,
  uniformGrid,
  variancePreserving,
} from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
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
  sample,
  trajectory,
  ula,
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

const process: LinearProcess = edm({ T: 10 });
/** N(0, I): E[x₀ | x] = x/(1 + σ²). */
const gaussian = (options: Partial<Parameters<typeof defineModel>[0]> = {}): ScoreModel =>
  defineModel({
    process,
    kind: 'data',
    name: 'gaussian',
    predict: (x, t) => tf.tidy(() => tf.div(x, 1 + Number(t) ** 2)),
    ...options,
  });
const grid = [10, 5, 2, 1, 0.5, 0.2, 0];
const base = (): SampleOptions => ({ model: gaussian(), sampler: ddim(), grid, shape: [5, 2], key: key(1) });
const positive = grid.slice(0, -1);

/** Each sampler with its evaluations and combines in a run of `steps` steps that ends above 0. */
const SAMPLERS: readonly (readonly [Sampler, nfe: (n: number) => number, combines: (n: number) => number])[] =
  [
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

async function values(x: tf.Tensor): Promise<Float32Array> {
  const data = (await x.data()) as Float32Array;
  x.dispose();
  return data;
}

describe('counts', () => {
  test.each(SAMPLERS.map(([s, nfe, combines]) => [s.name, s, nfe, combines] as const))(
    '%s: evaluations, combines and memory',
    async (_name, sampler, nfe, combines) => {
      const steps = positive.length - 1;
      let evaluations = 0;
      const seen: number[] = [];
      const model = gaussian({
        predict: (x, t) => {
          evaluations++;
          return tf.tidy(() => tf.div(x, 1 + Number(t) ** 2));
        },
      });
      combine.calls = 0;
      let nfeReported = 0;
      const x = await sample({
        ...base(),
        model,
        sampler,
        grid: positive,
        onStep: (report) => {
          seen.push(tf.memory().numTensors);
          nfeReported = report.nfe;
        },
      });
      x.dispose();
      expect(evaluations).toBe(nfe(steps));
      expect(nfeReported).toBe(evaluations);
      expect(sampler.nfe(steps)).toBe(evaluations);
      expect(combine.calls).toBe(combines(steps));
      // x, two tensors of history, and at most 8 scalars on their way to the host.
      expect(Math.max(...seen) - tensors).toBeLessThanOrEqual(3 + 10 * (nfe(steps) / steps));
    },
  );

  test('memory does not grow with the number of steps', async () => {
    const peak = async (steps: number): Promise<number> => {
      let most = 0;
      const times = uniformGrid({ process, steps, end: 0.1 });
      const x = await sample({
        ...base(),
        sampler: dpmSolver(),
        grid: times,
        onStep: () => {
          most = Math.max(most, tf.memory().numTensors - tensors);
        },
      });
      x.dispose();
      return most;
    };
    expect(await peak(400)).toBeLessThanOrEqual((await peak(50)) + 1);
  });

  test('heun saves one evaluation in a last step to 0', async () => {
    let nfe = 0;
    const sampler = heun();
    const onStep = (report: { nfe: number }): void => {
      nfe = report.nfe;
    };
    const x = await sample({ ...base(), sampler, onStep });
    x.dispose();
    expect(nfe).toBe(2 * 6 - 1);
  });
});

describe('reports', () => {
  test('onStep sees every step, and the run waits for it', async () => {
    const log: unknown[] = [];
    let pending = false;
    const x = await sample({
      ...base(),
      onStep: async ({ x, ...rest }) => {
        expect(pending).toBe(false);
        pending = true;
        await new Promise((resolve) => setTimeout(resolve, 2));
        expect(x.shape).toEqual([5, 2]);
        log.push(rest);
        pending = false;
      },
    });
    x.dispose();
    expect(log).toEqual(
      grid.slice(1).map((next, i) => ({ step: i + 1, steps: 6, t: grid[i], next, nfe: i + 1 })),
    );
  });

  test('trajectory yields the initial noise and every state; the last is what sample returns', async () => {
    const points: { t: number; step: number; nfe: number; x: number[] }[] = [];
    for await (const { x, ...rest } of trajectory(base())) {
      points.push({ ...rest, x: Array.from(await x.data()) });
    }
    expect(points.map((p) => p.t)).toEqual(grid);
    expect(points.map((p) => p.step)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(points.at(-1)!.x).toEqual(Array.from(await values(await sample(base()))));
  });

  test('breaking out of a trajectory frees it, and an unused one never allocates', async () => {
    for await (const { step } of trajectory({ ...base(), sampler: dpmSolver() })) if (step === 3) break;
    trajectory(base());
  });

  test('conditions reach the model row by row', async () => {
    const labels = tf.tensor1d([0, 1, 2, 3, 4], 'int32');
    const model = gaussian({
      predict: (x, _t, condition) =>
        tf.tidy(() => tf.mul(tf.onesLike(x), tf.reshape(tf.cast(condition!, 'float32'), [5, 1]))),
    });
    const x = await values(await sample({ ...base(), model, condition: labels }));
    labels.dispose();
    expect(Array.from(x)).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4]); // the last step returns x̂0
  });

  test('a step of the sampler starts at the given initial state, which stays alive', async () => {
    const initial = tf.ones([5, 2]);
    const seen: number[][] = [];
    for await (const { x } of trajectory({ ...base(), initial })) seen.push(Array.from(await x.data()));
    expect(seen[0]).toEqual(new Array(10).fill(1));
    expect(initial.isDisposed).toBe(false);
    initial.dispose();
  });
});

describe('independence', () => {
  const vp = variancePreserving();
  const model = gaussian({
    process: vp,
    kind: 'noise',
    predict: (x, t) => tf.tidy(() => tf.mul(tf.sin(x), vp.sigma(Number(t)))),
  });
  const times = uniformGrid({ process: vp, steps: 6, end: 1e-3 });
  const pieces = async (sampler: Sampler, sizes: readonly number[]): Promise<number[]> => {
    const out: number[] = [];
    let firstRow = 0;
    for (const n of sizes) {
      const run = { model, sampler, grid: times, shape: [n, 3], key: key(9), firstRow };
      out.push(...(await values(await sample(run))));
      firstRow += n;
    }
    return out;
  };
  const equal = (parts: number): number[] =>
    Array.from(
      { length: parts },
      (_, i) => Math.floor(((i + 1) * 100) / parts) - Math.floor((i * 100) / parts),
    );

  test.each([
    ...SAMPLERS.map(([s]) => [s.name, s] as const),
    [
      'langevin by row norms',
      predictorCorrector({ predictor: ddim(), corrector: langevinCorrector({ signalToNoise: 0.1 }) }),
    ] as const,
  ])('%s: 100 rows in 1, 7 and 100 pieces are the same bits', async (_name, sampler) => {
    const whole = await pieces(sampler, [100]);
    expect(await pieces(sampler, equal(7))).toEqual(whole);
    expect(await pieces(sampler, equal(100))).toEqual(whole);
  });

  test('1,000 rows in 1, 7 and 1,000 pieces', async () => {
    const cut = (parts: number): number[] =>
      Array.from(
        { length: parts },
        (_, i) => Math.floor(((i + 1) * 1000) / parts) - Math.floor((i * 1000) / parts),
      );
    const whole = await pieces(ddpm(), [1000]);
    expect(await pieces(ddpm(), cut(7))).toEqual(whole);
    expect(await pieces(ddpm(), cut(1000))).toEqual(whole);
  });

  test('norms over the batch couple the rows: that is what the option says', async () => {
    const corrector = langevinCorrector({ signalToNoise: 0.1, norms: 'batch' });
    const sampler = predictorCorrector({ predictor: ddim(), corrector });
    expect(await pieces(sampler, equal(7))).not.toEqual(await pieces(sampler, [100]));
  });

  test('one sampler object serves two runs at once', async () => {
    const sampler = dpmSolver();
    const run = (seed: number): SampleOptions => ({
      model,
      sampler,
      grid: times,
      shape: [20, 3],
      key: key(seed),
    });
    const alone = [await values(await sample(run(1))), await values(await sample(run(2)))];
    const [a, b] = [trajectory(run(1)), trajectory(run(2))];
    const together: Float32Array[] = [];
    for (let step = 0; step <= 6; step++) {
      for (const [i, states] of [a, b].entries()) {
        const { value } = await states.next();
        if (step === 6 && value) together[i] = (await value.x.data()) as Float32Array;
      }
    }
    await a.return();
    await b.return();
    expect(together).toEqual(alone);
  });

  test('another key gives other samples, the same key the same', async () => {
    const [one, again, other] = [key(1), key(1), key(2)].map((k) => sample({ ...base(), key: k }));
    const first = await values(await one!);
    expect(await values(await again!)).toEqual(first);
    expect(await values(await other!)).not.toEqual(first);
  });
});

describe('runs that end early leave nothing behind', () => {
  test.each(SAMPLERS.map(([s]) => [s.name, s] as const))('%s: abort', async (_name, sampler) => {
    const controller = new AbortController();
    const onStep = ({ step }: { step: number }): void => {
      if (step === 2) controller.abort(new Error('enough'));
    };
    const { signal } = controller;
    await expect(sample({ ...base(), sampler, grid: positive, onStep, signal })).rejects.toThrow('enough');
  });

  test('abort before the start evaluates nothing', async () => {
    const predict = vi.fn();
    const signal = AbortSignal.abort(new Error('never mind'));
    await expect(sample({ ...base(), model: gaussian({ predict }), signal })).rejects.toThrow('never mind');
    expect(predict).not.toHaveBeenCalled();
  });

  test.each(SAMPLERS.map(([s]) => [s.name, s] as const))('%s: predict throws', async (_name, sampler) => {
    for (const failing of [1, 2, 4]) {
      let calls = 0;
      const model = gaussian({
        predict: (x) => {
          if (++calls === failing) throw new Error('out of memory');
          return tf.mul(x, 0.5);
        },
      });
      await expect(sample({ ...base(), model, sampler, grid: positive })).rejects.toThrow('out of memory');
    }
  });

  test('onStep throws', async () => {
    const onStep = (): void => {
      throw new Error('mine');
    };
    await expect(sample({ ...base(), sampler: dpmSolver(), onStep })).rejects.toThrow('mine');
  });

  test('abort between the two evaluations of a step', async () => {
    const controller = new AbortController();
    let calls = 0;
    const model = gaussian({
      predict: (x) => {
        if (++calls === 3) controller.abort(new Error('enough'));
        return tf.mul(x, 0.5);
      },
    });
    const { signal } = controller;
    await expect(sample({ ...base(), model, sampler: heun(), signal })).rejects.toThrow('enough');
    expect(calls).toBe(3);
  });

  test('a prediction may be disposed early, even if the model returned its own input', async () => {
    const sampler: Sampler = {
      ...ddim(),
      step: async ({ x, t, predict }) => {
        tf.dispose(await predict(x, t));
        return tf.mul(x, 0.5);
      },
    };
    const x = await sample({ ...base(), sampler, model: gaussian({ predict: (x) => x }) });
    x.dispose();
  });

  test('a model that returns its own input', async () => {
    const x = await sample({ ...base(), sampler: heun(), model: gaussian({ predict: (x) => x }) });
    x.dispose();
  });
});

describe('values that are not finite', () => {
  const times = Array.from({ length: 41 }, (_, i) => 10 * 0.85 ** i);
  const failing = (at: number, value: number): ScoreModel => {
    let calls = 0;
    return gaussian({
      name: 'broken',
      predict: (x) =>
        tf.tidy(() => {
          if (++calls < at) return tf.mul(x, 0.5);
          const bad = tf.oneHot(tf.tensor1d([3], 'int32'), 10);
          return tf.add(tf.mul(x, 0.5), tf.reshape(tf.where(tf.cast(bad, 'bool'), value, 0), [5, 2]));
        }),
    });
  };

  test.each([1, 2, 9, 20, 40])('NaN from evaluation %i is named with its step and time', async (at) => {
    const run = sample({ ...base(), model: failing(at, Number.NaN), grid: times });
    await expect(run).rejects.toThrow(NumericalError);
    await expect(sample({ ...base(), model: failing(at, Number.NaN), grid: times })).rejects.toThrow(
      `sample: the prediction of model 'broken' must be finite, got a sum of NaN in step ${at} of 40, at t = ${times[at - 1]}.`,
    );
  });

  test('infinity, in the second evaluation of a step', async () => {
    const model = failing(6, Number.POSITIVE_INFINITY);
    await expect(sample({ ...base(), model, sampler: heun(), grid: times })).rejects.toThrow(
      `got a sum of Infinity in step 3 of 40, at t = ${times[3]}.`,
    );
  });

  describe('on a device that is slow to answer', () => {
    let answer: () => void = () => undefined;
    beforeEach(() => {
      const answered = new Promise<void>((resolve) => {
        answer = resolve;
      });
      const data = tf.Tensor.prototype.data;
      vi.spyOn(tf.Tensor.prototype, 'data').mockImplementation(async function (this: tf.Tensor) {
        await answered;
        return data.call(this);
      });
      vi.spyOn(performance, 'now').mockReturnValue(0); // batches of sums go by number, not by time
    });
    afterEach(() => {
      vi.restoreAllMocks();
    });

    test('steps do not wait for the answers, and the error still names the step', async () => {
      let last = 0;
      const onStep = ({ step }: { step: number }): void => {
        last = step;
        if (step === 6) answer(); // a loop that waited would never come here
      };
      const model = failing(2, Number.NaN);
      await expect(sample({ ...base(), model, grid: times, onStep })).rejects.toThrow('in step 2 of 40');
      expect(last).toBeGreaterThanOrEqual(6);
    });

    test('a run that fails waits for its scalars before it frees them', async () => {
      const onStep = ({ step }: { step: number }): void => {
        if (step === 3) throw new Error('mine');
      };
      setTimeout(answer, 5);
      await expect(sample({ ...base(), grid: times, onStep })).rejects.toThrow('mine');
    });
  });

  test('a trajectory names itself, and the run stops soon after the bad step', async () => {
    let last = 0;
    const states = trajectory({ ...base(), model: failing(3, Number.NaN), grid: times });
    const run = async (): Promise<void> => {
      for await (const { step } of states) last = step;
    };
    await expect(run()).rejects.toThrow('trajectory: the prediction of model');
    expect(last).toBeLessThanOrEqual(3 + 16);
  });

  test('a final state that overflows', async () => {
    const sampler: Sampler = { ...ddim(), name: 'mine', step: async ({ x }) => tf.div(x, 0) };
    await expect(sample({ ...base(), sampler, grid: [1, 0] })).rejects.toThrow(
      'sample: the final state must be finite, got a sum of',
    );
  });
});

describe('bad input', () => {
  const cases: readonly (readonly [string, Partial<Record<keyof SampleOptions, unknown>>, string])[] = [
    ['no model', { model: {} }, 'model must be a score model { process, kind, predict }, got an object'],
    ['a bare function as model', { model: () => 0 }, 'model must be a score model'],
    ['an unknown kind', { model: { ...gaussian(), kind: 'epsilon' } }, 'model must be a score model'],
    ['no sampler', { sampler: 'ddim' }, "sampler must be a sampler, got 'ddim'"],
    ['a shape without rows', { shape: [] }, 'shape must be the number of rows and then the shape of a row'],
    ['a shape without a row shape', { shape: [2] }, 'got [2]. Pass for example [1000, 2]'],
    ['no rows', { shape: [0, 2] }, 'got [0, 2]'],
    ['half a row', { shape: [2.5, 2] }, 'got [2.5, 2]'],
    ['another event shape', { model: gaussian({ eventShape: [3] }) }, 'shape must be [n, 3] for this model'],
    ['one time', { grid: [1] }, 'grid must be a list of at least two finite times, got [1]'],
    ['no grid', { grid: undefined }, 'grid must be a list of at least two finite times, got undefined'],
    ['NaN in the grid', { grid: [1, Number.NaN] }, 'two finite times, got [1, NaN]'],
    ['a flat grid', { grid: [1, 0.5, 0.5] }, 'strictly descending, got 0.5 followed by 0.5 at index 2'],
    ['an ascending grid', { grid: [0, 1] }, 'strictly descending, got 0 followed by 1 at index 1'],
    ['a start beyond T', { grid: [11, 1] }, 'grid must start within (0, T = 10], got 11'],
    ['a negative end', { grid: [1, -0.1] }, 'grid must end at a time of at least 0, got -0.1'],
    ['no key', { key: undefined }, 'key must be a key, got undefined. Make one with key(seed)'],
    ['a seed as key', { key: 7 }, 'key must be a key, got 7'],
    ['a negative first row', { firstRow: -1 }, 'firstRow must be a non-negative integer, got -1'],
  ];

  test.each(cases)('%s', async (_name, change, message) => {
    const options = { ...base(), ...change } as SampleOptions;
    const error = await sample(options).catch((e: unknown) => e);
    expect(isDiffError(error)).toBe(true);
    expect(String(error)).toContain(`sample: `);
    expect(String(error)).toContain(message);
    expect(() => trajectory(options)).toThrow(message);
  });

  test('tensors of another shape', async () => {
    const initial = tf.zeros([4, 2]);
    const condition = tf.zeros([4]);
    await expect(sample({ ...base(), initial })).rejects.toThrow(
      'sample: initial must have the shape of the run, [5, 2], got a tensor of shape [4, 2]',
    );
    await expect(sample({ ...base(), condition })).rejects.toThrow(
      'sample: condition must have one entry for each of the 5 rows, got a tensor of shape [4]',
    );
    tf.dispose([initial, condition]);
    const wide = gaussian({ predict: (x) => tf.concat([x, x], 1) });
    await expect(sample({ ...base(), model: wide })).rejects.toThrow(
      "sample: the prediction of model 'gaussian' must have the shape of its input, [5, 2], got a tensor of shape [5, 4]",
    );
    const nothing = gaussian({ predict: (() => undefined) as never });
    await expect(sample({ ...base(), model: nothing })).rejects.toThrow(ShapeError);
  });

  test('formulas that are not defined on the grid are refused before the first evaluation', async () => {
    const predict = vi.fn();
    const annealed = { ...base(), model: gaussian({ predict }), sampler: ula({ stepSize: 0.1 }) };
    await expect(sample(annealed)).rejects.toThrow(
      'ula: sigma must be positive at every time of the grid after the first, got 0 at t = 0',
    );
    await expect(sample(annealed)).rejects.toThrow(DomainError);
    // A straight-line flow starts without signal: α(1) = 0.
    const flow = fromAlphaSigma({ alpha: (t) => 1 - t, sigma: (t) => t, T: 1 });
    const model = gaussian({ predict, process: flow, kind: 'noise' });
    const run = { ...base(), grid: [1, 0.5, 0.1] };
    await expect(sample({ ...run, model })).rejects.toThrow('conversion: data from noise needs alpha(t) > 0');
    const held = exponentialIntegrator({ hold: 'noise' });
    const data = gaussian({ predict, process: flow });
    await expect(sample({ ...run, model: data, sampler: held })).rejects.toThrow(
      "exponentialIntegrator(noise): the step from t = 1 to 0.5 must have finite coefficients, got NaN for 'x'.",
    );
    const langevin = langevinCorrector({ stepSize: 0.1 });
    const corrected = predictorCorrector({ predictor: ddim(), corrector: langevin, first: 'corrector' });
    const huge = langevinCorrector({ stepSize: (t) => (t < 0.2 ? -1 : 1) });
    await expect(
      sample({ ...run, model: data, sampler: predictorCorrector({ predictor: ddim(), corrector: huge }) }),
    ).rejects.toThrow('langevinCorrector: stepSize must be a positive finite number, got -1');
    expect(corrected.nfe(3)).toBe(6);
    expect(predict).not.toHaveBeenCalled();
  });

  test('options of the samplers', () => {
    const bad = (make: () => unknown, message: string): void => expect(make).toThrow(message);
    bad(
      () => eulerMaruyama({ noiseLevel: -1 }),
      'eulerMaruyama: noiseLevel must be a finite number of at least 0, got -1',
    );
    bad(
      () => exponentialIntegrator({ hold: 'data', noiseLevel: Number.NaN }),
      'exponentialIntegrator: noiseLevel must',
    );
    bad(
      () => exponentialIntegrator({ hold: 'velocity' as never }),
      "hold must be one of 'score', 'noise', 'data'",
    );
    bad(() => ddim({ eta: 1.5 }), 'ddim: eta must lie in [0, 1], got 1.5');
    bad(() => ddpm({ variance: 'learned' as never }), "ddpm: variance must be one of 'posterior', 'forward'");
    bad(() => dpmSolver({ order: 4 as never }), 'dpmSolver: order must be 1, 2 or 3, got 4. Use 2.');
    bad(() => dpmSolver({ multistep: 2 as never }), 'dpmSolver: multistep must be true or false, got 2');
    bad(
      () => dpmSolver({ multistep: false, noiseLevel: 1 }),
      'noiseLevel must be 0 for the single-step solver',
    );
    bad(() => dpmSolver({ correction: 'published' }), "correction must be one of 'midpoint', 'taylor'");
    bad(() => dpmSolver({ noiseLevel: -0.5 }), 'dpmSolver: noiseLevel must');
    bad(() => ula({ stepSize: 0 }), 'stepSize must be a positive finite number, got 0');
    bad(() => langevinCorrector({}), 'exactly one of stepSize and signalToNoise must be given, got neither');
    bad(() => langevinCorrector({ stepSize: 1, signalToNoise: 1 }), 'must be given, got both');
    bad(() => langevinCorrector({ stepSize: 0.1, steps: 0 }), 'steps must be a positive integer, got 0');
    bad(() => predictorCorrector({} as never), 'predictor must be a sampler, got undefined');
    bad(
      () => predictorCorrector({ predictor: ddim(), corrector: ddim() as never }),
      'corrector must be a corrector',
    );
  });

  test('a noise level that turns negative on the way', async () => {
    const sampler = eulerMaruyama({ noiseLevel: (t) => t - 1 });
    await expect(sample({ ...base(), sampler })).rejects.toThrow('got -0.5 at t = 0.5');
  });

  test('canonical OU runs to 0 with every sampler that may', async () => {
    const model = defineModel({ process: canonicalOu({ T: 4 }), kind: 'score', predict: (x) => tf.neg(x) });
    for (const [sampler] of SAMPLERS) {
      if (sampler.name === 'ula') continue;
      const x = await sample({ ...base(), model, sampler, grid: [4, 2, 1, 0.5, 0] });
      x.dispose();
    }
  });
});
