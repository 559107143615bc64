/**
 * What a run leaves behind as results.json. The README documents every field; `SCHEMA` grows when their meaning changes.
 */
import type { CurvePoint, Group, Work } from './bench-case.ts';

export const SCHEMA = 1;

/** Time that passed, or time of the processor, which other programs on a busy machine do not lengthen. */
export type Clock = 'wall' | 'cpu';

/** What became of a case on a contestant. */
export type Cell =
  | {
      readonly status: 'timed';
      /** Milliseconds per piece of work, one per round, in the order of the rounds; each of the fastest burst. */
      readonly samples: readonly number[];
      /** The same on the clock of the processor, all threads of the process together; of the burst with the least. */
      readonly cpu?: readonly number[];
      /** Runs of a burst, over which its time is the mean. */
      readonly repetitions: number;
      /** Bursts of a turn. */
      readonly bursts: number;
      /** Milliseconds of the very first timed run, warm-up included. */
      readonly firstRun: number;
      /** Greatest resident size of the process up to the end of this case, bytes. */
      readonly peakBytes?: number;
    }
  /** No way to run it, or not within the limit of time. */
  | { readonly status: 'cannot'; readonly reason: string }
  /** Computed something else, and was not timed. */
  | { readonly status: 'wrong'; readonly reason: string }
  | { readonly status: 'error'; readonly reason: string };

export interface CaseResult {
  readonly id: string;
  readonly group: Group;
  readonly title: string;
  readonly work?: Work;
  readonly curve?: CurvePoint;
  /** By contestant. */
  readonly cells: Readonly<Record<string, Cell>>;
}

export interface ContestantResult {
  readonly id: string;
  readonly label: string;
  readonly environment: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly threads: number;
  readonly yardstick?: boolean;
  /** Why it took no part. */
  readonly absent?: string;
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly system: string;
  readonly runtime: string;
  /** Mean number of processes that wanted a core over the minute before start and before the end. */
  readonly load: readonly number[];
}

/** Milliseconds from the start of a fresh process to its first result. */
export interface StartUp {
  readonly name: string;
  readonly samples: readonly number[];
}

/** Bytes of a bundle, minified. */
export interface DownloadSize {
  readonly name: string;
  readonly minified: number;
  readonly gzip: number;
  readonly brotli: number;
}

export interface Results {
  readonly schema: typeof SCHEMA;
  readonly started: string;
  readonly seconds: number;
  readonly commit: string;
  readonly machine: Machine;
  readonly options: Readonly<Record<string, string | number | boolean>>;
  /** The clock that tables, ratios and targets go by. */
  readonly clock: Clock;
  /** Whose times the others are divided by, within its environment. */
  readonly baseline: string;
  readonly contestants: readonly ContestantResult[];
  readonly cases: readonly CaseResult[];
  /** Cases that the limit of time left out. */
  readonly notReached: readonly string[];
  readonly startUp: readonly StartUp[];
  readonly sizes: readonly DownloadSize[] | { readonly cannot: string };
  /** Machines of results that were merged in, by environment. */
  readonly merged?: Readonly<Record<string, Machine>>;
}

/** The samples of a contestant in a case, or none. */
export function samplesOf(result: CaseResult, contestant: string): readonly number[] {
  const cell = result.cells[contestant];
  return cell?.status === 'timed' ? cell.samples : [];
}

/** Whose times a contestant's are divided by: the baseline of its own environment. */
export function baselineOf(contestant: string, baseline: string): string {
  const environment = contestant.slice(0, contestant.lastIndexOf(':') + 1);
  return `${environment}${baseline}`;
}
