/**
 * UniPCMultistepScheduler, DEISMultistepScheduler and SASolverScheduler: `uniPc()`, `deis()`, `saSolver()`.
 *
 * The order falls at the end: of UniPC and SA-Solver always unless `lower_order_final` is false, of DEIS with fewer than
 * 15 steps. DEIS and SA-Solver end at the least level of the table, or, on placed levels, with the last one once more,
 * which compat keeps.
 */
import { deis } from '../deis.ts';
import { exponentialMoments } from '../exponential-moments.ts';
import { saSolver } from '../sa-solver.ts';
import { uniPc } from '../uni-pc.ts';
import type { ConfigReader } from './config-reader.ts';
import { orderedExponential, ordersAtEnd } from './ordered-exponential.ts';
import type { SchedulerCall } from './scheduler-options.ts';
import type { SchedulerReading } from './scheduler-run.ts';
import { readSolver } from './solver-run.ts';
import { dataChange, throughData } from './through-data.ts';
import { trainingTable } from './training-table.ts';

type Order = 1 | 2 | 3;

function readOrder(config: ConfigReader, name: string, fallback: Order): Order {
  const order = config.integer(name, fallback, 1);
  return order <= 3 ? (order as Order) : config.refuse(`${name} must be 1, 2 or 3`, String(order), 'Take 2.');
}

function readAdamsOrder(config: ConfigReader, name: string): 1 | 2 | 3 | 4 {
  const order = config.integer(name, 2, 1);
  return order === 1 || order === 2 || order === 3 || order === 4
    ? order
    : config.refuse(`${name} must be 1, 2, 3 or 4`, String(order), 'Take 2.');
}

export function readUniPc(config: ConfigReader, call: SchedulerCall): SchedulerReading {
  const order = readOrder(config, 'solver_order', 2);
  const variant = config.choice('solver_type', 'bh2', ['bh1', 'bh2', 'midpoint', 'heun', 'logrho']);
  const hold = config.flag('predict_x0', true) ? 'data' : 'noise';
  const lastStep = config.flag('lower_order_final', true) ? 'first' : 'auto';
  const uncorrected = config.numbers('disable_corrector') ?? [];
  config.only('solver_p', [], 'A predictor of another class is not supported.');
  const change = dataChange(config);
  const final = config.choice('final_sigmas_type', 'zero', ['zero', 'sigma_min']);
  const plan = readSolver(config, call, trainingTable(config, { zeroSnr: 'keepsSignal' }), {
    spacing: 'linspace',
    placements: ['karras', 'exponential', 'beta', 'flow'],
    karrasFlow: true,
    flowFromOne: true,
    range: true,
    roundsCosine: true,
    final: final === 'zero' ? 'zero' : 'lastIfPlaced',
  });
  const sampler = uniPc({ order, variant: variant === 'bh1' ? 'bh1' : 'bh2', hold, uncorrected, lastStep });
  return { ...plan, sampler: throughData(sampler, change) };
}

export function readDeis(config: ConfigReader, call: SchedulerCall): SchedulerReading {
  const order = readOrder(config, 'solver_order', 2);
  config.choice('algorithm_type', 'deis', ['deis', 'dpmsolver', 'dpmsolver++']);
  config.choice('solver_type', 'logrho', ['logrho', 'midpoint', 'heun', 'bh1', 'bh2']);
  const lower = config.flag('lower_order_final', true);
  const change = dataChange(config);
  const plan = readSolver(config, call, trainingTable(config), {
    spacing: 'linspace',
    placements: ['karras', 'exponential', 'beta', 'flow'],
    roundsCosine: true,
    final: 'lastIfPlaced',
  });
  const n = plan.timesteps.length;
  const few = lower && n < 15;
  const sampler = call.exact
    ? orderedExponential({
        name: `deis(${order})`,
        hold: 'noise',
        noiseLevel: 0,
        orders: ordersAtEnd(n, order, few, few),
        moments: exponentialMoments,
      })
    : deis({ order, lastStep: few ? 'first' : 'auto' });
  return { ...plan, sampler: throughData(sampler, change) };
}

export function readSaSolver(config: ConfigReader, call: SchedulerCall): SchedulerReading {
  const predictorOrder = readAdamsOrder(config, 'predictor_order');
  const correctorOrder = readAdamsOrder(config, 'corrector_order');
  const hold = config.choice('algorithm_type', 'data_prediction', ['data_prediction', 'noise_prediction']);
  const lower = config.flag('lower_order_final', true);
  const named = config.choice('tau_func', 'default', ['default', 'zero']);
  config.only(
    'variance_type',
    [],
    'Only the mean of a model with learned variances is used: split its output first.',
  );
  const change = dataChange(config);
  const plan = readSolver(config, call, trainingTable(config), {
    spacing: 'linspace',
    placements: ['karras', 'exponential', 'beta', 'flow'],
    roundsCosine: true,
    final: 'lastIfPlaced',
  });
  const { tau = (timestep) => (named === 'default' && timestep >= 200 && timestep <= 800 ? 1 : 0) } = call;
  const sampler = saSolver({
    predictorOrder,
    correctorOrder,
    noiseLevel: (t) => tau(plan.call(t).timestep),
    hold: hold === 'data_prediction' ? 'data' : 'noise',
    secondOrder: hold === 'data_prediction' ? 'fewSteps' : 'exact',
    lastStep: lower ? 'first' : 'auto',
  });
  return { ...plan, sampler: throughData(sampler, change) };
}
