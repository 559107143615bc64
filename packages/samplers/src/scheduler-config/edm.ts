/**
 * EDMEulerScheduler, EDMDPMSolverMultistepScheduler and CosineDPMSolverMultistepScheduler: the network of Karras et al.
 * 2022 (table 1), on their process.
 *
 *   D = c_skip x + c_out F(c_in x, ¼ ln σ),   c_skip = σ_d²/(σ² + σ_d²),  c_out = ±σ σ_d/√(σ² + σ_d²),  c_in = 1/√(σ² + σ_d²)
 *
 * with − for `v_prediction`. The cosine scheduler is the SDE solver with (2/π) atan σ in place of ¼ ln σ. compat: the run starts with √(σmax² + 1); with `final_sigmas_type` 'sigma_min' its last step
 * changes nothing; DPM-Solver and churn as in the other schedulers.
 */
import { edm } from '@diff/sde';
import { ddim } from '../ddim.ts';
import { dpmSolver } from '../dpm-solver.ts';
import { edmStochastic } from '../edm-stochastic.ts';
import type { Sampler } from '../sampler.ts';
import { churnedSteps, churnOf, type Reading } from './churned-steps.ts';
import type { ConfigReader } from './config-reader.ts';
import { publishedMultistep } from './dpm-solver.ts';
import type { SchedulerCall } from './scheduler-options.ts';
import { type NetworkCall, recorded, type SchedulerReading } from './scheduler-run.ts';
import { placedLevels } from './spaced-levels.ts';
import { dataChange, throughData } from './through-data.ts';

interface EdmPlan extends Omit<SchedulerReading, 'sampler'> {
  readonly sigmas: readonly number[];
  readonly final: 'zero' | 'sigma_min';
  /** c_skip and c_out. */
  precondition(sigma: number): { readonly skip: number; readonly out: number };
}

interface EdmDefaults {
  readonly least: number;
  readonly most: number;
  readonly data: number;
  readonly schedule: 'karras' | 'exponential';
  readonly prediction: 'epsilon' | 'v_prediction';
  /** What the network is told of σ. */
  readonly timestep: (sigma: number) => number;
}

const EDM: EdmDefaults = {
  least: 0.002,
  most: 80,
  data: 0.5,
  schedule: 'karras',
  prediction: 'epsilon',
  timestep: (sigma) => 0.25 * Math.log(sigma),
};

const COSINE: EdmDefaults = {
  least: 0.3,
  most: 500,
  data: 1,
  schedule: 'exponential',
  prediction: 'v_prediction',
  timestep: (sigma) => (Math.atan(sigma) / Math.PI) * 2,
};

function readEdm(config: ConfigReader, call: SchedulerCall, defaults: EdmDefaults): EdmPlan {
  const least = config.number('sigma_min', defaults.least, { min: Number.MIN_VALUE });
  const most = config.number('sigma_max', defaults.most, { min: Number.MIN_VALUE });
  const data = config.number('sigma_data', defaults.data, { min: Number.MIN_VALUE });
  const rho = config.number('rho', 7, { min: Number.MIN_VALUE });
  const placement = config.choice('sigma_schedule', defaults.schedule, ['karras', 'exponential']);
  const velocity =
    config.choice('prediction_type', defaults.prediction, ['epsilon', 'v_prediction']) === 'v_prediction';
  const final = config.choice('final_sigmas_type', 'zero', ['zero', 'sigma_min']);
  config.integer('num_train_timesteps', 1000, 1);
  if (!(least < most))
    config.refuse('sigma_min must be below sigma_max', `${least} and ${most}`, 'Swap them.');
  const levels = placedLevels(placement, most, least, call.steps, rho);
  const timesteps = levels.map(defaults.timestep);
  const sigmas = [...levels, final === 'zero' ? 0 : levels.at(-1)!];
  const precondition = (sigma: number): { skip: number; out: number } => {
    const total = sigma * sigma + data * data;
    return { skip: (data * data) / total, out: ((velocity ? -1 : 1) * sigma * data) / Math.sqrt(total) };
  };
  const run = call.exact
    ? recorded(sigmas, 've', Math.sqrt(most * most + 1))
    : { process: edm({ T: most }), grid: sigmas.filter((s, i) => i === 0 || s < sigmas[i - 1]!) };
  return {
    ...run,
    kind: 'data',
    timesteps,
    sigmas,
    final,
    precondition,
    call(t): NetworkCall {
      const sigma = run.process.sigma(t);
      const { skip, out } = precondition(sigma);
      const input = 1 / Math.sqrt(sigma * sigma + data * data);
      return { timestep: defaults.timestep(sigma), input, x: skip, output: out };
    },
  };
}

export function readEdmEuler(config: ConfigReader, call: SchedulerCall): SchedulerReading {
  const { precondition, final: _final, ...plan } = readEdm(config, call, EDM);
  const churn = churnOf(config, call);
  /** F = (D − c_skip x)/c_out at σ goes into the preconditioning at σ̂. */
  const reading: Reading = (sigma, raised) => {
    const [low, high] = [precondition(sigma), precondition(raised)];
    const ratio = high.out / low.out;
    return { x: high.skip, at: -ratio * low.skip, prediction: ratio };
  };
  const sampler = (): Sampler => {
    if (!churn) return ddim();
    return call.exact
      ? churnedSteps(churn, plan.sigmas, plan.sigmas.length, 'data', reading)
      : edmStochastic({ ...churn, solver: 'euler' });
  };
  return { ...plan, sampler: sampler() };
}

type Algorithm = 'dpmsolver++' | 'sde-dpmsolver++';

function readDpm(
  config: ConfigReader,
  call: SchedulerCall,
  type: Algorithm,
  defaults: EdmDefaults,
): SchedulerReading {
  const order = config.integer('solver_order', 2, 1);
  if (order !== 1 && order !== 2 && order !== 3) {
    return config.refuse('solver_order must be 1, 2 or 3', String(order), 'Take 2.');
  }
  const solver = config.choice('solver_type', 'midpoint', ['midpoint', 'heun', 'logrho', 'bh1', 'bh2']);
  const lower = config.flag('lower_order_final', true);
  const euler = config.flag('euler_at_final', false);
  const change = dataChange(config);
  const { precondition: _precondition, final, ...plan } = readEdm(config, call, defaults);
  const noiseLevel = type === 'sde-dpmsolver++' ? 1 : 0;
  const taylor = solver === 'heun';
  const algorithm = { order, hold: 'data', noiseLevel, taylor, final, thirdSde: false } as const;
  const sampler = call.exact
    ? publishedMultistep(config, algorithm, call.steps, { lower, euler })
    : dpmSolver({
        order,
        noiseLevel,
        correction: order === 3 || taylor ? 'taylor' : 'midpoint',
        lastStep: euler || (lower && call.steps < 15) ? 'first' : 'auto',
      });
  return { ...plan, sampler: throughData(sampler, change) };
}

export function readEdmDpmSolver(config: ConfigReader, call: SchedulerCall): SchedulerReading {
  const type = config.choice('algorithm_type', 'dpmsolver++', ['dpmsolver++', 'sde-dpmsolver++', 'deis']);
  return readDpm(config, call, type === 'sde-dpmsolver++' ? type : 'dpmsolver++', EDM);
}

export function readCosineDpmSolver(config: ConfigReader, call: SchedulerCall): SchedulerReading {
  return readDpm(config, call, 'sde-dpmsolver++', COSINE);
}
