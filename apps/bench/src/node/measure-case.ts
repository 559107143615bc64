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
import { Refusal } from './contestant-process.ts';
import type { Member } from './crew.ts';
import { type RawFiles, readValues, writeInputs } from './raw-files.ts';

export interface Pace {
  readonly rounds: number;
  /** Milliseconds that a sample should take. */
  readonly sample: number;
  /** Milliseconds that a contestant may spend on the rounds of one case. */
  readonly budget: number;
  /** Milliseconds after which a check or a turn is stopped. */
  readonly limit: number;
}

const BURSTS = 5;

interface Plan {
  readonly repetitions: number;
  readonly bursts: number;
  readonly rounds: number;
}

/** How many runs make a burst, bursts a turn, and in how many rounds to take part, when one run takes `milliseconds`. */
export function planned(milliseconds: number, { rounds, sample, budget }: Pace): Plan {
  const run = Math.max(milliseconds, 1e-5);
  const repetitions = Math.max(1, Math.round(sample / BURSTS / run));
  const bursts = Math.max(1, Math.min(BURSTS, Math.round(sample / (run * repetitions))));
  const possible = Math.floor(budget / (run * repetitions * bursts));
  return { repetitions, bursts, rounds: Math.max(1, Math.min(rounds, possible)) };
}

interface Entrant extends Plan {
  readonly member: Member;
  readonly firstRun: number;
  readonly samples: number[];
}

function asCell(error: unknown): Cell {
  if (!(error instanceof Refusal)) throw error;
  const status = error.kind === 'cannot' || error.kind === 'slow' ? 'cannot' : 'error';
  return { status, reason: error.message };
}

export interface MeasureOptions {
  readonly benchCase: BenchCase;
  readonly members: readonly Member[];
  readonly pace: Pace;
  /** `performance.now()` after which nothing more is begun. */
  readonly until: number;
  /** A folder for inputs and results. */
  readonly scratch: string;
  /** What the results must be, where the case itself does not say. */
  readonly reference?: (inputs: RawFiles) => Promise<Digest>;
  /** Told which contestant does what. */
  readonly onProgress?: (contestant: string, what: string) => void;
}

/** The part of an expected result that a digest of it shows. */
function expectedFromDigest(reference: Digest, tolerance: { relative: number; absolute: number }): Expected {
  if (reference.elements.length !== reference.size || reference.elements.includes(null)) {
    throw new RangeError('A reference result must be short and finite.');
  }
  return { values: reference.elements as readonly number[], ...tolerance };
}

export async function measureCase(options: MeasureOptions): Promise<Readonly<Record<string, Cell>>> {
  const { benchCase, members, pace, until, scratch, reference, onProgress } = options;
  const inputs = benchCase.inputs();
  const files = await writeInputs(scratch, inputs);
  const expected = benchCase.expected
    ? benchCase.expected(inputs)
    : expectedFromDigest(await reference!(files), benchCase.tolerance ?? { relative: 1e-3, absolute: 0 });
  const pieces = benchCase.work?.pieces ?? 1;
  const cells: Record<string, Cell> = {};
  const entrants: Entrant[] = [];
  /** Milliseconds that the next request may take; refuses where none are left. */
  const limit = (): number => {
    const left = until - performance.now();
    if (left <= 0) throw new Refusal('cannot', 'no time was left for it');
    return Math.min(pace.limit, left);
  };

  for (const member of members) {
    const { id, yardstick } = member.spec;
    try {
      onProgress?.(id, 'checking');
      const process = await member.process();
      const output = join(scratch, `${id}.out.f32`);
      const { op, settings } = benchCase;
      const prepared = await process.ask(
        { do: 'prepare', case: benchCase.id, op, settings, inputs: files, output },
        limit(),
      );
      const wrong = yardstick
        ? undefined
        : disagreement(prepared.digest ?? digest(await readValues(output)), expected);
      if (wrong) {
        cells[id] = { status: 'wrong', reason: wrong };
        await process.ask({ do: 'finish' }, pace.limit);
        continue;
      }
      onProgress?.(id, 'warming up');
      const time = async (repetitions: number): Promise<number> =>
        (await process.ask({ do: 'time', repetitions, bursts: 1 }, limit())).milliseconds;
      const firstRun = await time(1);
      const rough = planned(firstRun, pace);
      // The first run pays for compilation and page faults; a slow contestant is measured by it alone.
      const alone = firstRun > pace.budget / 2;
      const warm = alone ? firstRun : await time(Math.min(rough.repetitions, 1000));
      entrants.push({
        member,
        firstRun: firstRun / pieces,
        samples: alone ? [firstRun / pieces] : [],
        ...(alone ? { repetitions: 1, bursts: 1, rounds: 1 } : planned(warm, pace)),
      });
    } catch (error) {
      cells[id] = asCell(error);
    }
  }

  for (let round = 0; round < pace.rounds; round++) {
    for (let turn = 0; turn < entrants.length; turn++) {
      const { member, repetitions, bursts, rounds, samples } = entrants[(round + turn) % entrants.length]!;
      if (samples.length !== round || round >= rounds || cells[member.spec.id]) continue;
      try {
        onProgress?.(member.spec.id, `round ${round + 1} of ${rounds}`);
        const process = await member.process();
        const { milliseconds } = await process.ask({ do: 'time', repetitions, bursts }, limit());
        samples.push(milliseconds / pieces);
      } catch (error) {
        // What was measured before stands.
        if (samples.length === 0) cells[member.spec.id] = asCell(error);
      }
    }
  }

  for (const { member, samples, repetitions, bursts, firstRun } of entrants) {
    const { id } = member.spec;
    cells[id] ??= { status: 'timed', samples, repetitions, bursts, firstRun };
    try {
      const { peakBytes } = await (await member.process()).ask({ do: 'finish' }, pace.limit);
      if (cells[id].status === 'timed') cells[id] = { ...cells[id], peakBytes };
    } catch (error) {
      // A process that is gone has freed everything; the next case starts another.
      if (!(error instanceof Refusal)) throw error;
    }
  }
  return Object.fromEntries(members.map(({ spec }) => [spec.id, cells[spec.id]!]));
}
