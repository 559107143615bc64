/**
 * A published `scheduler_config.json` as process, sampler and grid.
 *
 * Each scheduler class of diffusers is a method, a grid and a way to carry the state, under options whose defaults are
 * those of that library (0.40). By default the method is made as its mathematics has it; with `compat: 'diffusers'` the
 * numbers are that library's, where it does otherwise. What that is stands at the top of each reader.
 */
import { DomainError, FormatError, requireInteger, requireOneOf, shown } from '@diff/core';
import { configReader, parseConfig } from './scheduler-config/config-reader.ts';
import { readLcm, readTcd } from './scheduler-config/consistency.ts';
import { readDdim, readDdimInverse } from './scheduler-config/ddim.ts';
import { readDdpm } from './scheduler-config/ddpm.ts';
import { readDpmSolverMultistep, readDpmSolverSinglestep } from './scheduler-config/dpm-solver.ts';
import { readCosineDpmSolver, readEdmDpmSolver, readEdmEuler } from './scheduler-config/edm.ts';
import { readFlowMatchEuler, readFlowMatchHeun } from './scheduler-config/flow-match.ts';
import { readIpndm } from './scheduler-config/ipndm.ts';
import {
  readDpmSolverSde,
  readEuler,
  readEulerAncestral,
  readHeun,
  readKdpm2,
  readKdpm2Ancestral,
  readLms,
} from './scheduler-config/k-diffusion.ts';
import { readDeis, readSaSolver, readUniPc } from './scheduler-config/multistep-solvers.ts';
import { readPndm } from './scheduler-config/pndm.ts';
import type { SchedulerOptions, SchedulerReader } from './scheduler-config/scheduler-options.ts';
import { type SchedulerRun, schedulerRun } from './scheduler-config/scheduler-run.ts';

interface SchedulerClass {
  readonly read: SchedulerReader;
  /** The options that it takes beside `steps` and `compat`. */
  readonly takes?: readonly (keyof SchedulerOptions)[];
}

const CHURN = ['s_churn', 's_tmin', 's_tmax', 's_noise'] as const;

const CLASSES: Readonly<Record<string, SchedulerClass>> = {
  CosineDPMSolverMultistepScheduler: { read: readCosineDpmSolver },
  DDIMInverseScheduler: { read: readDdimInverse },
  DDIMParallelScheduler: { read: readDdim, takes: ['eta', 'use_clipped_model_output'] },
  DDIMScheduler: { read: readDdim, takes: ['eta', 'use_clipped_model_output'] },
  DDPMParallelScheduler: { read: readDdpm, takes: ['timesteps'] },
  DDPMScheduler: { read: readDdpm, takes: ['timesteps'] },
  DEISMultistepScheduler: { read: readDeis, takes: ['mu'] },
  DPMSolverMultistepScheduler: { read: readDpmSolverMultistep, takes: ['mu', 'timesteps'] },
  DPMSolverSDEScheduler: { read: readDpmSolverSde },
  DPMSolverSinglestepScheduler: { read: readDpmSolverSinglestep, takes: ['mu', 'timesteps'] },
  EDMDPMSolverMultistepScheduler: { read: readEdmDpmSolver },
  EDMEulerScheduler: { read: readEdmEuler, takes: CHURN },
  EulerAncestralDiscreteScheduler: { read: readEulerAncestral },
  EulerDiscreteScheduler: { read: readEuler, takes: [...CHURN, 'timesteps'] },
  FlowMatchEulerDiscreteScheduler: { read: readFlowMatchEuler, takes: ['mu', 'sigmas', 'timesteps'] },
  FlowMatchHeunDiscreteScheduler: { read: readFlowMatchHeun },
  HeunDiscreteScheduler: { read: readHeun, takes: ['timesteps'] },
  IPNDMScheduler: { read: readIpndm },
  KDPM2AncestralDiscreteScheduler: { read: readKdpm2Ancestral },
  KDPM2DiscreteScheduler: { read: readKdpm2 },
  LCMScheduler: { read: readLcm, takes: ['timesteps'] },
  LMSDiscreteScheduler: { read: readLms, takes: ['order'] },
  PNDMScheduler: { read: readPndm },
  SASolverScheduler: { read: readSaSolver, takes: ['mu', 'tau'] },
  TCDScheduler: { read: readTcd, takes: ['eta', 'timesteps'] },
  UniPCMultistepScheduler: { read: readUniPc, takes: ['mu'] },
};

const WHERE = 'fromSchedulerConfig';

