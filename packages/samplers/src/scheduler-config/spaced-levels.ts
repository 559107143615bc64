/**
 * The timesteps at which a scheduler asks the model and the noise levels ς = σ/α that it takes the state to have there,
 * from `timestep_spacing` and the `use_…_sigmas` of its config. The level at the end is not among them.
 *
 * With compat the timesteps of converted levels are rounded or cut to whole ones as the library does, and the k-diffusion
 * schedulers take the range of a converted grid from the levels of the spacing instead of the table's.
 */
import { betaGrid, discreteTimesteps, edm, exponentialGrid, karrasGrid } from '@diff/sde';
import type { ConfigReader } from './config-reader.ts';
import { indexOfLevel, levelAtIndex, requireTimesteps, type TrainingTable } from './training-table.ts';

/** How levels are placed. */
export type Placement = 'karras' | 'exponential' | 'beta' | 'lu' | 'flow';

export interface SpacingOptions {
  readonly steps: number;
  readonly compat: boolean;
  /** ln of the shift, with `use_dynamic_shifting`. */
  readonly mu?: number | undefined;
  /** Own timesteps instead of a spacing. */
  readonly timesteps?: readonly number[] | undefined;
  /** The class's default spacing; undefined where it has no such option and takes 'linspace'. */
  readonly spacing: 'linspace' | 'leading' | 'trailing' | undefined;
  readonly placements: readonly Placement[];
  /** 'solver': n + 1 whole indices without the last; 'k-diffusion': n, fractional for 'linspace'. */
  readonly style: 'solver' | 'k-diffusion';
  /** May 'karras' and 'flow' go together? */
  readonly karrasFlow?: boolean;
  /** Has the class `sigma_min` and `sigma_max`? */
  readonly range?: boolean;
  /** Are the timesteps of Karras's levels rounded on the cosine schedule too? */
  readonly roundsCosine?: boolean;
  /** Do the sigmas of the straight line begin at 1 (compat: 1 − 10⁻⁶)? By default at 1 − 1/N, shifted. */
  readonly flowFromOne?: boolean;
  /** Are the timesteps of Karras's levels rounded in k-diffusion's style too? */
  readonly roundsKarras?: boolean;
  /** Has the class `lambda_min_clipped`? */
  readonly clips?: boolean;
  /** Levels for the range of k-diffusion's conversions, in place of those of the spacing. */
  readonly inner?: (levels: readonly number[]) => readonly number[];
}

export interface SpacedLevels {
  readonly timesteps: readonly number[];
  readonly levels: readonly number[];
  readonly placement: Placement | undefined;
  /** Levels σ/α of the straight-line process, σ = level/(1 + level). */
  readonly flow: boolean;
}

const OPTION: Readonly<Record<Placement, string>> = {
  karras: 'use_karras_sigmas',
  exponential: 'use_exponential_sigmas',
  beta: 'use_beta_sigmas',
  lu: 'use_lu_lambdas',
  flow: 'use_flow_sigmas',
};

/** n levels from `most` to `least`. */
export function placedLevels(
  placement: 'karras' | 'exponential' | 'beta',
  most: number,
  least: number,
  n: number,
  rho = 7,
): number[] {
  const options = { process: edm({ T: most }), steps: n, end: 0, sigmaMin: least };
  if (n === 1 || most === least) return new Array<number>(n).fill(most);
  const grid =
    placement === 'karras'
      ? karrasGrid({ ...options, rho })
      : placement === 'beta'
        ? betaGrid(options)
        : exponentialGrid(options);
  return grid.slice(0, n);
}

/** σ of the straight-line process after a shift: s σ/(1 + (s − 1) σ). */
export function shifted(sigma: number, shift: number): number {
  return (shift * sigma) / (1 + (shift - 1) * sigma);
}

/** σ/α where α + σ = 1. */
export function flowLevel(sigma: number): number {
  return sigma / (1 - sigma);
}

function placementOf(
  config: ConfigReader,
  options: SpacingOptions,
): { placement?: Placement; flow: boolean } {
  const chosen = options.placements.filter((p) => config.flag(OPTION[p], false));
  const both =
    options.karrasFlow && chosen.length === 2 && chosen.includes('karras') && chosen.includes('flow');
  if (chosen.length > 1 && !both) {
    config.refuse(
      'at most one of the use_…_sigmas may be true',
      chosen.map((p) => OPTION[p]).join(' and '),
      'Keep one of them.',
    );
  }
  const [placement] = both ? (['karras'] as const) : chosen;
  return placement ? { placement, flow: both || placement === 'flow' } : { flow: false };
}

