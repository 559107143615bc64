/** The order of things in a case: check, warm up, take turns; and what becomes of those who fail. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type ContestantProcess, Refusal } from '../src/node/contestant-process.ts';
import type { Member } from '../src/node/crew.ts';
import { measureCase } from '../src/node/measure-case.ts';
import { type Pace, planned } from '../src/node/pace.ts';
import type { Request } from '../src/node/protocol.ts';
import type { Cell } from '../src/report/results.ts';
import type { BenchCase } from '../src/suite/bench-case.ts';
import { digest } from '../src/suite/digest.ts';

const scratch = mkdtempSync(join(tmpdir(), 'measure-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const PACE: Pace = { rounds: 4, sample: 10, warmUp: 20, budget: 1000, limit: 5000 };

const doubling: BenchCase = {
  id: 'doubling',
  group: 'ops',
  title: 'x + x',
  op: 'double',
  settings: {},
  work: { pieces: 2 },
  quick: false,
  inputs: () => ({ x: { shape: [3], values: Float32Array.of(1, 2, 3) } }),
  expected: ({ x }) => ({ values: x!.values.map((v) => 2 * v), absolute: 1e-6 }),
  prepare: () => {
    throw new Error('not used');
  },
};

type Answer = (request: Request, count: number) => object;

/** A contestant in memory; `log` gathers its turns. */
function member(id: string, answer: Answer, log: string[] = [], yardstick = false): Member {
  let timed = 0;
  const ask = async (request: Request): Promise<never> => {
    if (request.do === 'time') log.push(id);
    return answer(request, request.do === 'time' ? timed++ : 0) as never;
  };
  const process: ContestantProcess = { alive: true, end: () => undefined, ask };
  return {
    spec: {
      id,
      label: id,
      quick: true,
      growth: true,
      command: { program: '', args: [] },
      ...(yardstick && { yardstick }),
    },
    result: { id, label: id, environment: 'node', versions: {}, threads: 1 },
    process: async () => process,
  };
}

const good =
  (milliseconds: number): Answer =>
  ({ do: what }) =>
    what === 'prepare'
      ? { digest: digest([2, 4, 6]) }
      : what === 'time'
        ? { milliseconds, cpu: milliseconds / 4 }
        : { peakBytes: 77 };

async function measure(
  members: readonly Member[],
  given: Partial<BenchCase> = {},
): Promise<Record<string, Cell>> {
  return measureCase({
    benchCase: { ...doubling, ...given },
    members,
    pace: PACE,
    until: Number.POSITIVE_INFINITY,
    scratch,
    reference: async () => digest([2, 4, 6]),
  });
}

describe('measureCase', () => {
  it('gives times per piece, in rounds that begin with another contestant each', async () => {
    const log: string[] = [];
    const cells = await measure([
      member('a', good(2), log),
      member('b', good(3), log),
      member('c', good(4), log),
    ]);
    expect(cells.a).toEqual({
      status: 'timed',
      samples: [1, 1, 1, 1],
      cpu: [0.25, 0.25, 0.25, 0.25],
      repetitions: 1,
      bursts: 5,
      firstRun: 1,
      peakBytes: 77,
    });
    // Two requests each to warm up, then the rounds.
    expect(log.join('')).toBe('aabbcc' + 'abc' + 'bca' + 'cab' + 'abc');
  });

  it('never times what computed something else', async () => {
    const log: string[] = [];
    const wrong: Answer = (request, count) =>
      request.do === 'prepare' ? { digest: digest([2, 4, 6.1]) } : good(1)(request, count);
    const cells = await measure([member('right', good(1)), member('wrong', wrong, log)]);
    expect(cells.wrong).toEqual({ status: 'wrong', reason: expect.stringContaining('element 2 is 6.1') });
    expect(log).toEqual([]);
    expect(cells.right!.status).toBe('timed');
  });

  it('compares with the reference where a case has no closed form', async () => {
    const { expected: _, ...open } = doubling;
    const pace = { pace: PACE, until: Number.POSITIVE_INFINITY, scratch };
    const benchCase = { ...open, tolerance: { relative: 0.01, absolute: 0 } };
    const run = (values: number[]): Promise<Readonly<Record<string, Cell>>> =>
      measureCase({
        ...pace,
        benchCase,
        members: [member('a', good(1))],
        reference: async () => digest(values),
      });
    expect((await run([2, 4, 6.05])).a!.status).toBe('timed');
    expect((await run([2, 4, 6.1])).a!.status).toBe('wrong');
    const gone = await measureCase({
      ...pace,
      benchCase,
      members: [member('a', good(1))],
      reference: () => Promise.reject(new Refusal('slow', 'it takes more than 9 s')),
    });
    expect(gone.a).toEqual({ status: 'error', reason: 'there is no reference: it takes more than 9 s' });
  });

  it('does not check a yardstick', async () => {
    const odd: Answer = (request, count) =>
      request.do === 'prepare' ? { digest: digest([1]) } : good(1)(request, count);
    expect((await measure([member('peak', odd, [], true)])).peak!.status).toBe('timed');
  });

  it('keeps reasons apart: cannot, error, and a crash that leaves the samples before it', async () => {
    const refuse =
      (kind: Refusal['kind']): Answer =>
      () => {
        throw new Refusal(kind, `because ${kind}`);
      };
    const crashing: Answer = (request, count) => {
      if (request.do === 'time' && count === 4) throw new Refusal('ended', 'it crashed');
      return good(1)(request, count);
    };
    const cells = await measure([
      member('cannot', refuse('cannot')),
      member('slow', refuse('slow')),
      member('error', refuse('error')),
      member('crashing', crashing),
    ]);
    expect(cells.cannot).toEqual({ status: 'cannot', reason: 'because cannot' });
    expect(cells.slow).toEqual({ status: 'cannot', reason: 'because slow' });
    expect(cells.error).toEqual({ status: 'error', reason: 'because error' });
    expect(cells.crashing).toMatchObject({ status: 'timed', samples: [0.5, 0.5] });
  });

  it('measures a slow contestant once, and begins nothing after the deadline', async () => {
    const log: string[] = [];
    const cells = await measure([member('slow', good(900), log), member('fast', good(1))]);
    expect(cells.slow).toMatchObject({ samples: [450], cpu: [112.5], bursts: 1, repetitions: 1 });
    expect(log).toHaveLength(1);
    const late = await measureCase({
      benchCase: doubling,
      members: [member('a', good(1), log)],
      pace: PACE,
      until: performance.now() - 1,
      scratch,
      reference: async () => digest([]),
    });
    expect(late.a).toEqual({ status: 'cannot', reason: 'no time was left for it' });
    expect(log).toHaveLength(1);
  });
});

describe('planned', () => {
  it.each([
    [0.001, { repetitions: 2000, bursts: 5, rounds: 4 }],
    [1, { repetitions: 2, bursts: 5, rounds: 4 }],
    [4, { repetitions: 1, bursts: 3, rounds: 4 }],
    [50, { repetitions: 1, bursts: 1, rounds: 4 }],
    [400, { repetitions: 1, bursts: 1, rounds: 2 }],
    [5000, { repetitions: 1, bursts: 1, rounds: 1 }],
    [0, { repetitions: 200_000, bursts: 5, rounds: 4 }],
  ])('%d ms a run', (milliseconds, plan) => {
    expect(planned(milliseconds, PACE)).toEqual(plan);
  });
});
