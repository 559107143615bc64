/** A network learns the score of a cloud of points by denoising, and draws from it as it learns. */
import { fold, key } from '@diff/core';
import { energyDistance } from '@diff/metrics';
import { heun, sample } from '@diff/samplers';
import { karrasGrid } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import type { Job } from '../../engine/protocol.ts';
import { dataLaw } from '../../learning/data-law.ts';
import { scoreLearner, trainingProcess } from '../../learning/score-learner.ts';
import { fieldAt } from '../../ui/score-field.ts';
import { EXTENT } from '../noise-and-back/options.ts';
import { FIELD_SIGMA, type LearnArgs, type LearnResult, SNAPSHOTS, type Snapshot } from './options.ts';

const MEASURED = 1000;

export const learn: Job<LearnArgs, Snapshot, LearnResult> = async (args, { signal, update }) => {
  const started = performance.now();
  const root = key(args.seed);
  const law = await dataLaw(args, trainingProcess);
  const learner = scoreLearner({ law, seed: args.seed, width: args.width });
  const { model } = learner;
  const grid = karrasGrid({ process: trainingProcess, steps: args.samplerSteps, end: 0 });
  const draw = (n: number): Promise<tf.Tensor> =>
    sample({ model, sampler: heun(), grid, shape: [n, 2], key: fold(root, 3), signal });

  const snapshot = async (step: number, loss: number): Promise<void> => {
    const x = await draw(args.count);
    const points = Float32Array.from(await x.data());
    x.dispose();
    const arrows = await fieldAt(model, FIELD_SIGMA, EXTENT);
    update({ step, loss, points, arrows }, [points.buffer, arrows.buffer]);
  };
  try {
    await snapshot(0, Number.NaN);
    await learner.train({
      steps: args.trainingSteps,
      reports: SNAPSHOTS,
      signal,
      onProgress: ({ step, loss }) => snapshot(step, loss),
    });
    const fresh = await Promise.all([5, 6].map((stream) => law.sample(fold(root, stream), MEASURED)));
    const drawn = await draw(MEASURED);
    const { value: distance } = await energyDistance(drawn, fresh[0]!);
    const { value: floor } = await energyDistance(fresh[1]!, fresh[0]!);
    tf.dispose([...fresh, drawn]);
    return { seconds: (performance.now() - started) / 1000, parameters: learner.size, distance, floor };
  } finally {
    learner.dispose();
  }
};
