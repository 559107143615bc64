/**
 * Process, grid and kind of the schedulers that carry the state in variance-preserving form at exact levels: DPM-Solver,
 * UniPC, DEIS and SA-Solver; and of the same on the straight line (`use_flow_sigmas`).
 *
 * The end is sigma 0, the least level of the table, or the last level once more, a step that changes nothing (left out
 * in the mathematics).
 */

import type { PredictionKind } from '@diff/score';
import { flowMatching } from '@diff/sde';
import type { ConfigReader } from './config-reader.ts';
import { predictionKind, type SchedulerCall } from './scheduler-options.ts';
import { type NetworkCall, recorded, type SchedulerReading } from './scheduler-run.ts';
import { flowLevel, type SpacingOptions, spacedLevels, timesOfLevels } from './spaced-levels.ts';
import type { TrainingTable } from './training-table.ts';

export interface SolverOptions
  extends Pick<
    SpacingOptions,
    'spacing' | 'placements' | 'clips' | 'karrasFlow' | 'range' | 'roundsCosine' | 'flowFromOne'
  > {
  readonly final: 'zero' | 'tableMin' | 'lastLevel' | 'lastIfPlaced';
}

export type SolverPlan = Omit<SchedulerReading, 'sampler'>;

/** What a flow model says, u = ε − x₀, as data: x₀ = x − σ u. */
function flowCall(sigma: number, timestep: number): NetworkCall {
  return { timestep, x: 1, output: -sigma };
}

export function readSolver(
  config: ConfigReader,
  call: SchedulerCall,
  table: TrainingTable,
  { final, ...options }: SolverOptions,
): SolverPlan {
  const { timesteps, levels, placement, flow } = spacedLevels(config, table, {
    ...options,
    steps: call.steps,
    compat: call.exact,
    timesteps: call.timesteps,
    mu: call.mu,
    style: 'solver',
  });
  const kind = flow ? flowKind(config) : predictionKind(config);
  const repeats = final === 'lastLevel' || (final === 'lastIfPlaced' && placement !== undefined);
  // On the straight line the least level of the table is taken for a sigma.
  const least = flow ? flowLevel(table.levels[0]!) : table.levels[0]!;
  const end = final === 'zero' ? 0 : repeats ? levels.at(-1)! : least;
  const all = [...levels, Math.min(end, levels.at(-1)!)];
  const sigmas = flow ? all.map((s) => (s === Number.POSITIVE_INFINITY ? 1 : s / (1 + s))) : all;
  if (call.exact) {
    const run = recorded(all, flow ? 'flow' : 'vp', 1);
    const index = (t: number): number => run.grid.length - 1 - t;
    return {
      ...run,
      kind,
      timesteps,
      sigmas,
      call: (t) =>
        flow
          ? flowCall(sigmas[index(t)] ?? 0, timesteps[index(t)] ?? 0)
          : { timestep: timesteps[index(t)] ?? 0 },
    };
  }
  const process = flow ? flowMatching() : table.process;
  return {
    process,
    grid: timesOfLevels(process, all),
    kind,
    timesteps,
    sigmas,
    call: (t) => (flow ? flowCall(t, t * table.steps) : { timestep: Math.max(0, t - 1) }),
  };
}

/** On the straight line a model predicts the flow, which is read as data. */
function flowKind(config: ConfigReader): PredictionKind {
  config.choice('prediction_type', 'epsilon', ['flow_prediction']);
  return 'data';
}
