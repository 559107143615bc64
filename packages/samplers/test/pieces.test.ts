/** Recorded states, later starts, batches and chosen rows: what they are, and what they refuse. */
import '@tensorflow/tfjs-backend-cpu';
import { fold, key, normal } from '@diff/core';
import { defineModel } from '@diff/score';
import { ornsteinUhlenbeck, uniformGrid } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  ddpm,
  type Recorded,
  type SampleOptions,
  sample,
  sampleInBatches,
  sampleRows,
  startFrom,
  trajectory,
} from '../src/index.ts';

let tensors = 0;
beforeAll(async () => {
  await tf.setBackend('cpu');
});
beforeEach(() => {
  tensors = tf.memory().numTensors;
});
/** Every test must leave as many tensors as it found. */
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensors);
});

const process = ornsteinUhlenbeck({ theta: 1, mu: 0.5, sigma: 1.2, T: 4 });
/** Pulled towards its condition, where there is one. */
const model = defineModel({
  process,
  kind: 'data',
  predict: (x, _, condition) =>
    tf.tidy(() => {
      const half = tf.tanh(tf.mul(x, 0.5));
      return condition ? tf.add(half, tf.reshape(tf.cast(condition, 'float32'), [-1, 1])) : half;
    }),
});
const grid = [4, 2, 1, 0.5, 0.25];
const run = (): SampleOptions => ({ model, sampler: ddpm(), grid, shape: [5, 2], key: key(3) });
async function values(x: tf.Tensor): Promise<number[]> {
  const data = Array.from(await x.data());
  x.dispose();
  return data;
}

describe('recorded states', () => {
  async function recorded(record?: Recorded): Promise<{ step: number; t: number; x: number[] }[]> {
    const points: { step: number; t: number; x: number[] }[] = [];
    for await (const { x, step, t } of trajectory({ ...run(), record })) {
      points.push({ step, t, x: Array.from(await x.data()) });
    }
    return points;
  }

  test.each([
    ['all', [0, 1, 2, 3, 4]],
    ['ends', [0, 4]],
    [{ steps: [3, 0, 3] }, [0, 3]],
    [{ steps: [] }, []],
    [{ times: [0.25, 2] }, [1, 4]],
  ] as const)('%j', async (record, steps) => {
    const all = await recorded();
    expect(all.map((p) => p.step)).toEqual([0, 1, 2, 3, 4]);
    expect(await recorded(record as Recorded)).toEqual(steps.map((step) => all[step]));
  });

  test('the run goes to its end whatever is recorded, with the memory of one state', async () => {
    const long = uniformGrid({ process, steps: 60, end: 0.1 });
    const seen: number[] = [];
    const most: number[] = [];
    const onStep = ({ step }: { step: number }): void => {
      seen.push(step);
      most.push(tf.memory().numTensors - tensors);
    };
    for await (const { step } of trajectory({ ...run(), grid: long, onStep, record: { steps: [0, 5] } })) {
      expect([0, 5]).toContain(step);
    }
    expect(seen).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
    expect(Math.max(...most)).toBeLessThanOrEqual(12); // the state and scalars on their way to the host
  });

  test.each([
    [
      { times: [0.3] },
      'got 0.3. Its neighbours are 0.5 and 0.25; put the time into the grid, or record by steps.',
    ],
    [{ times: [5] }, 'record.times must hold times of the grid, got 5. The first is 4; put the time into'],
    [{ times: [0] }, 'got 0. The last is 0.25; put'],
    [{ times: ['1'] }, "got '1'. Put the time into the grid"],
    [
      { steps: [5] },
      'record.steps must hold whole numbers from 0 (the initial noise) to 4 (the end), got 5.',
    ],
    [{ steps: [-1] }, 'got -1. Count steps of the grid.'],
    [{ steps: [0.5] }, 'got 0.5.'],
    [[1, 2], "record must be 'all', 'ends', { steps: [...] } or { times: [...] }, got [1, 2]."],
    ['some', "got 'some'. Say which states to record."],
    [{ steps: [1], times: [1] }, 'got an object with keys steps, times.'],
  ])('%j is refused before the run', (record, message) => {
    const refused = { ...run(), record: record as never };
    expect(() => trajectory(refused)).toThrow('trajectory: record');
    expect(() => trajectory(refused)).toThrow(message);
  });
});

