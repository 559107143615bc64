/**
 * EulerDiscrete-, EulerAncestralDiscrete-, HeunDiscrete-, KDPM2Discrete-, KDPM2AncestralDiscrete- and
 * LMSDiscreteScheduler: `ddim()` (Euler's method in σ/α), `eulerAncestral()`, `heun()`, `dpm2()`, `dpm2Ancestral()`,
 * `lms()`; and DPMSolverSDEScheduler, `dpmSolverSde()`, which draws from a Brownian path there and from keys here.
 *
 * Mathematics: on the chain's VP process, whose states are those that the network takes. compat: the state is carried in
 * variance-exploding form, x/α, and starts with σmax instead of √(σmax² + 1) for the spacings 'linspace' and 'trailing';
 * converted levels take their range from the spacing; 'log_linear' makes one level too many, so that the run ends at the
 * least level; churn see `churnedSteps`.
 */
import type { PredictionKind } from '@diff/score';
import { ddim } from '../ddim.ts';
import { dpmSolverSde } from '../dpm-solver-sde.ts';
import { dpm2 } from '../dpm2.ts';
import { dpm2Ancestral } from '../dpm2-ancestral.ts';
import { edmStochastic } from '../edm-stochastic.ts';
import { eulerAncestral } from '../euler-ancestral.ts';
import { heun } from '../heun.ts';
import { lms } from '../lms.ts';
import type { Sampler } from '../sampler.ts';
import { churnedSteps, churnOf, readingOf } from './churned-steps.ts';
import type { ConfigReader } from './config-reader.ts';
import { predictionKind, type SchedulerCall } from './scheduler-options.ts';
import { type NetworkCall, recorded, type SchedulerReading } from './scheduler-run.ts';
import { type SpacingOptions, spacedLevels, timesOfLevels } from './spaced-levels.ts';
import { dataChange, throughData } from './through-data.ts';
import { indexOfLevel, type TrainingTable, trainingTable } from './training-table.ts';

interface KOptions
  extends Partial<Pick<SpacingOptions, 'spacing' | 'placements' | 'range' | 'inner' | 'roundsKarras'>> {
  readonly final?: 'zero' | 'tableMin';
  readonly kinds?: readonly ('epsilon' | 'sample' | 'v_prediction')[];
  /** The library's timestep for a level, where it is not the list's own. */
  readonly timestepOf?: (level: number) => number;
}

interface KPlan extends Omit<SchedulerReading, 'sampler' | 'sigmas'> {
  /** Levels of the run with its end. */
  readonly levels: readonly number[];
  /** The library's list. */
  readonly sigmas: readonly number[];
}

function readK(config: ConfigReader, call: SchedulerCall, table: TrainingTable, options: KOptions): KPlan {
  const { final = 'zero', kinds, timestepOf, placements = ['karras', 'exponential', 'beta'] } = options;
  const kind: PredictionKind = predictionKind(config, kinds);
  const spaced = spacedLevels(config, table, {
    steps: call.steps,
    compat: call.exact,
    timesteps: call.timesteps,
    spacing: 'linspace',
    style: 'k-diffusion',
    ...options,
    placements,
  });
  const { levels } = spaced;
  const n = spaced.timesteps.length;
  const timesteps = timestepOf ? levels.slice(0, n).map(timestepOf) : spaced.timesteps;
  const end = final === 'zero' ? 0 : Math.min(table.levels[0]!, levels.at(-1)!);
  const sigmas = [...levels, end];
  const asked = (t: number, level: number, index: number): number =>
    timestepOf?.(level) ?? timesteps[index] ?? (t > 0 ? indexOfLevel(table.levels, level) : 0);
  if (!call.exact) {
    const { process } = table;
    return {
      process,
      grid: [
        ...timesOfLevels(process, levels),
        ...(final === 'zero' ? [0] : levels.at(-1)! > end ? [1] : []),
      ],
      kind,
      timesteps,
      sigmas,
      levels: sigmas,
      call: (t) => ({ timestep: timestepOf?.(process.sigma(t) / process.alpha(t)) ?? Math.max(0, t - 1) }),
    };
  }
  const own = sigmas.slice(0, n + 1);
  const most = Math.max(...sigmas);
  const spacing = config.choice('timestep_spacing', 'linspace', ['linspace', 'leading', 'trailing']);
  const run = recorded(own, 've', spacing === 'leading' ? Math.sqrt(most * most + 1) : most);
  return {
    ...run,
    kind,
    timesteps,
    sigmas,
    levels: own,
    call(t): NetworkCall {
      const level = run.process.sigma(t);
      const root = Math.sqrt(1 + level * level);
      const timestep = asked(t, level, n - t);
      // A velocity of the VP state, times √(1 + σ²), is one of the VE state.
      return { timestep, input: 1 / root, ...(kind === 'velocity' && { output: root }) };
    },
  };
}

/** Each entry after the first twice, the last once more: a list of two evaluations a step. */
function twice(list: readonly number[]): number[] {
  return list.flatMap((v, i) => (i === 0 ? [v] : [v, v]));
}

