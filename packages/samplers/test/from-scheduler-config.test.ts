/** `fromSchedulerConfig`: networks, changes of the data prediction, memory and errors. */
import '@tensorflow/tfjs-backend-cpu';
import { fold, key } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { fromSchedulerConfig, sample } from '../src/index.ts';
import { deviation, latents, noise, problem } from './golden.ts';
import { forget, record } from './recorded-noise.ts';
import { beta, flow, plain, sampled } from './scheduler-runs.ts';

vi.mock('@diff/core', async (original) =>
  (await import('./recorded-noise.ts')).recordedCore(await original<typeof import('@diff/core')>()),
);

beforeEach(async () => {
  forget();
  await tf.setBackend('cpu');
});

/** The exact noise of the Gaussian problem seen through x = a x₀ + s ε. */
function noiseOf(a: number, s: number, x: tf.Tensor): tf.Tensor {
  const { means, stds } = problem('P1');
  return tf.mul(s / ((a * stds[0]!) ** 2 + s * s), tf.sub(x, a * means[0]![0]!));
}

/** ᾱ of a table at whole timesteps, and ς linear between them, as the library interpolates. */
function levelAt(timestep: number): number {
  let bar = 1;
  const levels = Array.from({ length: 1000 }, (_, i) => {
    bar *= 1 - (Math.sqrt(0.00085) + (i / 999) * (Math.sqrt(0.012) - Math.sqrt(0.00085))) ** 2;
    return Math.sqrt((1 - bar) / bar);
  });
  const low = Math.min(998, Math.floor(timestep));
  return levels[low]! + (timestep - low) * (levels[low + 1]! - levels[low]!);
}

/** Networks as trained for that library: their input is what training gave them. */
const NETWORKS = {
  epsilon: (x: tf.Tensor, timestep: number) => {
    const level = levelAt(timestep);
    const a = 1 / Math.hypot(1, level);
    return noiseOf(a, level * a, x);
  },
  v_prediction: (x: tf.Tensor, timestep: number) => {
    const level = levelAt(timestep);
    const a = 1 / Math.hypot(1, level);
    const noise = noiseOf(a, level * a, x);
    // v = a ε − s x₀ with x₀ = (x − s ε)/a
    return tf.sub(tf.div(noise, a), tf.mul(level, x));
  },
  edm: (x: tf.Tensor, timestep: number, sign = 1) => {
    const sigma = Math.exp(4 * timestep);
    const root = Math.hypot(sigma, 0.5);
    const state = tf.mul(x, root);
    const data = tf.sub(state, tf.mul(sigma, noiseOf(1, sigma, state)));
    return tf.mul(sign / ((sigma * 0.5) / root), tf.sub(data, tf.mul((0.5 / root) ** 2, state)));
  },
  flow: (x: tf.Tensor, timestep: number) => {
    const sigma = timestep / 1000;
    const noise = noiseOf(1 - sigma, sigma, x);
    if (sigma === 1) return tf.sub(noise, problem('P1').means[0]![0]!);
    return tf.sub(noise, tf.div(tf.sub(x, tf.mul(sigma, noise)), 1 - sigma));
  },
};

