/**
 * PNDMScheduler. Mathematics: `plms()` (`skip_prk_steps`) or `pndm()` on the chain's VP process, from timestep to
 * timestep and then to timestep 0 (to the data with `set_alpha_to_one`).
 *
 * compat: every step goes from t to t − ⌊N/n⌋ whatever the next timestep is, and what is averaged is what the model
 * predicts, noise or velocity, read as noise afterwards at the level that the step starts from. One evaluation is one
 * time of its grid, so that the repeated timesteps of the start are steps of their own:
 *
 *   PLMS   t₀ → t₁, then again from the state at t₀, with the mean of two predictions, from t₁ + r to t₁
 *   PRK    t, t' + r/2, t' + r/2, t', each from the state at t, t' the next timestep
 */
import { discreteTimesteps } from '@diff/sde';
import { type MultistepForm, multistepSampler } from '../multistep.ts';
import { plms, pndm } from '../pndm.ts';
import type { ConfigReader } from './config-reader.ts';
import { predictionKind, type SchedulerCall } from './scheduler-options.ts';
import { recorded, type SchedulerReading } from './scheduler-run.ts';
import { trainingTable } from './training-table.ts';

/** One evaluation: at index `at`, then from the state `base` evaluations ago, taken to be at `from`, to `to`. */
interface Evaluation {
  readonly at: number;
  readonly from: number;
  readonly to: number;
  readonly base: number;
  /** Weights of the prediction made j evaluations ago. */
  readonly weights: readonly (readonly [ago: number, weight: number])[];
}

const WEIGHTS: readonly (readonly number[])[] = [
  [1],
  [3 / 2, -1 / 2],
  [23 / 12, -16 / 12, 5 / 12],
  [55 / 24, -59 / 24, 37 / 24, -9 / 24],
];

/** The evaluations of a run over `indices`, noisiest first. */
function evaluations(indices: readonly number[], stride: number, skipsStart: boolean): Evaluation[] {
  const list: Evaluation[] = [];
  /** Places in `list` whose predictions are kept. */
  const kept: number[] = [];
  const multistep = (at: number): void => {
    kept.push(list.length);
    const last = kept.slice(-4).reverse();
    const weights = WEIGHTS[last.length - 1]!.map((w, j) => [list.length - last[j]!, w] as const);
    list.push({ at, from: at, to: at - stride, base: 0, weights });
  };
  if (skipsStart) {
    indices.forEach((at, i) => {
      if (i === 1) {
        const half = [
          [0, 1 / 2],
          [1, 1 / 2],
        ] as const;
        list.push({ at, from: at + stride, to: at, base: 1, weights: half });
      }
      multistep(at);
    });
    return list;
  }
  const half = Math.floor(stride / 2);
  const sixths = [
    [0, 1 / 6],
    [1, 1 / 3],
    [2, 1 / 3],
    [3, 1 / 6],
  ] as const;
  indices.slice(0, 3).forEach((from, i) => {
    const next = indices[i + 1]!;
    kept.push(list.length);
    [from, next + half, next + half, next].forEach((at, base) => {
      const to = [from - half, next + half, next, next][base]!;
      list.push({ at, from, to, base, weights: base === 3 ? sixths : [[0, 1]] });
    });
  });
  for (const at of indices.slice(3)) multistep(at);
  return list;
}

/** The transfer of the mean prediction from ᾱ to ᾱ_r, in what the model predicts. */
function formOf({ base, weights }: Evaluation, bar: number, next: number, velocity: boolean): MultistepForm {
  const [alpha, sigma] = [Math.sqrt(bar), Math.sqrt(1 - bar)];
  const carry = Math.sqrt(next) / alpha;
  const gain = Math.sqrt(1 - next) - carry * sigma;
  const gains = new Array<number>(Math.max(...weights.map(([ago]) => ago)) + 1).fill(0);
  // ε̂ = α v + σ x
  for (const [ago, weight] of weights) gains[ago] = gain * weight * (velocity ? alpha : 1);
  return { base, carry: velocity ? carry + gain * sigma : carry, gains, noise: 0 };
}

export function readPndm(config: ConfigReader, call: SchedulerCall): SchedulerReading {
  const table = trainingTable(config);
  const kind = predictionKind(config, ['epsilon', 'v_prediction']);
  const spacing = config.choice('timestep_spacing', 'leading', ['linspace', 'leading', 'trailing']);
  const offset = config.integer('steps_offset', 0, 0);
  const skips = config.flag('skip_prk_steps', false);
  const toData = config.flag('set_alpha_to_one', false);
  const indices = discreteTimesteps({ steps: call.steps, spacing, trainSteps: table.steps, offset });
  if (!skips && call.steps < 4) {
    config.refuse(
      'steps must be at least 4 for the Runge–Kutta start',
      String(call.steps),
      'Set skip_prk_steps.',
    );
  }
  const list = evaluations(indices, Math.floor(table.steps / call.steps), skips);
  if (!call.exact) {
    const end = toData ? 0 : 1;
    return {
      process: table.process,
      kind,
      grid: [...indices.map((i) => i + 1).filter((t) => t > end), end],
      sampler: skips ? plms() : pndm(),
      timesteps: indices,
      call: (t) => ({ timestep: Math.max(0, t - 1) }),
    };
  }
  const endBar = toData ? 1 : table.bars[0]!;
  const bar = (index: number): number => (index >= 0 ? table.bars[index]! : endBar);
  const forms = list.map((e) => formOf(e, bar(e.from), bar(e.to), kind === 'velocity'));
  const { process, grid } = recorded([...list.map((e) => table.levels[e.at]!), 0], 'vp', 1);
  return {
    process,
    kind,
    grid,
    sampler: multistepSampler({
      name: skips ? 'plms' : 'pndm',
      order: 2,
      strongOrder: undefined,
      stochastic: false,
      hold: kind,
      memory: Math.max(...forms.map((f) => Math.max(f.gains.length - 1, f.base ?? 0))),
      predictor: (_plan, index) => forms[index]!,
    }),
    timesteps: list.map((e) => e.at),
    call: (t) => ({ timestep: list[grid.length - 1 - t]?.at ?? 0 }),
  };
}
