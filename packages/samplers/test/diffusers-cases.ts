/** Recorded runs of diffusers: a config, how many steps, and the numbers that came out. */
import type { SchedulerOptions } from '../src/index.ts';
import { golden, type Rows } from './golden.ts';

export interface DiffusersCase {
  readonly scheduler: string;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly step_kwargs?: Partial<SchedulerOptions>;
  readonly mu?: number;
  /** The timesteps were given to the library. */
  readonly given?: 'timesteps';
  readonly problem: string;
  readonly n: number;
  /** How many draws the library made. */
  readonly noise_used?: number;
  readonly timesteps: readonly number[];
  readonly sigmas?: readonly number[];
  /** Standard deviation of the initial noise. */
  readonly init?: number;
  readonly x_T?: Rows;
  readonly x_0: Rows;
  /** How far the library's own float32 run is from this one. */
  readonly gap?: number;
}

type Stored = Omit<DiffusersCase, 'timesteps' | 'sigmas'> & {
  readonly timesteps: number;
  readonly sigmas?: number;
};

/** Cases of one file; lists that occur in several are stored once. */
export function diffusersCases(file: string): readonly DiffusersCase[] {
  const { lists, cases } = golden<{ lists: readonly (readonly number[])[]; cases: readonly Stored[] }>(file);
  return cases.map(({ timesteps, sigmas, ...rest }) => ({
    ...rest,
    timesteps: lists[timesteps]!,
    ...(sigmas !== undefined && { sigmas: lists[sigmas]! }),
  }));
}

/** The config with its class, and the options of the case. */
export function requestOf(c: DiffusersCase): { config: Record<string, unknown>; options: SchedulerOptions } {
  return {
    config: { _class_name: c.scheduler, ...c.config },
    options: {
      ...(c.given ? { timesteps: c.timesteps } : { steps: c.n }),
      ...(c.mu !== undefined && { mu: c.mu }),
      ...c.step_kwargs,
    },
  };
}

export function caseTitle(c: DiffusersCase, i: number): string {
  const options = JSON.stringify({ ...c.config, ...c.step_kwargs });
  return `${i} ${c.scheduler} ${c.problem} n=${c.n} ${options.slice(1, -1).replaceAll('"', '')}`;
}
