/**
 * The suite in this very page (or process), on tfjs backends that are registered in it: what a browser measures, to be
 * merged into the results of Node.
 *
 * The backends take turns as the processes of Node do, so their ratios are paired too. There is no processor time, and
 * nobody can be stopped: the limit of the pace is not kept here.
 */
import { useBackend } from '@diff/core';
import type { BenchCase } from './bench-case.ts';
import { type Contender, Refusal } from './contender.ts';
import type { Digest } from './digest.ts';
import { measureCase } from './measure-case.ts';
import type { Pace } from './pace.ts';
import { type CaseResult, type ContestantResult, type Machine, type Results, SCHEMA } from './results.ts';
import { CannotRun, createSession } from './session.ts';
import { asCannot, tfjsContestant } from './tfjs-contestant.ts';

export interface HereOptions {
  /** Names the kind of place, such as 'browser'. */
  readonly environment: string;
  /** Ids and labels of the backends that take part, best first; each is the name of a tfjs backend. */
  readonly backends: readonly { readonly backend: string; readonly id: string; readonly label: string }[];
  readonly baseline: string;
  readonly machine: Machine;
  readonly cases: readonly BenchCase[];
  readonly pace: Pace;
  readonly onCase?: (result: CaseResult) => void;
}

/** Runs `work` on a backend; what it throws becomes a refusal. */
async function on<T>(backend: string, work: () => T | Promise<T>): Promise<T> {
  try {
    await useBackend(backend);
    return await work();
  } catch (thrown) {
    const error = asCannot(thrown);
    const message = error instanceof Error ? error.message : String(error);
    throw new Refusal(error instanceof CannotRun ? 'cannot' : 'error', message);
  }
}

async function contenderOn(backend: string, id: string): Promise<Contender> {
  const session = await on(backend, () => createSession(tfjsContestant()));
  return {
    id,
    prepare: (benchCase) => on(backend, () => session.prepare(benchCase)),
    time: ({ repetitions, bursts }) => on(backend, () => session.time(repetitions, bursts)),
    finish: () =>
      on(backend, () => {
        session.finish();
        return {};
      }),
  };
}

/** The results of this environment, ready for JSON. */
export async function runHere(options: HereOptions): Promise<Results> {
  const { environment, backends, baseline, machine, cases, pace, onCase } = options;
  const began = performance.now();
  const started = new Date().toISOString();
  const contenders: Contender[] = [];
  const contestants: ContestantResult[] = [];
  for (const { backend, id, label } of backends) {
    const common = { id, label, environment, versions: {}, threads: 1 };
    try {
      contenders.push(await contenderOn(backend, id));
      contestants.push(common);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      contestants.push({ ...common, absent: error.message });
    }
  }
  const reference = async (benchCase: BenchCase): Promise<Digest> => {
    const cpu = await contenderOn('cpu', 'reference');
    const found = await cpu.prepare(benchCase, pace.limit);
    await cpu.finish(pace.limit);
    return found;
  };
  const done: CaseResult[] = [];
  for (const benchCase of cases) {
    const { id, group, title, work, curve } = benchCase;
    const until = Number.POSITIVE_INFINITY;
    const cells = await measureCase({
      benchCase,
      contenders,
      pace,
      until,
      reference: () => reference(benchCase),
    });
    const result = { id, group, title, ...(work && { work }), ...(curve && { curve }), cells };
    done.push(result);
    onCase?.(result);
  }
  return {
    schema: SCHEMA,
    started,
    seconds: (performance.now() - began) / 1000,
    commit: '',
    machine,
    options: {},
    clock: 'wall',
    baseline,
    contestants,
    cases: done,
    notReached: [],
    startUp: [],
    sizes: [],
  };
}
