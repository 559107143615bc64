/**
 * FlowMatchEulerDiscreteScheduler and FlowMatchHeunDiscreteScheduler, on the straight line x = (1 − σ) x₀ + σ ε, for
 * models of the flow u = ε − x₀: Euler's method is `ddim()`, stochastic sampling is `lcm()`.
 *
 *   shift s       σ ← s σ/(1 + (s − 1) σ)
 *   dynamic       s = e^μ ('exponential') or μ ('linear'), μ from the size of the picture
 *   terminal      1 − σ is scaled so that the last σ is `shift_terminal`
 *
 * compat: the least σ, 1/N, is shifted twice; a network is told timesteps of one's own as they are, whatever the shift. `invert_sigmas`: the network counts from noise to data and predicts −u.
 */
import { flowMatching } from '@diff/sde';
import { ddim } from '../ddim.ts';
import { lcm } from '../lcm.ts';
import type { ConfigReader } from './config-reader.ts';
import { flowHeun } from './flow-heun.ts';
import type { SchedulerCall } from './scheduler-options.ts';
import { type NetworkCall, recorded, type SchedulerReading } from './scheduler-run.ts';
import { flowLevel, type Placement, placedLevels, shifted } from './spaced-levels.ts';

/** σ from 1 to the least one, equally spaced, before any shift. */
function plainSigmas(config: ConfigReader, call: SchedulerCall, N: number, least: number): readonly number[] {
  const own = call.sigmas ?? call.timesteps?.map((t) => t / N);
  if (own) {
    const fine = own.every((s, i) => s > 0 && s <= 1 && (i === 0 || s < own[i - 1]!));
    if (!fine)
      config.refuse('sigmas must descend within (0, 1]', own.join(', '), 'Order them from noise to data.');
    return own;
  }
  const n = call.steps;
  return Array.from({ length: n }, (_, i) => (n === 1 ? 1 : 1 + (i / (n - 1)) * (least - 1)));
}

/** The plan for σ given noisiest first, without the end. */
function flowPlan(
  levels: readonly number[],
  N: number,
  {
    exact,
    inverted,
    told,
  }: { readonly exact: boolean; readonly inverted: boolean; readonly told?: readonly number[] | undefined },
): Omit<SchedulerReading, 'sampler'> & { readonly sigmas: readonly number[] } {
  const all = [...levels, 0];
  const process = flowMatching();
  const run = exact ? recorded(all.map(flowLevel), 'flow', 1) : { process, grid: all };
  const shown = (sigma: number): number => (inverted ? 1 - sigma : sigma);
  const timesteps = told ?? levels.map((s) => shown(s) * N);
  return {
    ...run,
    kind: 'data',
    timesteps,
    sigmas: all.map(shown),
    call(t): NetworkCall {
      const index = exact ? all.length - 1 - t : Number.NaN;
      const sigma = exact ? (all[index] ?? run.process.sigma(t)) : t;
      // x₀ = x − σ u
      const timestep = timesteps[index] ?? shown(sigma) * N;
      return { timestep, x: 1, output: inverted ? sigma : -sigma };
    },
  };
}

export function readFlowMatchEuler(config: ConfigReader, call: SchedulerCall): SchedulerReading {
  const N = config.integer('num_train_timesteps', 1000, 1);
  const shift = config.number('shift', 1, { min: Number.MIN_VALUE });
  const dynamic = config.flag('use_dynamic_shifting', false);
  const type = config.choice('time_shift_type', 'exponential', ['exponential', 'linear']);
  const terminal = config.number('shift_terminal', undefined, { min: 0, max: 1 });
  const inverted = config.flag('invert_sigmas', false);
  const stochastic = config.flag('stochastic_sampling', false);
  // They say how pipelines find μ.
  for (const name of ['base_shift', 'max_shift', 'base_image_seq_len', 'max_image_seq_len'])
    config.number(name, 0);
  const chosen = (['karras', 'exponential', 'beta'] as const).filter((p) =>
    config.flag(`use_${p}_sigmas`, false),
  );
  if (chosen.length > 1) {
    config.refuse('at most one of the use_…_sigmas may be true', chosen.join(' and '), 'Keep one of them.');
  }
  if (dynamic && call.mu === undefined) {
    config.refuse(
      'mu must be given with use_dynamic_shifting',
      'none',
      'Pass { mu }, from the size of the picture.',
    );
  }
  const factor = dynamic ? (type === 'exponential' ? Math.exp(call.mu!) : call.mu!) : shift;
  if (!(factor > 0)) config.refuse('the shift must be above 0', String(factor), 'Pass a positive mu.');
  const least = call.exact && !dynamic ? shifted(1 / N, shift) : 1 / N;
  let sigmas = plainSigmas(config, call, N, least).map((s) => shifted(s, factor));
  if (terminal) {
    if (sigmas.at(-1)! === 1)
      config.refuse('steps must be at least 2 with shift_terminal', '1', 'Take more.');
    const scale = (1 - sigmas.at(-1)!) / (1 - terminal);
    sigmas = sigmas.map((s) => 1 - (1 - s) / scale);
  }
  const placement: Placement | undefined = chosen[0];
  if (placement) sigmas = placedLevels(placement, sigmas[0]!, sigmas.at(-1)!, sigmas.length);
  const told = call.exact && !inverted ? call.timesteps : undefined;
  const plan = flowPlan(sigmas, N, { exact: call.exact, inverted, told });
  return { ...plan, sampler: stochastic ? lcm() : ddim() };
}

export function readFlowMatchHeun(config: ConfigReader, call: SchedulerCall): SchedulerReading {
  const N = config.integer('num_train_timesteps', 1000, 1);
  const shift = config.number('shift', 1, { min: Number.MIN_VALUE });
  const least = call.exact ? shifted(1 / N, shift) : 1 / N;
  const sigmas = plainSigmas(config, call, N, least).map((s) => shifted(s, shift));
  const plan = flowPlan(sigmas, N, { exact: call.exact, inverted: false });
  const twice = (list: readonly number[]): number[] => list.flatMap((v, i) => (i === 0 ? [v] : [v, v]));
  return {
    ...plan,
    ...(call.exact && { timesteps: twice(plan.timesteps), sigmas: twice(plan.sigmas).slice(0, -1) }),
    sampler: flowHeun(),
  };
}
