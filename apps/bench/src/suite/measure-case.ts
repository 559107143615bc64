/**
 * One case over all contestants: check everybody, then time those who agree, in turns.
 *
 * Nothing is timed before its result agrees with the expected one. Then each contestant warms up and finds how many
 * runs make a burst of some milliseconds; then rounds follow, in each of which everybody has one turn, beginning with
 * another contestant every time. A turn is up to five bursts, of which the best counts: what else the machine does
 * can only add to a time. Whoever is slow takes part in fewer rounds, the first ones.
 */
import type { BenchCase, Expected } from './bench-case.ts';
import { type Contender, Refusal } from './contender.ts';
import { type Digest, disagreement } from './digest.ts';
import { type Pace, type Plan, planned, warmUpRuns } from './pace.ts';
import type { Cell } from './results.ts';

export interface MeasureOptions {
  readonly benchCase: BenchCase;
  readonly contenders: readonly Contender[];
  readonly pace: Pace;
  /** `performance.now()` after which nothing more is begun. */
  readonly until: number;
  /** What the results must be, where the case itself does not say. */
  readonly reference: () => Promise<Digest>;
  /** Told which contestant does what. */
  readonly onProgress?: (contestant: string, what: string) => void;
}

interface Entrant extends Plan {
  readonly contender: Contender;
  readonly firstRun: number;
  readonly samples: number[];
  readonly cpu: number[];
}

function asCell(error: unknown, until: number): Cell {
  if (!(error instanceof Refusal)) throw error;
  if (error.kind === 'slow' && performance.now() >= until) {
    return { status: 'cannot', reason: 'no time was left for it' };
  }
  const status = error.kind === 'cannot' || error.kind === 'slow' ? 'cannot' : 'error';
  return { status, reason: error.message };
}

/** The expected result, from the case or from the reference, whose digest must hold all of it. */
async function expectedOf({ benchCase, reference }: MeasureOptions): Promise<Expected> {
  if (benchCase.expected) return benchCase.expected(benchCase.inputs());
  const { elements, size } = await reference();
  if (elements.length !== size || elements.includes(null)) {
    throw new Refusal('error', 'the reference result is not a short list of finite numbers');
  }
  return { values: elements as readonly number[], ...(benchCase.tolerance ?? { relative: 1e-3 }) };
}

export async function measureCase(options: MeasureOptions): Promise<Readonly<Record<string, Cell>>> {
  const { benchCase, contenders, pace, until, onProgress } = options;
  const pieces = benchCase.work?.pieces ?? 1;
  const cells: Record<string, Cell> = {};
  let expected: Expected;
  try {
    expected = await expectedOf(options);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const cell: Cell = { status: 'error', reason: `there is no reference: ${error.message}` };
    return Object.fromEntries(contenders.map(({ id }) => [id, cell]));
  }

  /** Milliseconds that the next request may take; refuses where none are left. */
  const limit = (): number => {
    const left = until - performance.now();
    if (left <= 0) throw new Refusal('cannot', 'no time was left for it');
    return Math.min(pace.limit, left);
  };

  /** Checks and warms up; the cell of one that may not be timed, or the entrant. */
  const enter = async (contender: Contender): Promise<Cell | Entrant> => {
    const { id, yardstick } = contender;
    onProgress?.(id, 'checking');
    const result = await contender.prepare(benchCase, limit());
    const wrong = yardstick ? undefined : disagreement(result, expected);
    if (wrong) {
      await contender.finish(pace.limit);
      return { status: 'wrong', reason: wrong };
    }
    onProgress?.(id, 'warming up');
    const { milliseconds: first, cpu } = await contender.time({ repetitions: 1, bursts: 1 }, limit());
    const firstRun = first / pieces;
    // The first run pays for compilation and page faults; but a slow contestant is measured by it alone.
    if (first > pace.budget) {
      const plan: Plan = { repetitions: 1, bursts: 1, rounds: 1 };
      const samples = { samples: [firstRun], cpu: cpu === undefined ? [] : [cpu / pieces] };
      return { contender, firstRun, ...samples, ...plan };
    }
    // One by one, so that the best of them, not their mean, says how long a run takes.
    const warm = await contender.time({ repetitions: 1, bursts: warmUpRuns(first, pace) }, limit());
    return { contender, firstRun, samples: [], cpu: [], ...planned(warm.milliseconds, pace) };
  };

  const entrants: Entrant[] = [];
  for (const contender of contenders) {
    try {
      const entered = await enter(contender);
      if ('contender' in entered) entrants.push(entered);
      else cells[contender.id] = entered;
    } catch (error) {
      cells[contender.id] = asCell(error, until);
    }
  }

  for (let round = 0; round < pace.rounds; round++) {
    for (let i = 0; i < entrants.length; i++) {
      const { contender, samples, cpu, ...plan } = entrants[(round + i) % entrants.length]!;
      if (samples.length !== round || round >= plan.rounds) continue;
      onProgress?.(contender.id, `round ${round + 1} of ${plan.rounds}`);
      try {
        const turn = await contender.time(plan, limit());
        samples.push(turn.milliseconds / pieces);
        if (turn.cpu !== undefined) cpu.push(turn.cpu / pieces);
      } catch (error) {
        // What was measured before stands.
        const cell = asCell(error, until);
        if (samples.length === 0) cells[contender.id] = cell;
      }
    }
  }

  for (const { contender, samples, cpu, repetitions, bursts, firstRun } of entrants) {
    const { id } = contender;
    const clocks = { samples, ...(cpu.length === samples.length && { cpu }) };
    const cell: Cell = cells[id] ?? { status: 'timed', ...clocks, repetitions, bursts, firstRun };
    cells[id] = cell;
    try {
      const memory = await contender.finish(pace.limit);
      if (cell.status === 'timed') cells[id] = { ...cell, ...memory };
    } catch (error) {
      // A process that is gone has freed everything; the next case starts another.
      if (!(error instanceof Refusal)) throw error;
    }
  }
  return Object.fromEntries(contenders.map(({ id }) => [id, cells[id]!]));
}