describe('a later start', () => {
  test.each([
    [1, grid],
    [0.75, [2, 1, 0.5, 0.25]],
    [0.7, [1, 0.5, 0.25]],
    [0.25, [0.5, 0.25]],
  ])('strength %f leaves the last steps, from data under that much noise', async (strength, rest) => {
    const x0 = normal(key(8), [3, 2]);
    const start = startFrom({ process, x0, grid, strength, key: key(3), firstRow: 2 });
    expect(start.grid).toEqual(rest);
    expect(start.shape).toEqual([3, 2]);
    const noise = normal(fold(key(3), 0), [5, 2]);
    const [data, all] = [await values(x0), await values(noise)];
    const t = rest[0]!;
    const expected = data.map(
      (v, i) => process.alpha(t) * v + process.mean(t) + process.sigma(t) * all[4 + i]!,
    );
    const actual = await start.initial.data();
    actual.forEach((v, i) => {
      expect(v).toBeCloseTo(expected[i]!, 5);
    });
    const x = await sample({ ...start, model, sampler: ddpm() });
    expect(x.shape).toEqual([3, 2]);
    tf.dispose([x, start.initial]);
  });

  test('with no data left at T it is the run from noise', async () => {
    const x0 = tf.zeros([5, 2]);
    const still = ornsteinUhlenbeck({ theta: 1, mu: 0, sigma: 1, T: 30 });
    const start = startFrom({ process: still, x0, grid: [30, 1], strength: 1, key: key(3) });
    const first: number[][] = [];
    for await (const { x } of trajectory({ ...run(), model: { ...model, process: still }, grid: [30, 1] })) {
      first.push(Array.from(await x.data()));
    }
    const initial = await values(start.initial);
    initial.forEach((v, i) => {
      expect(v).toBeCloseTo(first[0]![i]!, 6);
    });
    x0.dispose();
  });

  test('bad input is refused in words', () => {
    const x0 = tf.zeros([3, 2]);
    const good = { process, x0, grid, strength: 0.5, key: key(1) };
    for (const strength of [0, 1.1, Number.NaN, '0.5' as never]) {
      expect(() => startFrom({ ...good, strength })).toThrow('startFrom: strength must lie in (0, 1], got');
    }
    expect(() => startFrom({ ...good, strength: 0.2 })).toThrow(
      'startFrom: strength must leave at least one of the 4 steps, got 0.2. Pass at least 0.25.',
    );
    expect(() => startFrom({ ...good, x0: 3 as never })).toThrow(
      'startFrom: x0 must be a tensor of shape [n, …event], got 3.',
    );
    expect(() => startFrom({ ...good, grid: [1, 2] })).toThrow('startFrom: grid must be strictly descending');
    expect(() => startFrom({ ...good, key: 7 as never })).toThrow('startFrom: key must be a key, got 7.');
    expect(() => startFrom({ ...good, firstRow: -1 })).toThrow('startFrom: firstRow must');
    x0.dispose();
  });
});

describe('batches and chosen rows', () => {
  test('condition and initial state are cut with the rows; reports count batches', async () => {
    const condition = tf.tensor1d([0, 1, 2, 3, 4], 'int32');
    const initial = normal(key(12), [5, 2]);
    const whole = await values(await sample({ ...run(), condition, initial, firstRow: 9 }));
    const pieces: number[] = [];
    const told: [number, number, number][] = [];
    const starts: number[] = [];
    const batches = sampleInBatches({
      ...run(),
      condition,
      initial,
      firstRow: 9,
      batchSize: 2,
      onStep: ({ batch, batches: all, step }) => {
        told.push([batch, all, step]);
      },
    });
    for await (const { x, start } of batches) {
      starts.push(start);
      pieces.push(...(await x.data()));
    }
    expect(starts).toEqual([0, 2, 4]);
    expect(pieces).toEqual(whole);
    expect(told).toEqual([1, 2, 3].flatMap((b) => [1, 2, 3, 4].map((s) => [b, 3, s])));
    const rows = [11, 12, 9];
    const picked = await tf.tidy(() => {
      const take = tf.tensor1d([2, 3, 0], 'int32');
      return [tf.gather(condition, take), tf.gather(initial, take)];
    });
    const again = sampleRows({ ...run(), rows, shape: [3, 2], condition: picked[0], initial: picked[1] });
    expect(await values(await again)).toEqual([2, 3, 0].flatMap((r) => whole.slice(2 * r, 2 * r + 2)));
    tf.dispose([condition, initial, ...picked]);
  });

  test('leaving the loop frees the batch; an abort ends it', async () => {
    const options = { ...run(), batchSize: 2 };
    for await (const { batch } of sampleInBatches(options)) if (batch === 2) break;
    sampleInBatches(options);
    const controller = new AbortController();
    const seen: number[] = [];
    const aborted = (async () => {
      for await (const { batch } of sampleInBatches({ ...options, signal: controller.signal })) {
        seen.push(batch);
        if (batch === 2) controller.abort(new Error('enough'));
      }
    })();
    await expect(aborted).rejects.toThrow('enough');
    expect(seen).toEqual([1, 2]);
  });

  test('bad input is refused in words', async () => {
    expect(() => sampleInBatches({ ...run(), batchSize: 0 })).toThrow(
      'sampleInBatches: batchSize must be a positive integer, got 0.',
    );
    expect(() => sampleInBatches({ ...run(), batchSize: '2' as never })).toThrow("integer, got '2'");
    expect(() => sampleInBatches({ ...run(), grid: [1], batchSize: 2 })).toThrow(
      'sampleInBatches: grid must',
    );
    const rows = (list: unknown): Promise<unknown> =>
      sampleRows({ ...run(), shape: [2, 2], rows: list as number[] });
    await expect(rows([1, -1])).rejects.toThrow(
      'sampleRows: rows must be a list of integers of at least 0, got [1, -1].',
    );
    await expect(rows([1, 0.5])).rejects.toThrow('sampleRows: rows must be a list of integers');
    await expect(rows(3)).rejects.toThrow('integers of at least 0, got 3.');
    await expect(rows([1, 2, 3])).rejects.toThrow(
      'sampleRows: shape must begin with the number of rows, 3, got [2, 2].',
    );
  });
});
