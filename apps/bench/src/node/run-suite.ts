/** The whole run: assembles the contestants, measures case after case, and gathers the results. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BenchCase } from '../suite/bench-case.ts';
import type { Digest } from '../suite/digest.ts';
import { measureCase } from '../suite/measure-case.ts';
import type { Pace } from '../suite/pace.ts';
import { type CaseResult, type Clock, type Results, SCHEMA } from '../suite/results.ts';
import { startContestant } from './contestant-process.ts';
import { BASELINE, type ContestantSpec, nodeWorker } from './contestants.ts';
import { assembleCrew, type Crew } from './crew.ts';
import { commit, load, machine } from './machine.ts';
import { type CaseFiles, caseFiles, processContender } from './process-contender.ts';

export interface RunOptions {
  readonly cases: readonly BenchCase[];
  readonly contestants: readonly ContestantSpec[];
  readonly pace: Pace;
  /** Milliseconds after which nothing more is begun. */
  readonly deadline: number;
  readonly clock: Clock;
  /** Ends the run after the case at hand; what was measured is kept. */
  readonly signal?: AbortSignal;
  /** Shown in the results. */
  readonly options: Results['options'];
  readonly onCrew?: (crew: Crew) => void;
  readonly onProgress?: (
    done: readonly CaseResult[],
    benchCase: BenchCase,
    contestant: string,
    what: string,
  ) => void;
  readonly onCase?: (done: readonly CaseResult[], result: CaseResult) => void;
}

/** Milliseconds that a reference result may take. */
const REFERENCE_LIMIT = 120_000;

/**
 * The tfjs cpu backend's result of a case that has no closed form: sums in float64, results in float32. It has a process
 * of its own, which lives for one case.
 */
async function cpuReference(benchCase: BenchCase, files: CaseFiles): Promise<Digest> {
  const started = startContestant(nodeWorker('tfjs-cpu'));
  try {
    await started.ask({ do: 'hello' }, REFERENCE_LIMIT);
    const reference = processContender({ id: 'reference', files, process: async () => started });
    return await reference.prepare(benchCase, REFERENCE_LIMIT);
  } finally {
    started.end();
  }
}

export async function runSuite(options: RunOptions): Promise<Omit<Results, 'startUp' | 'sizes'>> {
  const { cases, contestants, pace, deadline, signal, onCrew, onProgress, onCase } = options;
  const began = performance.now();
  const started = new Date().toISOString();
  const loadBefore = load();
  const scratch = await mkdtemp(join(tmpdir(), 'diff-bench-'));
  const crew = await assembleCrew(contestants);
  const files = caseFiles(scratch);
  const contenders = crew.present.map(({ spec: { id, yardstick, growth }, process }) => ({
    growth,
    contender: processContender({ id, yardstick, files, process }),
  }));
  const done: CaseResult[] = [];
  const notReached: string[] = [];
  try {
    onCrew?.(crew);
    let curveBefore: string | undefined;
    for (const benchCase of cases) {
      const { id, group, title, work, curve } = benchCase;
      // Memory is told as a high-water mark, which means something in a process that did nothing else.
      const curveNow = curve && `${curve.curve} ${curve.axis}`;
      if (curveNow !== curveBefore) crew.refresh();
      curveBefore = curveNow;
      if (signal?.aborted || performance.now() - began > deadline) {
        notReached.push(id);
        continue;
      }
      const cells = await measureCase({
        benchCase,
        contenders: contenders.flatMap(({ contender, growth }) => (growth || !curve ? [contender] : [])),
        pace,
        until: began + deadline,
        reference: () => cpuReference(benchCase, files),
        onProgress: (contestant, what) => onProgress?.(done, benchCase, contestant, what),
      });
      const result = { id, group, title, ...(work && { work }), ...(curve && { curve }), cells };
      done.push(result);
      onCase?.(done, result);
    }
  } finally {
    crew.end();
    await rm(scratch, { recursive: true, force: true });
  }
  return {
    schema: SCHEMA,
    started,
    seconds: (performance.now() - began) / 1000,
    commit: commit(fileURLToPath(new URL('.', import.meta.url))),
    machine: { ...machine(), load: [loadBefore, load()] },
    options: options.options,
    clock: options.clock,
    baseline: BASELINE,
    contestants: crew.results,
    cases: done,
    notReached,
  };
}