describe('model(network)', () => {
  const networks: readonly (readonly [string, keyof typeof NETWORKS, Record<string, unknown>])[] = [
    ['DDIMScheduler', 'epsilon', { ...plain }],
    ['DDIMScheduler', 'v_prediction', { ...plain, prediction_type: 'v_prediction' }],
    ['DPMSolverMultistepScheduler', 'epsilon', { ...plain }],
    ['EulerDiscreteScheduler', 'epsilon', { ...plain }],
    ['EulerDiscreteScheduler', 'v_prediction', { ...plain, prediction_type: 'v_prediction' }],
    ['HeunDiscreteScheduler', 'epsilon', { ...beta }],
    ['LMSDiscreteScheduler', 'v_prediction', { ...beta, prediction_type: 'v_prediction' }],
    ['EDMEulerScheduler', 'edm', {}],
    ['EDMDPMSolverMultistepScheduler', 'edm', {}],
    ['FlowMatchEulerDiscreteScheduler', 'flow', { shift: 3 }],
    ['FlowMatchHeunDiscreteScheduler', 'flow', {}],
    ['UniPCMultistepScheduler', 'flow', { ...flow }],
  ];

  test.each(networks)('asks a network for %s, %s %j, as it was trained', async (scheduler, name, config) => {
    for (const compat of ['diffusers', undefined] as const) {
      const run = fromSchedulerConfig(
        { _class_name: scheduler, ...config },
        { steps: 10, ...(compat && { compat }) },
      );
      const initial = tf.tensor2d(latents('P1', run.initialStd));
      const { sampler, grid } = run;
      const model = run.model((x, timestep) => tf.tidy(() => NETWORKS[name](x, timestep)));
      const x = await sample({ model, sampler, grid, shape: initial.shape, key: key(0), initial });
      const exact = await (await sampled(run, 'P1', initial)).array();
      const { worst } = await deviation(x, exact as number[][]);
      // Rounded timesteps of UniPC's flow, and levels between timesteps, which the library and the process fill in
      // differently, make the rest.
      const rounded =
        name === 'flow' && scheduler.startsWith('UniPC') && compat ? 5e-3 : compat ? 3e-5 : 2e-3;
      expect(worst).toBeLessThan(rounded);
    }
  });

  test('starts sample with noise of the right size, and leaves no tensor behind', async () => {
    const run = fromSchedulerConfig(
      { _class_name: 'EulerDiscreteScheduler', ...beta },
      { steps: 4, compat: 'diffusers' },
    );
    expect(run.process.prior.std).toBe(run.initialStd);
    record(fold(key(0), 0), latents('P1'));
    const before = tf.memory().numTensors;
    const model = run.model((x, timestep) => tf.tidy(() => NETWORKS.epsilon(x, timestep)));
    const x = await sample({ model, sampler: run.sampler, grid: run.grid, shape: [4, 1], key: key(0) });
    expect(tf.memory().numTensors).toBe(before + 1);
    const given = tf.tensor2d(latents('P1', run.initialStd));
    const again = await sample({
      model,
      sampler: run.sampler,
      grid: run.grid,
      shape: [4, 1],
      key: key(0),
      initial: given,
    });
    const { worst } = await deviation(x, (await again.array()) as number[][]);
    expect(worst).toBeLessThan(1e-5);
  });
});

describe('clip_sample and thresholding', () => {
  const base = { _class_name: 'DDIMScheduler', ...plain };
  const at = async (config: Record<string, unknown>, compat?: 'diffusers'): Promise<number[]> => {
    const run = fromSchedulerConfig(config, { steps: 10, ...(compat && { compat }) });
    return Array.from(await (await sampled(run, 'P2', tf.tensor2d(latents('P2')))).data());
  };

  test('a range that holds all data changes nothing', async () => {
    const free = await at(base);
    const wide = await at({ ...base, clip_sample: true, clip_sample_range: 100 });
    wide.forEach((v, i) => {
      expect(v).toBeCloseTo(free[i]!, 5);
    });
  });

  test.each(['DDIMScheduler', 'DDPMScheduler', 'LCMScheduler', 'HeunDiscreteScheduler'])(
    '%s clips the data that it ends on',
    async (scheduler) => {
      for (const compat of [undefined, 'diffusers'] as const) {
        for (let i = 0; i < 10; i++) record(fold(key(0), i + 1), noise('P2', i));
        const config = { ...base, _class_name: scheduler, clip_sample: true, clip_sample_range: 0.25 };
        const x = await at(config, compat);
        const largest = Math.max(...x.map(Math.abs));
        // LCM ends on out·x̂0 + skip·x.
        if (scheduler !== 'LCMScheduler') expect(largest).toBeLessThanOrEqual(0.25 + 1e-6);
        expect(
          Math.max(...(await at({ ...config, clip_sample: false }, compat)).map(Math.abs)),
        ).toBeGreaterThan(0.5);
        expect(largest).toBeLessThan(0.5);
      }
    },
  );

  test.each([
    'DDIMScheduler',
    'DPMSolverMultistepScheduler',
    'UniPCMultistepScheduler',
    'SASolverScheduler',
    'EDMDPMSolverMultistepScheduler',
  ])('%s thresholds as clipping to 1 where sample_max_value is 1', async (scheduler) => {
    for (let i = 0; i < 10; i++) record(fold(key(0), i + 1), noise('P2', i));
    const x = await at({ ...plain, _class_name: scheduler, thresholding: true });
    expect(Math.max(...x.map(Math.abs))).toBeLessThanOrEqual(1.1);
    const clipped = await at({ ...base, clip_sample: true });
    if (scheduler === 'DDIMScheduler')
      x.forEach((v, i) => {
        expect(v).toBeCloseTo(clipped[i]!, 5);
      });
  });
});

