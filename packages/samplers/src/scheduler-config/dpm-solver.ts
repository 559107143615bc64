import { dpmSolver } from '../dpm-solver.ts';
import { singleStepDpmSolver } from '../dpm-solver-single-step.ts';
import { exponentialMoments } from '../exponential-moments.ts';
import type { Sampler } from '../sampler.ts';
import type { ConfigReader } from './config-reader.ts';
import { orderedExponential, ordersAtEnd } from './ordered-exponential.ts';
import type { SchedulerCall } from './scheduler-options.ts';
import type { SchedulerReading } from './scheduler-run.ts';
import { readSolver } from './solver-run.ts';
import { dataChange, throughData } from './through-data.ts';
import { trainingTable } from './training-table.ts';

type Order = 1 | 2 | 3;

interface Algorithm {
  readonly order: Order;
  readonly hold: 'data' | 'noise';
  readonly noiseLevel: 0 | 1;
  readonly taylor: boolean;
  readonly final: 'zero' | 'sigma_min';
  /** Is there a third order with noise? */
  readonly thirdSde: boolean;
}

function readAlgorithm(config: ConfigReader, types: readonly string[]): Algorithm {
  const order = config.integer('solver_order', 2, 1);
  if (order > 3) config.refuse('solver_order must be 1, 2 or 3', String(order), 'Take 2.');
  const type = config.choice('algorithm_type', 'dpmsolver++', [...types, 'deis']);
  const solver = config.choice('solver_type', 'midpoint', ['midpoint', 'heun', 'logrho', 'bh1', 'bh2']);
  const final = config.choice('final_sigmas_type', 'zero', ['zero', 'sigma_min']);
  const hold = type === 'deis' || type.endsWith('++') ? 'data' : 'noise';
  if (hold === 'noise' && final === 'zero') {
    config.refuse(
      `final_sigmas_type must be 'sigma_min' with algorithm_type '${type}'`,
      `'${final}'`,
      'A step to sigma 0 is not defined where noise is held.',
    );
  }
  config.only(
    'variance_type',
    [],
    'Only the mean of a model with learned variances is used: split its output first.',
  );
  const noiseLevel = type.startsWith('sde') ? 1 : 0;
  return {
    order: order as Order,
    hold,
    noiseLevel,
    taylor: solver === 'heun',
    final,
    thirdSde: hold === 'data',
  };
}

/** Moments as the multistep scheduler weighs its terms. */
function publishedMoments(a: Algorithm): (x: number, count: number) => readonly number[] {
  return (x, count) => {
    const [m0, m1, m2] = exponentialMoments(x, 3) as [number, number, number];
    if (count < 3) return [m0, a.taylor ? m1 : m0 / 2];
    return [m0, m1, m2 / 2 - (a.noiseLevel === 1 && a.hold === 'data' ? 1 : 0)];
  };
}

/** The multistep solver as that library runs it, on n steps. */
export function publishedMultistep(
  config: ConfigReader,
  a: Algorithm,
  n: number,
  { lower, euler }: { readonly lower: boolean; readonly euler: boolean },
): Sampler {
  // Of the SDE solvers the library has a third order for the data prediction on the VP process alone.
  if (a.order === 3 && a.noiseLevel === 1 && !(a.hold === 'data' && a.thirdSde)) {
    config.refuse(
      'solver_order must be 1 or 2 for this SDE solver with compat',
      '3',
      'Leave compat out, or take 2.',
    );
  }
  const few = lower && n < 15;
  return orderedExponential({
    name: `dpmSolver${a.hold === 'data' ? '++' : ''}(${a.order}M)`,
    hold: a.hold,
    noiseLevel: a.noiseLevel,
    orders: ordersAtEnd(n, a.order, few || euler || a.final === 'zero', few),
    moments: publishedMoments(a),
  });
}

export function readDpmSolverMultistep(config: ConfigReader, call: SchedulerCall): SchedulerReading {
  const types = ['dpmsolver++', 'dpmsolver', 'sde-dpmsolver++', 'sde-dpmsolver'];
  const algorithm = readAlgorithm(config, types);
  const change = dataChange(config);
  const lower = config.flag('lower_order_final', true);
  const euler = config.flag('euler_at_final', false);
  const plan = readSolver(config, call, trainingTable(config, { zeroSnr: 'keepsSignal' }), {
    spacing: 'linspace',
    placements: ['karras', 'lu', 'exponential', 'beta', 'flow'],
    clips: true,
    final: algorithm.final === 'zero' ? 'zero' : 'tableMin',
  });
  const { order, hold, noiseLevel, taylor } = algorithm;
  const sampler = call.exact
    ? publishedMultistep(config, algorithm, plan.timesteps.length, { lower, euler })
    : dpmSolver({
        order,
        hold,
        noiseLevel,
        correction: order === 3 || taylor ? 'taylor' : 'midpoint',
        lastStep: euler || (lower && plan.timesteps.length < 15) ? 'first' : 'auto',
      });
  return { ...plan, sampler: throughData(sampler, change) };
}

export function readDpmSolverSinglestep(config: ConfigReader, call: SchedulerCall): SchedulerReading {
  const algorithm = readAlgorithm(config, ['dpmsolver++', 'dpmsolver', 'sde-dpmsolver++']);
  const change = dataChange(config);
  const plan = readSolver(config, call, trainingTable(config), {
    spacing: undefined,
    placements: ['karras', 'exponential', 'beta', 'flow'],
    roundsCosine: true,
    clips: true,
    final: algorithm.final === 'zero' ? 'zero' : 'tableMin',
  });
  const { order, hold, taylor, noiseLevel } = algorithm;
  const n = plan.timesteps.length;
  const lower = config.flag('lower_order_final', false) || n % order !== 0 || algorithm.final === 'zero';
  const sampler = singleStepDpmSolver({
    order,
    hold,
    taylor,
    noiseLevel,
    lastStep: lower ? 'first' : 'auto',
    // As in the multistep scheduler, −½ in place of +½.
    ...(call.exact && noiseLevel === 1 && { parabola: ([m0, m1, m2]) => [m0!, m1!, m2! - 2] }),
  });
  return { ...plan, sampler: throughData(sampler, change) };
}
