/**
 * `fromSchedulerConfig` without compat: the methods themselves. Deterministic runs go to the exact end of the probability
 * flow as steps are added, and where the library has no quirk its recorded numbers come out.
 */
import '@tensorflow/tfjs-backend-cpu';
import { fold, key } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { fromSchedulerConfig, type SchedulerRun } from '../src/index.ts';
import { caseTitle, type DiffusersCase, diffusersCases, requestOf } from './diffusers-cases.ts';
import { deviation, latents, noise, problem } from './golden.ts';
import { forget, record } from './recorded-noise.ts';
import { flow, plain, sampled, toMin } from './scheduler-runs.ts';

vi.mock('@diff/core', async (original) =>
  (await import('./recorded-noise.ts')).recordedCore(await original<typeof import('@diff/core')>()),
);

beforeEach(async () => {
  forget();
  await tf.setBackend('cpu');
});

/** Largest distance from the exact end of the probability flow from `initial`, on the Gaussian problem. */
async function flowError(run: SchedulerRun): Promise<number> {
  const { means, stds } = problem('P1');
  const { process, grid } = run;
  const initial = tf.tensor2d(latents('P1', run.initialStd));
  const [from, to] = [grid[0]!, grid.at(-1)!].map((t) => ({
    mean: process.alpha(t) * means[0]![0]!,
    std: Math.hypot(process.alpha(t) * stds[0]!, process.sigma(t)),
  }));
  const exact = Array.from(initial.dataSync(), (x) => to!.mean + (to!.std / from!.std) * (x - from!.mean));
  const x = await sampled(run, 'P1', initial);
  return Math.max(...Array.from(await x.data(), (v, i) => Math.abs(v - exact[i]!)));
}

/**
 * Deterministic classes, with the order that shows: a last step to σ = 0 from a level that the table, not the number of
 * steps, sets is of first order, and so are all steps of grids that are coarse in λ at the end.
 */
const DETERMINISTIC: readonly (readonly [
  scheduler: string,
  order: number,
  config?: Record<string, unknown>,
])[] = [
  ['DDIMScheduler', 1, { ...plain }],
  ['DDIMScheduler', 1, { ...plain, set_alpha_to_one: false, prediction_type: 'v_prediction' }],
  ['DDIMScheduler', 1, { ...plain, rescale_betas_zero_snr: true, prediction_type: 'v_prediction' }],
  ['DDIMInverseScheduler', 1, { ...plain }],
  ['DDIMInverseScheduler', 1, { ...plain, set_alpha_to_one: false }],
  ['PNDMScheduler', 1.5, { ...plain, skip_prk_steps: true }],
  ['PNDMScheduler', 1.5, { ...plain }],
  ['DPMSolverMultistepScheduler', 1, { ...plain, lower_order_final: false }],
  ['DPMSolverMultistepScheduler', 2, { ...toMin, use_karras_sigmas: true }],
  [
    'DPMSolverMultistepScheduler',
    2,
    { ...toMin, use_lu_lambdas: true, solver_order: 3, solver_type: 'heun' },
  ],
  ['DPMSolverMultistepScheduler', 1, { ...toMin, use_exponential_sigmas: true, solver_order: 1 }],
  ['DPMSolverMultistepScheduler', 2, { ...toMin, use_karras_sigmas: true, algorithm_type: 'dpmsolver' }],
  ['DPMSolverMultistepScheduler', 1.5, { ...flow }],
  ['DPMSolverSinglestepScheduler', 2, { ...toMin }],
  ['UniPCMultistepScheduler', 2, { ...toMin, use_karras_sigmas: true }],
  ['UniPCMultistepScheduler', 2, { ...flow }],
  ['DEISMultistepScheduler', 2, { ...plain, use_karras_sigmas: true }],
  ['SASolverScheduler', 2, { ...plain, use_karras_sigmas: true, tau_func: 'zero' }],
  [
    'SASolverScheduler',
    2,
    { ...plain, use_karras_sigmas: true, tau_func: 'zero', predictor_order: 4, corrector_order: 4 },
  ],
  ['EulerDiscreteScheduler', 1, { ...plain }],
  ['EulerDiscreteScheduler', 1, { ...plain, prediction_type: 'v_prediction', use_karras_sigmas: true }],
  ['EulerDiscreteScheduler', 1, { ...plain, interpolation_type: 'log_linear' }],
  ['EulerDiscreteScheduler', 1, { ...toMin, use_beta_sigmas: true }],
  ['HeunDiscreteScheduler', 2, { ...plain, use_karras_sigmas: true }],
  ['KDPM2DiscreteScheduler', 1.5, { ...plain, use_karras_sigmas: true }],
  ['LMSDiscreteScheduler', 3, { ...plain, use_karras_sigmas: true }],
  ['EDMEulerScheduler', 1],
  ['EDMEulerScheduler', 1, { sigma_schedule: 'exponential', final_sigmas_type: 'sigma_min' }],
  ['EDMDPMSolverMultistepScheduler', 2],
  ['EDMDPMSolverMultistepScheduler', 3, { solver_order: 3, prediction_type: 'v_prediction' }],
  ['FlowMatchEulerDiscreteScheduler', 1, { shift: 3 }],
  ['FlowMatchEulerDiscreteScheduler', 1, { invert_sigmas: true }],
  ['FlowMatchHeunDiscreteScheduler', 2, { shift: 3 }],
  ['IPNDMScheduler', 1.5],
];

