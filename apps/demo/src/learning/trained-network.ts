/** Networks that have learned a distribution: each is trained when it is first asked for, then kept as a checkpoint. */
import { type ExactModel, loadCheckpoint, type Network, saveCheckpoint } from '@diff/score';
import * as tf from '@tensorflow/tfjs-core';
import { sessionCache } from '../engine/session-cache.ts';
import type { Distribution } from '../pages/noise-and-back/options.ts';
import { type ScoreLearner, scoreLearner } from './score-learner.ts';

/** Units of each hidden layer: enough for these clouds, and trained in seconds. */
const WIDTH = 64;
const REPORTS = 40;

interface Lesson {
  readonly checkpoint: Uint8Array;
  readonly weights: number;
  readonly seconds: number;
  readonly backend: string;
}

const kept = sessionCache<Lesson>(16);

export interface TrainedNetwork extends Omit<Lesson, 'checkpoint'> {
  /** Its variables belong to the caller. */
  readonly network: Network;
  /** Was it there already? */
  readonly kept: boolean;
}

export async function trainedNetwork(options: {
  readonly distribution: Distribution;
  /** The law of the distribution, under any process. */
  readonly law: ExactModel;
  readonly steps: number;
  readonly signal: AbortSignal;
  /** Called before the first step, with loss NaN, and some times on the way. */
  onProgress(learner: ScoreLearner, step: number, loss: number): Promise<void>;
}): Promise<TrainedNetwork> {
  const { distribution, law, steps, signal, onProgress } = options;
  const { shape, drawn, seed } = distribution;
  let wasKept = true;
  const { checkpoint, ...lesson } = await kept(
    [shape, shape === 'drawn' ? drawn : [], seed, steps],
    async () => {
      wasKept = false;
      const started = performance.now();
      const learner = scoreLearner({ law, seed, width: WIDTH });
      try {
        await onProgress(learner, 0, Number.NaN);
        await learner.train({
          steps,
          reports: REPORTS,
          signal,
          onProgress: ({ step, loss }) => onProgress(learner, step, loss),
        });
        return {
          checkpoint: await saveCheckpoint({ model: learner.model }),
          weights: learner.size,
          seconds: (performance.now() - started) / 1000,
          backend: tf.getBackend(),
        };
      } finally {
        learner.dispose();
      }
    },
  );
  return { ...lesson, network: loadCheckpoint(checkpoint).model.network, kept: wasKept };
}
