/** The order of things in a case: check, warm up, take turns; and what becomes of those who fail. */
import { describe, expect, it } from 'vitest';
import type { BenchCase } from '../src/suite/bench-case.ts';
import { type Contender, Refusal } from '../src/suite/contender.ts';
import { digest } from '../src/suite/digest.ts';
import { type MeasureOptions, measureCase } from '../src/suite/measure-case.ts';
import { type Pace, planned, warmUpRuns } from '../src/suite/pace.ts';
import type { Cell } from '../src/suite/results.ts';

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

/** A contestant in memory, whose run takes so long and whose result is x + x unless told otherwise. */
interface Fake {
  readonly milliseconds?: number;
  readonly result?: readonly number[];
  /** Throws where something is to go wrong: at 'prepare', or before turn 0, 1, … */
  readonly fail?: (at: 'prepare' | number) => void;
  readonly yardstick?: boolean;
}

/** `log` gathers the turns. */
function contender(id: string, fake: Fake, log: string[] = []): Contender {
  const { milliseconds = 2, result = [2, 4, 6], fail, yardstick = false } = fake;
  let turns = 0;
  return {
    id,
    yardstick,
    async prepare() {
      fail?.('prepare');
      return digest(result);
    },
    async time() {
      fail?.(turns++);
      log.push(id);
      return { milliseconds, cpu: milliseconds / 4 };
    },
    finish: async () => ({ peakBytes: 77 }),
  };
}

type Cells = Readonly<Record<string, Cell>>;

function measure(contenders: readonly Contender[], given: Partial<MeasureOptions> = {}): Promise<Cells> {
  return measureCase({
    benchCase: doubling,
    contenders,
    pace: PACE,
    until: Number.POSITIVE_INFINITY,
    reference: async () => digest([2, 4, 6]),
    ...given,
  });
}

describe('measureCase', () => {
  it('gives times per piece, in rounds that begin with another contestant each', async () => {
    const log: string[] = [];
    const cells = await measure(['a', 'b', 'c'].map((id) => contender(id, {}, log)));
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
    expect(log.join('')).toBe(['aabbcc', 'abc', 'bca', 'cab', 'abc'].join(''));
  });

  it('never times what computed something else', async () => {
    const log: string[] = [];
    const cells = await measure([contender('right', {}), contender('wrong', { result: [2, 4, 6.1] }, log)]);
    expect(cells.wrong).toEqual({ status: 'wrong', reason: expect.stringContaining('element 2 is 6.1') });
    expect(log).toEqual([]);
    expect(cells.right!.status).toBe('timed');
  });

  it('compares with the reference where a case has no closed form', async () => {
    const { expected: _, ...open } = doubling;
    const benchCase = { ...open, tolerance: { relative: 0.01, absolute: 0 } };
    const run = (reference: MeasureOptions['reference']): Promise<Cells> =>
      measure([contender('a', {})], { benchCase, reference });
    expect((await run(async () => digest([2, 4, 6.05]))).a!.status).toBe('timed');
    expect((await run(async () => digest([2, 4, 6.1]))).a!.status).toBe('wrong');
    const gone = await run(() => Promise.reject(new Refusal('slow', 'it takes more than 9 s')));
    expect(gone.a).toEqual({ status: 'error', reason: 'there is no reference: it takes more than 9 s' });
    const infinite = await run(async () => digest([Number.NaN, 4, 6]));
    expect(infinite.a).toMatchObject({ status: 'error', reason: expect.stringContaining('finite numbers') });
  });

  it('does not check a yardstick', async () => {
    const cells = await measure([contender('peak', { result: [1], yardstick: true })]);
    expect(cells.peak!.status).toBe('timed');
  });

  it('keeps reasons apart: cannot, error, and a crash that leaves the samples before it', async () => {
    const refuse = (kind: Refusal['kind']): Fake => ({
      fail: () => {
        throw new Refusal(kind, `because ${kind}`);
      },
    });
    const crash = (at: 'prepare' | number): void => {
      if (at === 4) throw new Refusal('ended', 'it crashed');
    };
    const cells = await measure([
      contender('cannot', refuse('cannot')),
      contender('slow', refuse('slow')),
      contender('error', refuse('error')),
      contender('crashing', { milliseconds: 1, fail: crash }),
    ]);
    expect(cells.cannot).toEqual({ status: 'cannot', reason: 'because cannot' });
    expect(cells.slow).toEqual({ status: 'cannot', reason: 'because slow' });
    expect(cells.error).toEqual({ status: 'error', reason: 'because error' });
    expect(cells.crashing).toMatchObject({ status: 'timed', samples: [0.5, 0.5] });
  });

  it('does not hide mistakes of its own', async () => {
    const mistaken: Fake = {
      fail: () => {
        throw new TypeError('undefined is not a function');
      },
    };
    await expect(measure([contender('a', mistaken)])).rejects.toThrow(TypeError);
  });

  it('measures a slow contestant once, and begins nothing after the deadline', async () => {
    const log: string[] = [];
    const cells = await measure([contender('slow', { milliseconds: 1100 }, log), contender('fast', {})]);
    expect(cells.slow).toMatchObject({ samples: [550], cpu: [137.5], bursts: 1, repetitions: 1 });
    expect(log).toHaveLength(1);
    const late = await measure([contender('a', {}, log)], { until: performance.now() - 1 });
    expect(late.a).toEqual({ status: 'cannot', reason: 'no time was left for it' });
    expect(log).toHaveLength(1);
  });

  it('times a contestant warm whose run is just within the budget', async () => {
    const log: string[] = [];
    const { slow } = await measure([contender('slow', { milliseconds: 900 }, log), contender('fast', {})]);
    expect(slow).toMatchObject({ samples: [450], firstRun: 450 });
    expect(log).toHaveLength(3);
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

describe('warmUpRuns', () => {
  it.each([
    [0.001, 1000],
    [0.5, 40],
    [2, 20],
    [50, 5],
    [400, 1],
    [5000, 1],
  ])('after a first run of %d ms', (first, runs) => {
    expect(warmUpRuns(first, PACE)).toBe(runs);
  });
});
