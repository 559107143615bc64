/**
 * One case over all contestants: check everybody, then time those who agree, in turns.
 *
 * Nothing is timed before its result agrees with the expected one. Then each contestant warms up and finds how many
 * runs make a burst of some milliseconds; then rounds follow, in each of which everybody has one turn, beginning with
 * another contestant every time. A turn is up to five bursts, of which the fastest counts: what else the machine does
 * can only add to a time. Whoever is slow takes part in fewer rounds, the first ones.
 */
import { join } from 'node:path';
import type { Cell } from '../report/results.ts';
import type { BenchCase, Expected } from '../suite/bench-case.ts';
import { type Digest, digest, disagreement } from '../suite/digest.ts';
import type { Duration } from '../suite/session.ts';
import { Refusal } from './contestant-process.ts';
import type { Member } from './crew.ts';
import { type Pace, type Plan, planned } from './pace.ts';
import { type RawFiles, readValues, writeInputs } from './raw-files.ts';

export interface MeasureOptions {
  readonly benchCase: BenchCase;
  readonly members: readonly Member[];
  readonly pace: Pace;
  /** `performance.now()` after which nothing more is begun. */
  readonly until: number;
  /** A folder for inputs and results. */
  readonly scratch: string;
  /** What the results must be, where the case itself does not say. */
  readonly reference: (inputs: RawFiles) => Promise<Digest>;
  /** Told which contestant does what. */
  readonly onProgress?: (contestant: string, what: string) => void;
}

type Cells = Readonly<Record<string, Cell>>;

interface Entrant extends Plan {
  readonly member: Member;
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
async function expectedOf({ benchCase, reference }: MeasureOptions, files: RawFiles): Promise<Expected> {
  if (benchCase.expected) return benchCase.expected(benchCase.inputs());
  const { elements, size } = await reference(files);
  if (elements.length !== size || elements.includes(null)) {
    throw new Refusal('error', 'the reference result is not a short list of finite numbers');
  }
  return { values: elements as readonly number[], ...(benchCase.tolerance ?? { relative: 1e-3 }) };
}

export async function measureCase(options: MeasureOptions): Promise<Cells> {
  const { benchCase, members, pace, until, scratch, onProgress } = options;
  const { id: caseId, op, settings, work } = benchCase;
  const pieces = work?.pieces ?? 1;
  const inputs = await writeInputs(scratch, benchCase.inputs());
  const cells: Record<string, Cell> = {};
  let expected: Expected;
  try {
    expected = await expectedOf(options, inputs);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const cell: Cell = { status: 'error', reason: `there is no reference: ${error.message}` };
    return Object.fromEntries(members.map(({ spec }) => [spec.id, cell]));
  }

  /** Milliseconds that the next request may take; refuses where none are left. */
  const limit = (): number => {
    const left = until - performance.now();
    if (left <= 0) throw new Refusal('cannot', 'no time was left for it');
    return Math.min(pace.limit, left);
  };

  /** Checks and warms up; the cell of one that may not be timed, or the entrant. */
  const enter = async (member: Member): Promise<Cell | Entrant> => {
    const { id, yardstick } = member.spec;
    onProgress?.(id, 'checking');
    const process = await member.process();
    const output = join(scratch, `${id}.out.f32`);
    const found = await process.ask({ do: 'prepare', case: caseId, op, settings, inputs, output }, limit());
    const result = found.digest ?? digest(await readValues(output));
    const wrong = yardstick ? undefined : disagreement(result, expected);
    if (wrong) {
      await process.ask({ do: 'finish' }, pace.limit);
      return { status: 'wrong', reason: wrong };
    }
    onProgress?.(id, 'warming up');
    const time = (repetitions: number): Promise<Duration> =>
      process.ask({ do: 'time', repetitions, bursts: 1 }, limit());
    const { milliseconds: first, cpu } = await time(1);
    const firstRun = first / pieces;
    // The first run pays for compilation and page faults; but a slow contestant is measured by it alone.
    if (first > pace.budget / 2) {
      return {
        member,
        firstRun,
        samples: [firstRun],
        cpu: cpu === undefined ? [] : [cpu / pieces],
        repetitions: 1,
        bursts: 1,
        rounds: 1,
      };
    }
    const warm = await time(Math.max(1, Math.min(1000, Math.round(pace.warmUp / first))));
    return { member, firstRun, samples: [], cpu: [], ...planned(warm.milliseconds, pace) };
  };

  const entrants: Entrant[] = [];
  for (const member of members) {
    try {
      const entered = await enter(member);
      if ('member' in entered) entrants.push(entered);
      else cells[member.spec.id] = entered;
    } catch (error) {
      cells[member.spec.id] = asCell(error, until);
    }
  }

  for (let round = 0; round < pace.rounds; round++) {
    for (let i = 0; i < entrants.length; i++) {
      const { member, repetitions, bursts, rounds, samples, cpu } = entrants[(round + i) % entrants.length]!;
      if (samples.length !== round || round >= rounds) continue;
      onProgress?.(member.spec.id, `round ${round + 1} of ${rounds}`);
      try {
        const process = await member.process();
        const turn = await process.ask({ do: 'time', repetitions, bursts }, limit());
        samples.push(turn.milliseconds / pieces);
        if (turn.cpu !== undefined) cpu.push(turn.cpu / pieces);
      } catch (error) {
        // What was measured before stands.
        const cell = asCell(error, until);
        if (samples.length === 0) cells[member.spec.id] = cell;
      }
    }
  }

  for (const { member, samples, cpu, repetitions, bursts, firstRun } of entrants) {
    const { id } = member.spec;
    const cell: Cell = cells[id] ?? {
      status: 'timed',
      samples,
      ...(cpu.length === samples.length && { cpu }),
      repetitions,
      bursts,
      firstRun,
    };
    cells[id] = cell;
    try {
      const { peakBytes } = await (await member.process()).ask({ do: 'finish' }, pace.limit);
      if (cell.status === 'timed') cells[id] = { ...cell, peakBytes };
    } catch (error) {
      // A process that is gone has freed everything; the next case starts another.
      if (!(error instanceof Refusal)) throw error;
    }
  }
  return Object.fromEntries(members.map(({ spec }) => [spec.id, cells[spec.id]!]));
}
