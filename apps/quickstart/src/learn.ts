/**
 * Learning: a residual MLP under EDM preconditioning, trained by denoising score matching on one half of the data.
 */
import { fold, type Key } from '@diff/core';
import { logNormalTimes, mlp, type NetworkModel, precondition, type Trained, train } from '@diff/score';
import { edm } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import type { Dataset } from './dataset.ts';
import { startTask } from './progress.ts';
import { type Scaling, SIGMA_DATA } from './scaling.ts';

const BATCH = 256;
const PEAK_RATE = 3e-3;
/** Wider than for large images, which are still recognisable at noise levels that drown an 8 × 8 one. */
const LEVELS = { mean: -0.4, std: 1.5 };
const REPORTS = 60;

export interface Learned {
  readonly model: NetworkModel;
  readonly history: Trained['history'];
  readonly seconds: number;
  readonly steps: number;
  readonly parameters: number;
}

/** Trains on `data`, watching the loss on `held`. */
export async function learn(options: {
  readonly data: Dataset;
  readonly held: Dataset;
  readonly scaling: Scaling;
  readonly epochs: number;
  readonly key: Key;
}): Promise<Learned> {
  const { data, held, scaling, epochs, key } = options;
  const batchSize = Math.min(BATCH, data.n);
  const steps = Math.ceil((epochs * data.n) / batchSize);
  const network = mlp({
    eventShape: [data.d],
    width: 256,
    blocks: 3,
    classes: data.classes,
    key: fold(key, 0),
  });
  const process = edm({ T: 80 });
  const model = precondition({
    network,
    process,
    sigmaData: SIGMA_DATA,
    name: 'residual MLP',
  });
  const rows = scaling.toModel(data);
  const heldRows = scaling.toModel(held);
  const labels = data.labels && tf.tensor1d(data.labels, 'int32');
  const heldLabels = held.labels && tf.tensor1d(held.labels, 'int32');
  const every = Math.max(1, Math.floor(steps / REPORTS));
  const task = startTask('Learning', steps);
  try {
    const { history, seconds } = await train({
      model,
      data: rows,
      ...(labels && { labels }),
      key: fold(key, 1),
      steps,
      batchSize,
      learningRate: { peak: PEAK_RATE, schedule: 'cosine' },
      times: logNormalTimes({ process, ...LEVELS }),
      average: 0.995,
      validation: { data: heldRows, ...(heldLabels && { labels: heldLabels }), every: 5 * every },
      reportEvery: every,
      onProgress: ({ step, loss, millisecondsPerStep }) =>
        task.update(step, `loss ${loss.toFixed(4)}, ${millisecondsPerStep.toFixed(1)} ms a step`),
    });
    const parameters = Object.values(network.variables).reduce((sum, v) => sum + v.size, 0);
    return { model, history, seconds, steps, parameters };
  } finally {
    task.end();
    tf.dispose([rows, heldRows, ...(labels ? [labels] : []), ...(heldLabels ? [heldLabels] : [])]);
  }
}
