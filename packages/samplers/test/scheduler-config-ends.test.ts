/**
 * What no recorded run covers: chains with zero terminal SNR, whose last level is put back to 2⁻²⁴; the Laplace schedule;
 * timesteps of one's own on a shifted flow; the least sigma of a flow; options that a library's step does not look at; and
 * runs of one, two, three and very many steps of every class. Oracles are the formulas themselves, in float64.
 */
import { key } from '@diff/core';
import { rescaleToZeroTerminalSnr } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, test } from 'vitest';
import { fromSchedulerConfig, type SchedulerRun, sample } from '../src/index.ts';
import { gaussianModel } from './affine-law.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const data = { mean: 0.3, variance: 0.5 };

async function run(plan: SchedulerRun, initial: tf.Tensor): Promise<number[]> {
  const { process, sampler, grid, kind } = plan;
  const model = gaussianModel(process, data, kind);
  const x = await sample({ model, sampler, grid, shape: initial.shape, key: key(1), initial });
  const values = [...(await x.data())];
  x.dispose();
  return values;
}

/** ς of the chain β from 0.0001 to 0.02, rescaled, with 2⁻²⁴ for its last ᾱ. */
function zeroSnrLevels(): number[] {
  const betas = Array.from({ length: 1000 }, (_, i) => 1e-4 + (0.0199 * i) / 999);
  let product = 1;
  const bars = rescaleToZeroTerminalSnr(betas).map((beta) => {
    product *= 1 - beta;
    return product;
  });
  bars[999] = 2 ** -24;
  return bars.map((bar) => Math.sqrt((1 - bar) / bar));
}

const ZERO_SNR = {
  rescale_betas_zero_snr: true,
  prediction_type: 'v_prediction',
  timestep_spacing: 'trailing',
};

describe('zero terminal SNR, of which schedulers in sigmas keep 2⁻²⁴', () => {
  const levels = zeroSnrLevels();
  const indices = [999, 899, 799, 699, 599, 499, 399, 299, 199, 99];

  test('the last level is below the one before', () => {
    expect(levels[999]).toBeLessThan(levels[998]!);
  });

  test.each([
    'DPMSolverMultistepScheduler',
    'UniPCMultistepScheduler',
    'EulerDiscreteScheduler',
    'EulerAncestralDiscreteScheduler',
  ])('%s has the lists of that library, and runs', async (_class_name) => {
    const initial = tf.tensor2d([[0.4], [-1.1]]);
    for (const compat of [undefined, 'diffusers'] as const) {
      const plan = fromSchedulerConfig(
        { _class_name, ...ZERO_SNR },
        { steps: 10, ...(compat && { compat }) },
      );
      expect(plan.timesteps).toEqual(indices);
      const expected = [...indices.map((i) => levels[i]!), 0];
      for (const [i, sigma] of plan.sigmas!.entries()) {
        expect(Math.abs(sigma - expected[i]!)).toBeLessThanOrEqual(1e-9 * Math.max(1, expected[i]!));
      }
      const start = tf.mul(initial, plan.initialStd);
      for (const value of await run(plan, start)) expect(Math.abs(value)).toBeLessThan(5);
      start.dispose();
    }
    initial.dispose();
  });

  test('Karras levels begin at the last timestep', () => {
    const config = { _class_name: 'EulerDiscreteScheduler', ...ZERO_SNR, use_karras_sigmas: true };
    const plan = fromSchedulerConfig(config, { steps: 10, compat: 'diffusers' });
    expect([plan.timesteps[0], plan.sigmas![0]]).toEqual([999, levels[999]]);
  });

  test('Euler steps through them as its formula says', async () => {
    const config = { _class_name: 'EulerDiscreteScheduler', ...ZERO_SNR };
    const plan = fromSchedulerConfig(config, { steps: 10, compat: 'diffusers' });
    const z = [0.4, -1.1];
    const expected = z.map((start) => {
      let x = start * levels[999]!;
      for (const [k, index] of indices.entries()) {
        const [s, next] = [levels[index]!, k === 9 ? 0 : levels[indices[k + 1]!]!];
        x += ((next - s) * s * (x - data.mean)) / (data.variance + s * s);
      }
      return x;
    });
    const initial = tf.tensor2d(z.map((v) => [v * plan.initialStd]));
    const got = await run(plan, initial);
    initial.dispose();
    for (const [i, value] of got.entries()) expect(Math.abs(value - expected[i]!)).toBeLessThan(2e-4);
  });

  test('DDIM inverse says that it cannot with compat', () => {
    const config = { ...ZERO_SNR, _class_name: 'DDIMInverseScheduler' };
    expect(() => fromSchedulerConfig(config, { steps: 10, compat: 'diffusers' })).toThrow(
      'fromSchedulerConfig: DDIMInverseScheduler: the timesteps must have signal with compat, got rescale_betas_zero_snr and timestep 999. Leave compat out, or take another timestep_spacing.',
    );
  });
});

