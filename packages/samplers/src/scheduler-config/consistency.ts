/**
 * LCMScheduler and TCDScheduler. Both take n of the timesteps ⌊N/50⌋ j − 1 on which such models are distilled.
 *
 * LCM: `lcm()` with the boundary of its paper, skip = σ_d²/(τ² + σ_d²), out = τ/√(τ² + σ_d²), τ = `timestep_scaling`·t,
 * σ_d = ½. TCD: `tcd({ gamma: eta })`. Mathematics: TCD ends at the data. compat: it ends at timestep 0, jumps to whole
 * timesteps, draws no noise at its end, and neither clips nor thresholds whatever the config says.
 */
import { DomainError } from '@diff/core';
import { lcm } from '../lcm.ts';
import { multistepSampler } from '../multistep.ts';
import { tcd } from '../tcd.ts';
import type { ConfigReader } from './config-reader.ts';
import { predictionKind, type SchedulerCall } from './scheduler-options.ts';
import { recorded, type SchedulerReading } from './scheduler-run.ts';
import { dataChange, throughData } from './through-data.ts';
import { requireTimesteps, type TrainingTable, trainingTable } from './training-table.ts';

const LATENT = { betaStart: 0.00085, betaEnd: 0.012, schedule: 'scaled_linear', zeroSnr: 'exact' } as const;

function distilledIndices(
  config: ConfigReader,
  call: SchedulerCall,
  table: TrainingTable,
): readonly number[] {
  const original = config.integer('original_inference_steps', 50, 1);
  // Options that its own timesteps make void.
  config.choice('timestep_spacing', 'leading', ['linspace', 'leading', 'trailing']);
  config.integer('steps_offset', 0, 0);
  if (call.timesteps) return requireTimesteps(config, call.timesteps, table.steps, true);
  const k = Math.floor(table.steps / original);
  if (call.steps > original || k < 1) {
    throw new DomainError(
      `${config.where}: steps must be at most original_inference_steps = ${original}, and that at most ${table.steps}, got ${call.steps}. Take fewer steps.`,
    );
  }
  return Array.from(
    { length: call.steps },
    (_, i) => (original - Math.floor(i * (original / call.steps))) * k - 1,
  );
}

export function readLcm(config: ConfigReader, call: SchedulerCall): SchedulerReading {
  const table = trainingTable(config, LATENT);
  const indices = distilledIndices(config, call, table);
  const kind = predictionKind(config);
  const change = dataChange(config, false);
  const scaling = config.number('timestep_scaling', 10, { min: 0 });
  config.flag('set_alpha_to_one', true);
  const timestep = (t: number): number =>
    call.exact ? (indices[indices.length - t] ?? 0) : Math.max(0, t - 1);
  const boundary = (t: number): { skip: number; out: number } => {
    const scaled = timestep(t) * scaling;
    const root = Math.hypot(scaled, 0.5);
    return { skip: (0.5 / root) ** 2, out: scaled / root };
  };
  const run = call.exact
    ? recorded([...indices.map((i) => table.levels[i]!), 0], 'vp', 1)
    : { process: table.process, grid: [...indices.map((i) => i + 1), 0] };
  return {
    ...run,
    kind,
    sampler: throughData(lcm({ boundary }), change),
    timesteps: indices,
    call: (t) => ({ timestep: timestep(t) }),
  };
}

export function readTcd(config: ConfigReader, call: SchedulerCall): SchedulerReading {
  const table = trainingTable(config, LATENT);
  const indices = distilledIndices(config, call, table);
  const kind = predictionKind(config);
  const change = dataChange(config, false);
  config.number('timestep_scaling', 10, { min: 0 });
  config.flag('set_alpha_to_one', true);
  const { eta = 0.3 } = call;
  if (!call.exact) {
    return {
      process: table.process,
      kind,
      grid: [...indices.map((i) => i + 1), 0],
      sampler: throughData(tcd({ gamma: eta }), change),
      timesteps: indices,
      call: (t) => ({ timestep: Math.max(0, t - 1) }),
    };
  }
  const { process, grid } = recorded(
    [...indices, 0].map((i) => table.levels[i]!),
    'vp',
    1,
  );
  const sampler = multistepSampler({
    name: `tcd(gamma ${eta})`,
    order: eta === 0 ? 1 : 0,
    strongOrder: undefined,
    stochastic: eta > 0,
    hold: 'data',
    memory: 0,
    predictor(_plan, index) {
      const [bar, next] = [table.bars[indices[index]!]!, table.bars[indices[index + 1] ?? 0]!];
      const s = table.bars[Math.floor((1 - eta) * (indices[index + 1] ?? 0))]!;
      const last = index === indices.length - 1;
      const back = last || eta === 0 ? 1 : Math.sqrt(next / s);
      // x̃ = α_s x̂0 + σ_s ε̂ and ε̂ = (x − α x̂0)/σ
      const carry = Math.sqrt((1 - s) / (1 - bar));
      return {
        carry: back * carry,
        gains: [back * (Math.sqrt(s) - carry * Math.sqrt(bar))],
        noise: last || eta === 0 ? 0 : Math.sqrt(1 - next / s),
      };
    },
  });
  return {
    process,
    kind,
    grid,
    sampler,
    timesteps: indices,
    call: (t) => ({ timestep: indices[grid.length - 1 - t] ?? 0 }),
  };
}
