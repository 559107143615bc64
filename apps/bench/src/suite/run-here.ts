/**
 * The suite in another environment than Node, a browser say: results to be merged into those of Node.
 *
 * Whoever calls it brings the contestants, and starts and ends what they run in. They take turns as the processes of Node
 * do, so their ratios are paired too.
 */
import type { BenchCase } from './bench-case.ts';
import { type Contender, Refusal } from './contender.ts';
import type { Digest } from './digest.ts';
import { measureCase } from './measure-case.ts';
import type { Pace } from './pace.ts';
import { type CaseResult, type ContestantResult, type Machine, type Results, SCHEMA } from './results.ts';

/** What a contestant says of itself when it has started. */
export interface Introduction {
  readonly versions: Readonly<Record<string, string>>;
  readonly threads: number;
}

export interface Invited {
  readonly label: string;
  readonly contender: Contender;
  /** Starts it; a Refusal is the reason of its absence. */
  introduce(): Promise<Introduction>;
}

export interface HereOptions {
  /** Names the kind of place, such as 'browser'. */
  readonly environment: string;
  readonly invited: readonly Invited[];
  readonly baseline: string;
  readonly machine: Machine;
  readonly cases: readonly BenchCase[];
  readonly pace: Pace;
  /** The result of tfjs's cpu backend, for cases that do not say it themselves. */
  reference(benchCase: BenchCase): Promise<Digest>;
  /** Once aborted, the case at hand counts as not reached. */
  readonly signal?: AbortSignal;
  onContestants?(contestants: readonly ContestantResult[]): void;
  onProgress?(benchCase: BenchCase, contestant: string, what: string): void;
  onCase?(result: CaseResult): void;
}

/** The results of this environment, ready for JSON. */
export async function runHere(options: HereOptions): Promise<Results> {
  const { environment, invited, baseline, machine, cases, pace, reference, signal } = options;
  const began = performance.now();
  const started = new Date().toISOString();
  const contenders: Contender[] = [];
  const contestants: ContestantResult[] = [];
  for (const { label, contender, introduce } of invited) {
    const common = { id: contender.id, label, environment };
    try {
      contestants.push({ ...common, ...(await introduce()) });
      contenders.push(contender);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      contestants.push({ ...common, versions: {}, threads: 0, absent: error.message });
    }
  }
  options.onContestants?.(contestants);
  const done: CaseResult[] = [];
  const notReached: string[] = [];
  for (const benchCase of cases) {
    const { id, group, title, work, curve } = benchCase;
    const cells = signal?.aborted
      ? undefined
      : await measureCase({
          benchCase,
          contenders,
          pace,
          until: Number.POSITIVE_INFINITY,
          reference: () => reference(benchCase),
          onProgress: (contestant, what) => options.onProgress?.(benchCase, contestant, what),
        });
    if (!cells || signal?.aborted) {
      notReached.push(id);
      continue;
    }
    const result = { id, group, title, ...(work && { work }), ...(curve && { curve }), cells };
    done.push(result);
    options.onCase?.(result);
  }
  return {
    schema: SCHEMA,
    started,
    seconds: (performance.now() - began) / 1000,
    commit: '',
    machine,
    options: { rounds: pace.rounds, cases: cases.length },
    clock: 'wall',
    baseline,
    contestants,
    cases: done,
    notReached,
    startUp: [],
    sizes: [],
  };
}