/** How many steps of the table have at least λ = `lambda_min_clipped`. */
function usedSteps(config: ConfigReader, levels: readonly number[]): number {
  const least = config.number('lambda_min_clipped', Number.NEGATIVE_INFINITY);
  const used = levels.filter((level) => -Math.log(level) >= least).length;
  return used === 0
    ? config.refuse('lambda_min_clipped must leave some timesteps', String(least), 'Take a smaller one.')
    : used;
}

/** `flow_shift`, or e^μ with `use_dynamic_shifting`. */
function flowShift(config: ConfigReader, mu: number | undefined): number {
  const shift = config.number('flow_shift', 1, { min: Number.MIN_VALUE });
  const dynamic = config.flag('use_dynamic_shifting', false);
  config.choice('time_shift_type', 'exponential', ['exponential']);
  if (mu !== undefined && !dynamic) {
    config.refuse('mu must be left out without use_dynamic_shifting', String(mu), 'Set flow_shift instead.');
  }
  return mu === undefined ? shift : Math.exp(mu);
}

/** Reads spacing and placement. */
export function spacedLevels(
  config: ConfigReader,
  table: TrainingTable,
  options: SpacingOptions,
): SpacedLevels {
  const { steps: n, compat, style } = options;
  const all = ['linspace', 'leading', 'trailing'] as const;
  const spacing = options.spacing ? config.choice('timestep_spacing', options.spacing, all) : 'linspace';
  const offset = options.spacing ? config.integer('steps_offset', 0, 0) : 0;
  const shift = options.placements.includes('flow') ? flowShift(config, options.mu) : 1;
  const { placement, flow } = placementOf(config, options);
  const used = options.clips ? usedSteps(config, table.levels) : table.steps;
  const own = options.range
    ? [config.number('sigma_max', undefined, { min: 0 }), config.number('sigma_min', undefined, { min: 0 })]
    : [];

  if (placement === 'flow') {
    const range = 1 - 1 / table.steps;
    const plain = Array.from({ length: n }, (_, i) =>
      options.flowFromOne ? 1 - (i / n) * range : ((n - i) / n) * range,
    );
    const sigmas = plain.map((s) => shifted(s, shift));
    if (compat && Math.abs(sigmas[0]! - 1) < 1e-6) sigmas[0]! -= 1e-6;
    const timesteps = sigmas.map((s) => (compat ? Math.trunc(s * table.steps) : s * table.steps));
    return { timesteps, levels: sigmas.map(flowLevel), placement, flow };
  }
  if (options.timesteps && placement) {
    config.refuse(`timesteps of your own exclude ${OPTION[placement]}`, 'both', 'Leave out one of them.');
  }
  const indices = options.timesteps
    ? requireTimesteps(config, options.timesteps, table.steps, false)
    : discreteTimesteps({
        steps: n,
        spacing,
        trainSteps: table.steps,
        offset,
        dropLast: style === 'solver',
        fractional: style === 'k-diffusion' && spacing === 'linspace',
        usedSteps: used,
      });
  const plain = indices.map((i) => levelAtIndex(table.levels, i));
  const spaced = options.inner?.(plain) ?? plain;
  if (!placement) return { timesteps: indices, levels: spaced, placement: undefined, flow };

  const ends = compat && style === 'k-diffusion' ? spaced : [...table.levels].reverse();
  const [most, least] = [own[0] ?? ends[0]!, own[1] ?? ends.at(-1)!];
  const levels = placedLevels(placement === 'lu' ? 'exponential' : placement, most, least, n);
  if (flow) {
    // Karras's levels taken as σ/α of the straight line.
    const timesteps = levels.map((s) => (s / (1 + s)) * table.steps);
    return { timesteps: compat ? timesteps.map(Math.trunc) : timesteps, levels, placement, flow };
  }
  const exact = levels.map((level) => indexOfLevel(table.levels, level));
  if (!compat) return { timesteps: exact, levels, placement, flow };
  if (style === 'k-diffusion') {
    const whole = options.roundsKarras && placement === 'karras';
    return { timesteps: whole ? exact.map(Math.round) : exact, levels, placement, flow };
  }
  const cosine = config.choice('beta_schedule', 'linear', ['linear', 'scaled_linear', 'squaredcos_cap_v2']);
  const rounds =
    (placement === 'karras' || placement === 'lu') &&
    (options.roundsCosine || cosine !== 'squaredcos_cap_v2');
  return { timesteps: exact.map(rounds ? Math.round : Math.trunc), levels, placement, flow };
}

/** Times of a process for levels ς and the end, each below the one before. */
export function timesOfLevels(
  process: { timeOfLambda(lambda: number): number },
  levels: readonly number[],
): readonly number[] {
  const times = levels.map((level) => process.timeOfLambda(-Math.log(level)));
  const distinct = times.filter((t, i) => i === 0 || t < times[i - 1]! - 1e-9 * (1 + t));
  return Object.freeze(distinct);
}
