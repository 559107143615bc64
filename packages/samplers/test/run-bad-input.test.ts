/** The driver and the factories: what bad input they refuse, and what they say. */
import '@tensorflow/tfjs-backend-cpu';
import { DomainError, isDiffError, ShapeError } from '@diff/core';
import { defineModel } from '@diff/score';
import { canonicalOu, fromAlphaSigma } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test, vi } from 'vitest';
import {
  ddim,
  ddpm,
  dpmSolver,
  eulerMaruyama,
  exponentialIntegrator,
  langevinCorrector,
  predictorCorrector,
  type SampleOptions,
  sample,
  trajectory,
  ula,
} from '../src/index.ts';
import { base, expectNoLeaks, gaussian, SAMPLERS } from './driver-run.ts';

expectNoLeaks();

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