describe('memory', () => {
  test.each([
    ['DDIMScheduler', { clip_sample: true }],
    ['DDIMScheduler', { thresholding: true, dynamic_thresholding_ratio: 0.6, sample_max_value: 3 }],
    ['DDIMInverseScheduler', { clip_sample: true }],
    ['PNDMScheduler', {}],
    ['HeunDiscreteScheduler', { clip_sample: true }],
    ['DPMSolverSinglestepScheduler', { solver_order: 3, thresholding: true }],
    ['FlowMatchHeunDiscreteScheduler', {}],
    ['IPNDMScheduler', {}],
  ] as const)('%s %j leaves no tensor behind', async (scheduler, config) => {
    for (const compat of [undefined, 'diffusers'] as const) {
      const all = { _class_name: scheduler, ...beta, ...config };
      const run = fromSchedulerConfig(all, { steps: 6, ...(compat && { compat }) });
      const initial = tf.tensor2d(latents('P2'));
      const before = tf.memory().numTensors;
      const x = await sampled(run, 'P2', initial);
      expect(tf.memory().numTensors).toBe(before + 1);
      x.dispose();
      const asked = await sample({
        model: run.model((state) => tf.mul(state, 0.5)),
        sampler: run.sampler,
        grid: run.grid,
        shape: initial.shape,
        key: key(0),
        initial,
      });
      expect(tf.memory().numTensors).toBe(before + 1);
      tf.dispose([asked, initial]);
    }
  });
});

