/**
 * DDIMScheduler and DDIMInverseScheduler.
 *
 * Mathematics: `ddim({ eta })` on the chain's VP process, from timestep to timestep and then to the data (to timestep 0
 * where `set_alpha_to_one` is false), with clipping that changes x̂0 and ε̂ alike. compat: every step goes from t to
 * t − ⌊N/n⌋ whatever the next timestep is, and clips x̂0 alone.
 *
 * The inverse goes from data to noise. Its run is on the chain's process with the clock reversed: time T − t. With compat
 * it asks the model at timestep t for a state that it takes to be at t − ⌊N/n⌋.
 */
import { discreteTimesteps, fromNoiseLevels, type LinearProcess } from '@diff/sde';
import { ddim } from '../ddim.ts';
import type { ConfigReader } from './config-reader.ts';
import { type DdimStep, ddimSteps } from './ddim-steps.ts';
import { predictionKind, type SchedulerCall } from './scheduler-options.ts';
import { recorded, type SchedulerReading } from './scheduler-run.ts';
import { dataChange, throughData } from './through-data.ts';
import { type TrainingTable, trainingTable } from './training-table.ts';

function spacedIndices(config: ConfigReader, call: SchedulerCall, table: TrainingTable): readonly number[] {
  const spacing = config.choice('timestep_spacing', 'leading', ['linspace', 'leading', 'trailing']);
  const offset = config.integer('steps_offset', 0, 0);
  return discreteTimesteps({ steps: call.steps, spacing, trainSteps: table.steps, offset });
}

export function readDdim(config: ConfigReader, call: SchedulerCall): SchedulerReading {
  const table = trainingTable(config, { zeroSnr: 'exact' });
  const indices = spacedIndices(config, call, table);
  const kind = predictionKind(config);
  const change = dataChange(config, true);
  const toData = config.flag('set_alpha_to_one', true);
  const { eta = 0, use_clipped_model_output: consistent = false } = call;
  if (!call.exact) {
    const end = toData ? 0 : 1;
    const { process } = table;
    return {
      process,
      kind,
      grid: [...indices.map((i) => i + 1).filter((t) => t > end), end],
      sampler: throughData(ddim({ eta }), change),
      timesteps: indices,
      call: (t) => ({ timestep: Math.max(0, t - 1) }),
    };
  }
  const endBar = toData ? 1 : table.bars[0]!;
  const stride = Math.floor(table.steps / call.steps);
  const levels = indices.map((i) => table.levels[i]!);
  const end = Math.sqrt((1 - endBar) / endBar);
  const { process, grid } = recorded([...levels, Math.min(end, levels.at(-1)!)], 'vp', 1);
  const steps = indices.map((i, k): DdimStep => {
    const [bar, next] = [table.bars[i]!, i - stride >= 0 ? table.bars[i - stride]! : endBar];
    // s² = η² (1 − ᾱ_r)/(1 − ᾱ_t) (1 − ᾱ_t/ᾱ_r)
    const variance = eta * eta * ((1 - next) / (1 - bar)) * (1 - bar / next);
    return {
      from: grid[k]!,
      data: Math.sqrt(next),
      noise: Math.sqrt(Math.max(0, 1 - next - variance)),
      draw: Math.sqrt(Math.max(0, variance)),
    };
  });
  const name = eta === 0 ? 'ddim' : `ddim(eta ${eta})`;
  return {
    process,
    kind,
    grid,
    sampler: consistent
      ? throughData(ddimSteps(name, process, steps, undefined), change)
      : ddimSteps(name, process, steps, change),
    timesteps: indices,
    call: (t) => ({ timestep: indices[grid.length - 1 - t] ?? 0 }),
  };
}

/** The process with its clock reversed: noise at time 0, data at T. */
function reversed(process: LinearProcess): LinearProcess {
  const at =
    <T>(f: (t: number) => T) =>
    (t: number): T =>
      f(process.T - t);
  return Object.freeze({
    ...process,
    type: 'custom',
    config: { type: 'custom', T: process.T } as const,
    prior: Object.freeze({ mean: 0, std: 1 }),
    alpha: at(process.alpha),
    sigma: at(process.sigma),
    mean: at(process.mean),
    lambda: at(process.lambda),
    timeOfLambda: (lambda: number) => process.T - process.timeOfLambda(lambda),
  });
}

export function readDdimInverse(config: ConfigReader, call: SchedulerCall): SchedulerReading {
  const table = trainingTable(config, { zeroSnr: 'exact' });
  const kind = predictionKind(config);
  const change = dataChange(config, true);
  const indices = [...spacedIndices(config, call, table)].reverse();
  const startBar = config.flag('set_alpha_to_one', true) ? 1 : table.bars[0]!;
  if (call.exact && table.bars[indices.at(-1)!] === 0) {
    config.refuse(
      'the timesteps must have signal with compat',
      `rescale_betas_zero_snr and timestep ${indices.at(-1)}`,
      'Leave compat out, or take another timestep_spacing.',
    );
  }
  const stride = Math.floor(table.steps / call.steps);
  const n = indices.length;
  const levelOf = (bar: number): number => Math.sqrt((1 - bar) / bar);
  const bar = (i: number): number => (i >= 0 ? table.bars[Math.min(i, table.steps - 1)]! : startBar);
  /** Where the state is taken to be before each step. */
  const before = indices.map((i, k) =>
    call.exact ? levelOf(bar(i - stride)) : k === 0 ? levelOf(startBar) : table.levels[indices[k - 1]!]!,
  );
  /** Where the model is asked: there, but not below the least level of the table. */
  const asked = call.exact ? indices : [0, ...indices.slice(0, -1)];
  const reached = indices.map((i) => table.bars[i]!);
  const last = levelOf(reached.at(-1)!);
  // Times 0 … n of a table that begins at the data; the run counts n, n − 1, … on the reversed clock.
  const held = fromNoiseLevels({ levels: [...before, Math.max(last, before.at(-1)!)] });
  const process = fromNoiseLevels({ levels: [...asked.map((i) => table.levels[i]!), last] });
  const steps = reached.map(
    (r, k): DdimStep => ({ from: k, data: Math.sqrt(r), noise: Math.sqrt(1 - r), draw: 0 }),
  );
  return {
    process: reversed(process),
    kind,
    grid: Array.from({ length: n + 1 }, (_, k) => n - k),
    sampler: ddimSteps('ddim inverse', held, steps, change),
    timesteps: asked,
    call: (t) => ({ timestep: asked[Math.min(n - 1, n - Math.round(t))]! }),
  };
}