function checkOptions(name: string, { takes = [] }: SchedulerClass, options: SchedulerOptions): number {
  const known: readonly string[] = ['steps', 'compat', ...takes];
  for (const [option, value] of Object.entries(options)) {
    if (!known.includes(option) && value !== undefined) {
      throw new DomainError(
        `${WHERE}: ${name} takes the options ${known.join(', ')}, got '${option}'. Leave it out.`,
      );
    }
  }
  for (const option of ['eta', 'mu', ...CHURN] as const) {
    const value: unknown = options[option];
    if (value !== undefined && (typeof value !== 'number' || Number.isNaN(value))) {
      throw new DomainError(
        `${WHERE}: ${option} must be a number, got ${shown(value)}. Leave it out for the default.`,
      );
    }
  }
  if (options.eta !== undefined && !(options.eta >= 0 && options.eta <= 1)) {
    throw new DomainError(
      `${WHERE}: eta must lie in [0, 1], got ${options.eta}. Leave it out for the default.`,
    );
  }
  const own = options.timesteps ?? options.sigmas;
  if (options.compat !== undefined) requireOneOf(WHERE, 'compat', options.compat, ['diffusers']);
  if (options.timesteps && options.sigmas) {
    throw new DomainError(
      `${WHERE}: timesteps and sigmas exclude each other, got both. Leave out one of them.`,
    );
  }
  if (!own) {
    return requireInteger(
      WHERE,
      'steps',
      options.steps,
      1,
      'It is the number of steps, num_inference_steps.',
    );
  }
  const list = own.every((v: unknown) => typeof v === 'number' && v >= 0 && Number.isFinite(v));
  if (!list || own.length === 0 || own.some((v, i) => i > 0 && v >= own[i - 1]!)) {
    throw new DomainError(
      `${WHERE}: timesteps and sigmas must be lists of descending numbers of at least 0, got ${shown(own)}. Order them from noise to data.`,
    );
  }
  if (options.steps !== undefined && options.steps !== own.length) {
    throw new DomainError(
      `${WHERE}: steps must be left out or be the ${own.length} of the list, got ${shown(options.steps)}. The list says how many there are.`,
    );
  }
  return own.length;
}

/**
 * Reads a scheduler config of diffusers.
 *
 * @param json a parsed `scheduler_config.json`, or its text (in which `-Infinity` may stand, as Python writes it).
 * @param options.steps number of steps.
 * @param options.compat 'diffusers' reproduces that library's numbers, quirks included; default: the mathematics.
 * @returns what `sample` needs but the model: `process`, `sampler`, `grid`; `kind`, what the model must predict;
 *   `initialStd`, the size of the noise to start from (which `process.prior` has, so that `sample` starts right);
 *   `timesteps` and `sigmas`, that library's lists; `model(network)`, which makes the model out of a network that was
 *   trained for that library, and `timestep(t)`, what that network is told at time t; `ignored`, options of other classes.
 * @throws FormatError for what is no config, for classes and options that are not known and for values of the wrong type;
 *   DomainError for settings that contradict each other and for options that are not supported.
 * @example
 * ```ts
 * import { key } from '@diff/core';
 * import { fromSchedulerConfig, sample } from '@diff/samplers';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const config = { _class_name: 'DPMSolverMultistepScheduler', beta_schedule: 'scaled_linear', beta_start: 0.00085, beta_end: 0.012 };
 * const { sampler, grid, model } = fromSchedulerConfig(config, { steps: 20, compat: 'diffusers' });
 * // A network that predicts noise at timesteps 0 … 999 goes here.
 * const network = (x: tf.Tensor, timestep: number) => tf.mul(x, Math.sqrt(timestep / 1000));
 * const samples = await sample({ model: model(network), sampler, grid, shape: [4, 2], key: key(7) });
 * ```
 */
export function fromSchedulerConfig(
  json: string | Readonly<Record<string, unknown>>,
  options: SchedulerOptions,
): SchedulerRun {
  const config = parseConfig(WHERE, json);
  const name: unknown = Object.hasOwn(config, '_class_name') ? config._class_name : undefined;
  const scheduler = typeof name === 'string' && Object.hasOwn(CLASSES, name) ? CLASSES[name] : undefined;
  if (typeof name !== 'string' || !scheduler) {
    throw new FormatError(
      `${WHERE}: _class_name must be one of ${Object.keys(CLASSES).join(', ')}, got ${shown(name)}. Name one of these.`,
    );
  }
  const steps = checkOptions(name, scheduler, options ?? {});
  const reader = configReader(WHERE, name, config);
  const reading = scheduler.read(reader, { ...options, steps, exact: options.compat === 'diffusers' });
  return schedulerRun(name, reading, reader.finish());
}
