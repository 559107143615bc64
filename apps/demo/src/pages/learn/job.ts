/** A network learns the score of a cloud of points by denoising, and draws from it as it learns. */
import { fold, key } from '@diff/core';
import { energyDistance } from '@diff/metrics';
import { heun, sample } from '@diff/samplers';
import { gaussianMixture, mlp, precondition, train } from '@diff/score';
import { edm, karrasGrid } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import type { Job } from '../../engine/protocol.ts';
import { fieldAt } from '../../ui/score-field.ts';
import { EXTENT } from '../noise-and-back/options.ts';
import { pointsOf } from '../noise-and-back/shapes.ts';
import { FIELD_SIGMA, type LearnArgs, type LearnResult, SNAPSHOTS, type Snapshot } from './options.ts';

/** Points that the network learns from, and their blur: the same law as on the first page. */
const CENTRES = 500;
const BLUR = 0.05;
const DATA = 4000;
const MEASURED = 1000;

export const learn: Job<LearnArgs, Snapshot, LearnResult> = async (args, { signal, update }) => {
  const started = performance.now();
  const root = key(args.seed);
  const process = edm({ T: 20 });
  const means = await pointsOf(args.shape, CENTRES, args.seed, args.drawn);
  const law = gaussianMixture({ process, means, variance: BLUR ** 2 });
  const data = await law.sample(fold(root, 1), DATA);
  const network = mlp({ eventShape: [2], width: args.width, blocks: 3, key: fold(root, 2) });
  const model = precondition({ network, process, sigmaData: 1 });
  const grid = karrasGrid({ process, steps: args.samplerSteps, end: 0 });
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
    await train({
      model,
      data,
      key: fold(root, 4),
      steps: args.trainingSteps,
      batchSize: 256,
      learningRate: { peak: 3e-3, schedule: 'cosine' },
      average: 0.99,
      reportEvery: Math.max(1, Math.ceil(args.trainingSteps / SNAPSHOTS)),
      onProgress: ({ step, loss }) => snapshot(step, loss),
      signal,
    });
    const fresh = await Promise.all([5, 6].map((stream) => law.sample(fold(root, stream), MEASURED)));
    const drawn = await draw(MEASURED);
    const { value: distance } = await energyDistance(drawn, fresh[0]!);
    const { value: floor } = await energyDistance(fresh[1]!, fresh[0]!);
    tf.dispose([...fresh, drawn]);
    const parameters = Object.values(network.variables).reduce((sum, v) => sum + v.size, 0);
    return { seconds: (performance.now() - started) / 1000, parameters, distance, floor };
  } finally {
    tf.dispose([data, ...Object.values(network.variables)]);
  }
};
