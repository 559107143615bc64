/**
 * Noise and back: points of the data drift into noise along the forward process, then a sampler brings fresh noise back
 * along the score of the same data, the exact one or one that a network has learned from them.
 */
import { fold, key } from '@diff/core';
import { trajectory } from '@diff/samplers';
import type { ExactModel, ScoreModel } from '@diff/score';
import { type LinearProcess, perturb } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import type { Job } from '../../engine/protocol.ts';
import { dataLaw } from '../../learning/data-law.ts';
import { fieldAt } from '../../ui/score-field.ts';
import { grids, processes, samplers } from './choices.ts';
import { distanceToData } from './distance.ts';
import {
  EXTENT,
  LESSON_SIGMA,
  type NoiseAndBackArgs,
  type NoiseAndBackResult,
  type NoiseAndBackUpdate,
} from './options.ts';
import { scoreError } from './score-error.ts';

const FORWARD_FRAMES = 24;

type Run = Parameters<Job<NoiseAndBackArgs, NoiseAndBackUpdate, NoiseAndBackResult>>[1];

const spread = (process: LinearProcess, t: number): number => Math.hypot(process.alpha(t), process.sigma(t));

async function values(x: tf.Tensor): Promise<Float32Array<ArrayBuffer>> {
  return Float32Array.from(await x.data());
}

interface Score {
  readonly model: ScoreModel;
  readonly learned?: NoiseAndBackResult['learned'];
  dispose(): void;
}

/** The score of a trained network; the page sees the lessons where it is trained now. */
async function learnedScore(
  args: NoiseAndBackArgs,
  law: ExactModel,
  data: tf.Tensor,
  { signal, update }: Run,
): Promise<Score> {
  const [{ trainedNetwork }, { scoreOf }] = await Promise.all([
    import('../../learning/trained-network.ts'),
    import('../../learning/score-learner.ts'),
  ]);
  const { network, ...learned } = await trainedNetwork({
    distribution: args,
    law,
    steps: args.training,
    signal,
    async onProgress({ model }, step, loss) {
      const [points, arrows] = [await values(data), await fieldAt(model, LESSON_SIGMA, EXTENT)];
      update({ kind: 'lesson', step, loss, points, arrows }, [points.buffer, arrows.buffer]);
    },
  });
  return {
    model: scoreOf(network, law.process),
    learned,
    dispose: () => tf.dispose(Object.values(network.variables)),
  };
}

export const noiseAndBack: Job<NoiseAndBackArgs, NoiseAndBackUpdate, NoiseAndBackResult> = async (
  args,
  run,
) => {
  const { signal, update } = run;
  const process = processes[args.process]();
  const law = await dataLaw(args, process);
  const grid = grids[args.grid](process, args.steps);
  const times = Array.from(
    { length: FORWARD_FRAMES + 1 },
    (_, i) => grid.at(-1)! + (grid[0]! - grid.at(-1)!) * (i / FORWARD_FRAMES) ** 2,
  );
  const [root, n] = [key(args.seed), args.count];
  const distance = await distanceToData({ distribution: args, law, count: n, signal });
  const data = await law.sample(fold(root, 1), n);
  let score: Score = { model: law, dispose: () => undefined };
  try {
    update({ kind: 'start', forward: times, back: grid, floor: distance.floor });
    if (args.score === 'learned') score = await learnedScore(args, law, data, run);
    const { model, learned } = score;
    const started = performance.now();

    const frame = async (x: tf.Tensor, t: number, forward: boolean): Promise<void> => {
      const scaled = tf.div(x, spread(process, t));
      const points = await values(scaled);
      scaled.dispose();
      const arrows = await fieldAt(model, t, EXTENT, spread(process, t));
      const shown = { forward, t, points, arrows, distance: await distance.to(x) };
      const error = learned && { scoreError: await scoreError(model, law, x, t) };
      update({ kind: 'frame', ...shown, ...error }, [points.buffer, arrows.buffer]);
    };
    for (const t of times) {
      signal.throwIfAborted();
      const noised = perturb(process, data, t, { key: fold(root, 3) });
      try {
        await frame(noised.x, t, true);
      } finally {
        tf.dispose([noised.x, noised.noise]);
      }
    }
    const sampler = samplers[args.sampler](args.noiseLevel);
    let nfe = 0;
    for await (const { x, t, nfe: used } of trajectory({
      model,
      sampler,
      grid,
      shape: [n, 2],
      key: fold(root, 4),
      signal,
    })) {
      await frame(x, t, false);
      nfe = used;
    }
    return { nfe, seconds: (performance.now() - started) / 1000, ...(learned ? { learned } : {}) };
  } finally {
    tf.dispose(data);
    distance.dispose();
    score.dispose();
  }
};