describe('errors', () => {
  const ddim = { _class_name: 'DDIMScheduler' };
  const message = (config: unknown, options: unknown = { steps: 10 }): string => {
    try {
      fromSchedulerConfig(config as string, options as { steps: number });
    } catch (error) {
      return error instanceof Error ? `${error.name} ${error.message}` : 'no error';
    }
    return 'nothing thrown';
  };

  test.each([
    [42, 'FormatError fromSchedulerConfig: the config must be a plain object or JSON text, got 42.'],
    ['{', 'FormatError fromSchedulerConfig: the config must be JSON, got text that is not'],
    ['[]', 'the config must be a plain object or JSON text'],
    [Object.create(ddim), 'the config must be a plain object'],
    [
      {},
      '_class_name must be one of CosineDPMSolverMultistepScheduler, DDIMInverseScheduler, DDIMParallelScheduler, DDIMScheduler',
    ],
    [{ _class_name: 'ScoreSdeVeScheduler' }, "UniPCMultistepScheduler, got 'ScoreSdeVeScheduler'."],
    [{ _class_name: 'constructor' }, "got 'constructor'."],
    [
      '{"_class_name":"DDIMScheduler","__proto__":{"eta":1}}',
      "options that are known, got '__proto__'. Those of this class are beta_end, beta_schedule",
    ],
    [{ ...ddim, constructor: 1 }, "options that are known, got 'constructor'"],
    [{ ...ddim, beta_strat: 1 }, "got 'beta_strat'"],
    [
      { ...ddim, beta_start: '0.1' },
      "DDIMScheduler.beta_start must be a number of at least 0 and at most 1, got '0.1'. Correct the config",
    ],
    [{ ...ddim, clip_sample: 'yes' }, "clip_sample must be true or false, got 'yes'"],
    [
      { ...ddim, num_train_timesteps: 10.5 },
      'num_train_timesteps must be an integer of at least 1, got 10.5',
    ],
    [{ ...ddim, num_train_timesteps: 1e9 }, 'num_train_timesteps must be at most 1000000, got 1000000000'],
    ['{"_class_name":"EDMEulerScheduler","sigma_max":Infinity}', 'sigma_max must be a number of at least'],
    [
      { ...ddim, beta_schedule: 'cosine' },
      "beta_schedule must be one of 'linear', 'scaled_linear', 'squaredcos_cap_v2', got 'cosine'",
    ],
    [{ ...ddim, trained_betas: [0.1, 'x'] }, 'trained_betas must be a list of numbers'],
    [
      { ...ddim, trained_betas: [0.1, 0.2] },
      'trained_betas must be num_train_timesteps = 1000 numbers in (0, 1), got 2 numbers',
    ],
    [
      { _class_name: 'DPMSolverMultistepScheduler', algorithm_type: 'dpmsolver' },
      "DomainError fromSchedulerConfig: DPMSolverMultistepScheduler: final_sigmas_type must be 'sigma_min' with algorithm_type 'dpmsolver', got 'zero'",
    ],
    [
      { _class_name: 'EulerDiscreteScheduler', use_karras_sigmas: true, use_beta_sigmas: true },
      'at most one of the use_…_sigmas may be true, got use_karras_sigmas and use_beta_sigmas',
    ],
    [
      { _class_name: 'DPMSolverMultistepScheduler', solver_order: 4 },
      'solver_order must be 1, 2 or 3, got 4',
    ],
    [
      { _class_name: 'DDPMScheduler', variance_type: 'learned' },
      "variance_type must be one of 'fixed_small'",
    ],
    [
      { _class_name: 'EDMEulerScheduler', sigma_min: 2, sigma_max: 1 },
      'sigma_min must be below sigma_max, got 2 and 1',
    ],
    [
      { _class_name: 'FlowMatchEulerDiscreteScheduler', use_dynamic_shifting: true },
      'mu must be given with use_dynamic_shifting, got none',
    ],
  ])('%j', (config, expected) => {
    expect(message(config)).toContain(expected);
  });

  test.each([
    [{}, 'steps must be a positive integer, got undefined'],
    [{ steps: 0 }, 'steps must be a positive integer, got 0'],
    [{ steps: 10, compat: 'comfy' }, "compat must be one of 'diffusers', got 'comfy'"],
    [
      { steps: 10, mu: 1 },
      "DDIMScheduler takes the options steps, compat, eta, use_clipped_model_output, got 'mu'",
    ],
    [{ steps: 10, eta: 1.5 }, 'eta must lie in [0, 1], got 1.5'],
    [{ steps: 10, eta: 'a' }, "eta must be a number, got 'a'"],
    [{ steps: 2000 }, "'leading' must stay within the 1000 trained steps, got steps = 2000"],
  ])('options %j', (options, expected) => {
    expect(message(ddim, options)).toContain(expected);
  });

  test.each([
    [{ timesteps: [1, 2] }, 'must be lists of descending numbers of at least 0'],
    [
      { timesteps: [1000, 2] },
      'timesteps must be numbers of at most num_train_timesteps − 1 = 999, got 1000, 2',
    ],
    [{ timesteps: [9, 2], steps: 3 }, 'steps must be left out or be the 2 of the list, got 3'],
  ])('lists %j', (options, expected) => {
    expect(message({ _class_name: 'DPMSolverMultistepScheduler' }, options)).toContain(expected);
  });

  test('what others put into Object.prototype is no option', () => {
    Object.defineProperty(Object.prototype, 'clip_sample_range', { value: 'polluted', configurable: true });
    try {
      expect(message(ddim)).toBe('nothing thrown');
    } finally {
      Reflect.deleteProperty(Object.prototype, 'clip_sample_range');
    }
  });

  test('a config that leaves no step says so', () => {
    const config = { _class_name: 'EDMEulerScheduler', final_sigmas_type: 'sigma_min' };
    expect(message(config, { steps: 1 })).toContain('the timesteps must leave at least one step, got none');
  });

  test('text with what Python writes for infinity is read, and options of other classes are listed', () => {
    const text =
      '{"_class_name": "DPMSolverMultistepScheduler", "_diffusers_version": "0.30.0", "lambda_min_clipped": -Infinity, "trained_betas": null, "set_alpha_to_one": false, "clip_sample": false}';
    const run = fromSchedulerConfig(text, { steps: 5 });
    expect(run.ignored).toEqual(['set_alpha_to_one', 'clip_sample']);
    expect(run.timesteps).toEqual([999, 799, 599, 400, 200]);
    expect(Object.isFrozen(run)).toBe(true);
  });
});