test('the Laplace schedule of DDPM: ᾱ is the quotient of its ᾱ(u)', () => {
  const config = { _class_name: 'DDPMScheduler', beta_schedule: 'laplace' };
  const { process } = fromSchedulerConfig(config, { steps: 10 });
  const bar = (u: number): number => {
    const snr = Math.exp(-0.5 * Math.sign(0.5 - u || 1) * Math.log(1 - 2 * Math.abs(0.5 - u) + 1e-6));
    return Math.sqrt(snr / (1 + snr));
  };
  for (const t of [1, 2, 100, 499, 500, 501, 900, 999, 1000]) {
    expect(Math.abs(process.alpha(t) ** 2 / (bar(t / 1000) / bar(0)) - 1)).toBeLessThan(1e-9);
  }
  expect(() => fromSchedulerConfig({ ...config, _class_name: 'DDIMScheduler' }, { steps: 10 })).toThrow(
    "DDIMScheduler.beta_schedule must be one of 'linear', 'scaled_linear', 'squaredcos_cap_v2', got 'laplace'",
  );
});

test('timesteps of one’s own on a shifted flow: the network is told them, the state is at the shifted sigmas', async () => {
  const config = { _class_name: 'FlowMatchEulerDiscreteScheduler', shift: 3 };
  const timesteps = [1000, 700, 300];
  const shifted = timesteps.map((t) => (3 * t) / 1000 / (1 + (2 * t) / 1000));
  const asked: number[] = [];
  for (const [compat, told] of [
    ['diffusers', timesteps],
    [undefined, shifted.map((s) => 1000 * s)],
  ] as const) {
    const plan = fromSchedulerConfig(config, { timesteps, ...(compat && { compat }) });
    for (const [i, sigma] of plan.sigmas!.entries()) expect(sigma).toBeCloseTo([...shifted, 0][i]!, 12);
    for (const [i, t] of plan.timesteps.entries()) expect(t).toBeCloseTo(told[i]!, 9);
    asked.length = 0;
    const model = plan.model((x, timestep) => {
      asked.push(timestep);
      return tf.zerosLike(x);
    });
    const { sampler, grid } = plan;
    (await sample({ model, sampler, grid, shape: [1, 2], key: key(1) })).dispose();
    for (const [i, t] of told.entries()) expect(asked[i]).toBeCloseTo(t, 9);
  }
});

test.each(['DPMSolverMultistepScheduler', 'DPMSolverSinglestepScheduler'])(
  '%s on a flow with final sigma_min ends at the least level of the table, taken for a sigma',
  (_class_name) => {
    const config = {
      _class_name,
      use_flow_sigmas: true,
      prediction_type: 'flow_prediction',
      final_sigmas_type: 'sigma_min',
    };
    const { sigmas } = fromSchedulerConfig(config, { steps: 8, compat: 'diffusers' });
    expect(sigmas!.at(-1)).toBeCloseTo(Math.sqrt(1e-4 / (1 - 1e-4)), 12);
  },
);

test('TCD with compat neither clips nor thresholds, as that library does not', async () => {
  const config = { _class_name: 'TCDScheduler', prediction_type: 'epsilon' };
  const initial = tf.tensor2d([[2.4], [-2.1]]);
  const results = await Promise.all(
    [{}, { clip_sample: true, clip_sample_range: 0.1 }, { thresholding: true }].map((more) =>
      run(fromSchedulerConfig({ ...config, ...more }, { steps: 4, eta: 0, compat: 'diffusers' }), initial),
    ),
  );
  expect(results[1]).toEqual(results[0]);
  expect(results[2]).toEqual(results[0]);
  const clipped = { ...config, clip_sample: true, clip_sample_range: 0.1 };
  expect(await run(fromSchedulerConfig(clipped, { steps: 4, eta: 0 }), initial)).not.toEqual(results[0]);
  initial.dispose();
});

const CLASSES = [
  ['CosineDPMSolverMultistep', 1000],
  ['DDIM', 1000],
  ['DDPM', 1000],
  ['DEISMultistep', 999],
  ['DPMSolverMultistep', 999],
  ['DPMSolverSDE', 1000],
  ['DPMSolverSinglestep', 999],
  ['EDMDPMSolverMultistep', 1000],
  ['EDMEuler', 1000],
  ['EulerAncestralDiscrete', 1000],
  ['EulerDiscrete', 1000],
  ['FlowMatchEulerDiscrete', 1000],
  ['FlowMatchHeunDiscrete', 1000],
  ['HeunDiscrete', 1000],
  ['IPNDM', 1000],
  ['KDPM2AncestralDiscrete', 1000],
  ['KDPM2Discrete', 1000],
  ['LCM', 50],
  ['LMSDiscrete', 1000],
  ['PNDM', 1000],
  ['SASolver', 999],
  ['TCD', 50],
  ['UniPCMultistep', 999],
] as const;

describe.each(CLASSES)('%sScheduler', (name, most) => {
  test.each([undefined, 'diffusers'] as const)('in 1, 2, 3 and very many steps, %s', async (compat) => {
    const initial = tf.tensor2d([[0.4], [-1.1]]);
    const config = {
      _class_name: `${name}Scheduler`,
      ...(name === 'PNDM' && { skip_prk_steps: true, timestep_spacing: 'trailing' }),
    };
    for (const steps of [1, 2, 3, most]) {
      const plan = fromSchedulerConfig(config, { steps, ...(compat && { compat }) });
      const start = tf.mul(initial, plan.initialStd);
      const values = await run(plan, start);
      start.dispose();
      // Every one of them ends near the data in many steps, and nowhere is a number that is none.
      for (const value of values) expect(Number.isFinite(value)).toBe(true);
      if (steps === most) for (const value of values) expect(Math.abs(value - data.mean)).toBeLessThan(5);
    }
    initial.dispose();
  });
});