export function readEuler(config: ConfigReader, call: SchedulerCall): SchedulerReading {
  const table = trainingTable(config, { zeroSnr: 'keepsSignal' });
  const linear = config.choice('interpolation_type', 'linear', ['linear', 'log_linear']) === 'linear';
  const final = config.choice('final_sigmas_type', 'zero', ['zero', 'sigma_min']);
  const continuous = config.choice('timestep_type', 'discrete', ['discrete', 'continuous']) === 'continuous';
  const velocity = predictionKind(config) === 'velocity';
  const churn = churnOf(config, call);
  const count = (n: number): number => (call.exact ? n + 1 : n);
  const logLinear = (levels: readonly number[]): readonly number[] => {
    const [most, least] = [table.levels.at(-1)!, table.levels[0]!];
    const N = Math.max(1, count(levels.length) - 1);
    return Array.from({ length: count(levels.length) }, (_, i) => most * (least / most) ** (i / N));
  };
  const plan = readK(config, call, table, {
    final: final === 'zero' ? 'zero' : 'tableMin',
    range: true,
    ...(!linear && { inner: logLinear }),
    ...(continuous && velocity && { timestepOf: (level: number) => 0.25 * Math.log(level) }),
  });
  const sampler = (): Sampler => {
    if (!churn) return ddim();
    return call.exact
      ? churnedSteps(churn, plan.levels, plan.sigmas.length, plan.kind, readingOf(plan.kind))
      : edmStochastic({ ...churn, solver: 'euler' });
  };
  return { ...plan, sampler: sampler() };
}

export function readEulerAncestral(config: ConfigReader, call: SchedulerCall): SchedulerReading {
  const table = trainingTable(config, { zeroSnr: 'keepsSignal' });
  const kinds = ['epsilon', 'v_prediction'] as const;
  return { ...readK(config, call, table, { placements: [], kinds }), sampler: eulerAncestral() };
}

export function readHeun(config: ConfigReader, call: SchedulerCall): SchedulerReading {
  const table = trainingTable(config, { more: ['exp'], ...LATENT });
  const clip = config.flag('clip_sample', false);
  const change = clip ? dataChange(config, true) : undefined;
  config.number('clip_sample_range', 1, { min: 0 });
  const plan = readK(config, call, table, {});
  return {
    ...plan,
    timesteps: call.exact ? twice(plan.timesteps) : plan.timesteps,
    sigmas: call.exact ? twice(plan.sigmas).slice(0, -1) : plan.sigmas,
    sampler: throughData(heun(), change),
  };
}

const LATENT = { betaStart: 0.00085, betaEnd: 0.012 };

export function readDpmSolverSde(config: ConfigReader, call: SchedulerCall): SchedulerReading {
  const table = trainingTable(config, LATENT);
  config.number('noise_sampler_seed', 0);
  const plan = readK(config, call, table, { kinds: ['epsilon', 'v_prediction'] });
  // σ of the middle stages is √(σ σ_r).
  const inner = plan.levels.slice(1, -1).map((next, i) => Math.sqrt(next * plan.levels[i]!));
  const { timesteps } = interleaved(plan, inner, table);
  return {
    ...plan,
    timesteps: call.exact ? timesteps : plan.timesteps,
    sampler: dpmSolverSde(),
  };
}

/** The library's lists for KDPM2: levels twice, timesteps with those of the inner levels between them. */
function interleaved(
  plan: KPlan,
  inner: readonly number[],
  table: TrainingTable,
): Pick<KPlan, 'timesteps' | 'sigmas'> {
  const [first, ...rest] = plan.timesteps;
  return {
    timesteps: [first!, ...rest.flatMap((t, i) => [indexOfLevel(table.levels, inner[i]!), t])],
    sigmas: [...twice(plan.sigmas), plan.sigmas.at(-1)!],
  };
}

export function readKdpm2(config: ConfigReader, call: SchedulerCall): SchedulerReading {
  const table = trainingTable(config, LATENT);
  const plan = readK(config, call, table, { kinds: ['epsilon', 'v_prediction'], roundsKarras: true });
  const inner = plan.levels.slice(1, -1).map((next, i) => Math.sqrt(next * plan.levels[i]!));
  return { ...plan, ...(call.exact && interleaved(plan, inner, table)), sampler: dpm2() };
}

export function readKdpm2Ancestral(config: ConfigReader, call: SchedulerCall): SchedulerReading {
  const table = trainingTable(config, LATENT);
  const plan = readK(config, call, table, { kinds: ['epsilon', 'v_prediction'], roundsKarras: true });
  // √(σ σ_down) with σ_down = σ_r²/σ
  const inner = plan.levels.slice(1, -1);
  return { ...plan, ...(call.exact && interleaved(plan, inner, table)), sampler: dpm2Ancestral() };
}

export function readLms(config: ConfigReader, call: SchedulerCall): SchedulerReading {
  const table = trainingTable(config);
  const { order = 4 } = call;
  if (order !== 1 && order !== 2 && order !== 3 && order !== 4) {
    return config.refuse('order must be 1, 2, 3 or 4', String(order), 'Leave it out for 4.');
  }
  return { ...readK(config, call, table, {}), sampler: lms({ order }) };
}
