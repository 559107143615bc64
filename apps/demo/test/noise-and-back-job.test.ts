/** What the worker does for the first page, run here: what it tells, what it keeps, and that it leaves nothing behind. */
import '@diff/backend-simd';
import { key, useBackend } from '@diff/core';
import { energyDistance } from '@diff/metrics';
import { variancePreserving } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { dataLaw } from '../src/learning/data-law.ts';
import { noiseAndBack } from '../src/pages/noise-and-back/job.ts';
import type {
  Floor,
  Frame,
  NoiseAndBackArgs,
  NoiseAndBackResult,
  NoiseAndBackUpdate,
} from '../src/pages/noise-and-back/options.ts';

const ARGS: NoiseAndBackArgs = {
  shape: 'eight Gaussians',
  drawn: [],
  score: 'learned',
  training: 60,
  process: 'VP',
  sampler: 'DPM-Solver++ (2M)',
  grid: 'log-SNR',
  steps: 10,
  noiseLevel: 0,
  count: 400,
  seed: 3,
};

async function run(
  some: Partial<NoiseAndBackArgs>,
  onNews: (news: NoiseAndBackUpdate) => void = () => undefined,
  signal: AbortSignal = new AbortController().signal,
): Promise<NoiseAndBackResult & { readonly news: readonly NoiseAndBackUpdate[] }> {
  const news: NoiseAndBackUpdate[] = [];
  const update = (one: NoiseAndBackUpdate): void => {
    news.push(one);
    onNews(one);
  };
  return { ...(await noiseAndBack({ ...ARGS, ...some }, { signal, update })), news };
}

const frames = (news: readonly NoiseAndBackUpdate[]): Frame[] =>
  news.filter((one): one is Frame => one.kind === 'frame');

describe('noise and back', () => {
  beforeAll(() => useBackend('simd'));

  test('tells the floor first, then the lessons, then every moment', async () => {
    const { news, learned } = await run({});
    const kinds = news.map(({ kind }) => kind);
    expect(kinds[0]).toBe('start');
    expect(kinds.lastIndexOf('lesson')).toBeLessThan(kinds.indexOf('frame'));
    const steps = news.flatMap((one) => (one.kind === 'lesson' ? [one.step] : []));
    expect(steps[0]).toBe(0);
    expect(steps.at(-1)).toBe(60);
    expect(frames(news)).toHaveLength(25 + 11);
    for (const { distance, scoreError } of frames(news)) {
      expect(distance).toBeGreaterThan(0);
      expect(scoreError).toBeGreaterThan(0);
    }
    expect(learned?.kept).toBe(false);
  });

  test('a network is kept for its distribution, seed and training, and for every process', async () => {
    const first = await run({ seed: 4 });
    const again = await run({ seed: 4 });
    expect([first.learned?.kept, again.learned?.kept]).toEqual([false, true]);
    expect(again.news.some(({ kind }) => kind === 'lesson')).toBe(false);
    expect(frames(again.news)).toEqual(frames(first.news));
    expect((await run({ seed: 4, process: 'VE (EDM)', sampler: 'Heun' })).learned?.kept).toBe(true);
    expect((await run({ seed: 4, training: 70 })).learned?.kept).toBe(false);
    expect((await run({ seed: 4, shape: 'moons' })).learned?.kept).toBe(false);
    const drawn = [
      [0, 0],
      [1, 1],
    ] as const;
    expect((await run({ seed: 4, drawn })).learned?.kept).toBe(true); // what is not shown does not count
    expect((await run({ seed: 4, shape: 'drawn' })).learned?.kept).toBe(false);
    expect((await run({ seed: 4, shape: 'drawn', drawn })).learned?.kept).toBe(false);
  });

  test('the more training, the nearer the learned score is to the exact one, under every process', async () => {
    for (const process of ['VP', 'sub-VP', 'Ornstein–Uhlenbeck', 'VE (EDM)'] as const) {
      const errors: number[] = [];
      for (const training of [20, 300]) {
        const { news } = await run({ process, training });
        const { scoreError } = frames(news)[12]!; // half the way to noise
        errors.push(scoreError!);
      }
      expect(errors[1]).toBeLessThan(errors[0]!);
    }
  });

  test('with the exact score there is no network, and no error of it', async () => {
    const { news, learned } = await run({ score: 'exact' });
    expect(learned).toBeUndefined();
    expect(news.some(({ kind }) => kind === 'lesson')).toBe(false);
    for (const { scoreError } of frames(news)) expect(scoreError).toBeUndefined();
  });

  test('the floor is what two draws of the data give, whatever the score, the process and the sampler', async () => {
    const floorOf = async (some: Partial<NoiseAndBackArgs>): Promise<Floor> => {
      const [start] = (await run({ training: 50, steps: 2, ...some })).news;
      if (start?.kind !== 'start') throw new Error('a run tells its start first');
      return start.floor;
    };
    const floor = await floorOf({});
    expect(await floorOf({ process: 'VE (EDM)' })).toEqual(floor);
    expect(await floorOf({ score: 'exact', sampler: 'Heun' })).toEqual(floor);
    expect(floor.rows).toBe(400);

    const law = await dataLaw(ARGS, variancePreserving());
    const values: number[] = [];
    for (let pair = 0; pair < 40; pair++) {
      const [x, y] = [await law.sample(key(100 + pair), 400), await law.sample(key(200 + pair), 1000)];
      values.push((await energyDistance(x, y)).value);
      tf.dispose([x, y]);
    }
    const mean = values.reduce((a, b) => a + b) / 40;
    const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / 39;
    // Eight pairs against forty, each of this variance.
    expect(Math.abs(floor.value - mean)).toBeLessThan(4 * Math.sqrt(variance * (1 / 8 + 1 / 40)));
    expect(floor.spread).toBeGreaterThan(0);
    // Fewer particles, a higher floor: it falls as 1/n + 1/m.
    expect((await floorOf({ count: 100 })).value).toBeGreaterThan(2 * floor.value);
  });

  test.each([
    { kind: 'start', training: 80 },
    { kind: 'lesson', training: 90 },
    { kind: 'frame', training: 100 },
  ] as const)('leaves no tensor behind, finished or cancelled at a $kind', async ({ kind, training }) => {
    await run({});
    const before = tf.memory().numTensors;
    await run({});
    expect(tf.memory().numTensors).toBe(before);
    const controller = new AbortController();
    const cancel = (news: NoiseAndBackUpdate): void => {
      if (news.kind === kind) controller.abort();
    };
    await expect(run({ training }, cancel, controller.signal).then(() => 'finished')).rejects.toHaveProperty(
      'name',
      'AbortError',
    );
    expect(tf.memory().numTensors).toBe(before);
    // A network that was not finished is not kept.
    expect((await run({ training })).learned?.kept).toBe(kind === 'frame');
  });
});