describe('the mathematics of deterministic schedulers', () => {
  const title = ([name, order, config]: (typeof DETERMINISTIC)[number]): string =>
    `${name} ${JSON.stringify(config ?? {}).replaceAll('"', '')} falls with order ${order}`;

  test.each(DETERMINISTIC.map((c) => [title(c), c] as const))('%s', async (_title, [name, order, config]) => {
    const error = async (steps: number): Promise<number> =>
      flowError(fromSchedulerConfig({ _class_name: name, ...config }, { steps }));
    const [coarse, fine] = [await error(20), await error(80)];
    expect(fine).toBeLessThan(0.1);
    expect(fine).toBeLessThan(coarse / 4 ** (order - 0.3));
  });
});

/** Is the library's run on this case the method itself? */
function agrees({ scheduler, config = {}, step_kwargs = {}, n }: DiffusersCase): boolean {
  const {
    solver_order: order = 2,
    timestep_spacing: spacing = 'leading',
    final_sigmas_type: final = 'zero',
  } = config;
  // σ up to 2·10⁴ leaves float32 few digits.
  if (config.beta_schedule === 'squaredcos_cap_v2') return false;
  switch (scheduler) {
    case 'DDIMScheduler':
    case 'PNDMScheduler':
      return (
        spacing === 'leading' && 1000 % n === 0 && !config.clip_sample && config.prediction_type === 'epsilon'
      );
    case 'DDPMScheduler':
      return config.variance_type !== 'fixed_large' || spacing === 'leading';
    case 'DPMSolverMultistepScheduler':
      return order !== 3;
    case 'EDMDPMSolverMultistepScheduler':
      return order !== 3 && final === 'zero';
    case 'DEISMultistepScheduler':
      return !config.use_karras_sigmas;
    case 'EulerDiscreteScheduler':
    case 'EDMEulerScheduler':
      return (
        step_kwargs.s_churn === undefined &&
        final === 'zero' &&
        spacing !== 'trailing' &&
        config.interpolation_type !== 'log_linear' &&
        !(spacing === 'leading' && placed(config))
      );
    case 'HeunDiscreteScheduler':
    case 'KDPM2DiscreteScheduler':
    case 'LMSDiscreteScheduler':
      return !(placed(config) && spacing !== 'linspace');
    case 'FlowMatchEulerDiscreteScheduler':
      return config.shift === undefined || config.shift === 1;
    case 'DPMSolverSinglestepScheduler':
    case 'EulerAncestralDiscreteScheduler':
    case 'KDPM2AncestralDiscreteScheduler':
    case 'LCMScheduler':
    case 'SASolverScheduler':
      return true;
    case 'UniPCMultistepScheduler':
      // Its straight line starts at 1 − 10⁻⁶.
      return !config.use_flow_sigmas;
    default:
      return false;
  }
}

const placed = (config: Readonly<Record<string, unknown>>): boolean =>
  config.use_karras_sigmas === true ||
  config.use_exponential_sigmas === true ||
  config.use_beta_sigmas === true;

describe('where the library has no quirk, the mathematics gives its numbers', () => {
  const FILES = [
    'diffusers-ddim-ddpm-pndm-lcm',
    'diffusers-dpmsolver',
    'diffusers-unipc-deis-sa',
    'diffusers-k-diffusion',
    'diffusers-edm-flow',
  ];
  const cases = FILES.flatMap(diffusersCases).filter((c) => agrees(c) && c.problem === 'P2');

  test('is asked of 349 cases', () => {
    expect(cases).toHaveLength(349);
  });

  test.each(cases.map((c, i) => [caseTitle(c, i), c] as const))('%s', async (_title, c) => {
    const { config, options } = requestOf(c);
    const run = fromSchedulerConfig(config, options);
    for (let i = 0; i < (c.noise_used ?? 0); i++) record(fold(key(0), i + 1), noise(c.problem, i));
    // The k-diffusion schedulers carry x/α, here it is x.
    const scale = run.process.type === 'vp' ? run.process.alpha(run.grid[0]!) : 1;
    const k = /Euler|Heun|KDPM2|LMS/.test(c.scheduler) ? (c.init ?? 1) * scale : (c.init ?? 1);
    const x = await sampled(run, c.problem, tf.tensor2d(latents(c.problem, k)));
    const { worst, allowed } = await deviation(x, c.x_0, c.gap);
    expect(worst).toBeLessThanOrEqual(allowed);
  });
});
