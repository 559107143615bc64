/**
 * Training steps through `train()`: batch, noise, loss, gradient, Adam, average of the weights.
 *
 * What is checked: loss and norm of the gradient at given data, times, noise and weights. What is timed: `steps` whole
 * steps (`pieces`), with everything random drawn anew, and a share of what `train` does once, when it begins and when it
 * reads its state back in the end: the more steps, the less of that, but the slower contestants need 0.35 s for each,
 * and are timed warm only while a run takes no more than the budget (`Pace`).
 */
import { key } from '@diff/core';
import { denoisingLoss, logNormalTimes, type Network, precondition, train } from '@diff/score';
import { edm } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import type { BenchCase, HostTensor } from './bench-case.ts';
import { between, normals, onBackend } from './host-numbers.ts';

export interface TrainedNetwork {
  readonly id: string;
  readonly title: string;
  /** Name of the peers' routine. */
  readonly op: string;
  readonly settings: BenchCase['settings'];
  readonly eventShape: readonly number[];
  readonly batchSize: number;
  /** Rows with which loss and gradient are checked. */
  readonly checkRows: number;
  /** Steps of one timed run. */
  readonly steps: number;
  readonly classes: number;
  readonly quick: boolean;
  /** Names and shapes of the weights. */
  readonly weights: Readonly<Record<string, readonly number[]>>;
  make(): Network;
}

const SIGMA_DATA = 0.5;
const ROWS = 1024;
const LEVELS = { mean: -1.2, std: 1.2 };
/** Marks the inputs that are weights. */
const WEIGHT = 'weight:';

/** Small in proportion to the fan-in; biases small, scales of normalisation near 1. */
function initial(name: string, shape: readonly number[], index: number): HostTensor {
  if (shape.length > 1) {
    const fanIn = shape.slice(0, -1).reduce((a, b) => a * b, 1);
    return normals(100 + index, shape, 0.7 / Math.sqrt(fanIn));
  }
  return name.endsWith('scale') ? between(100 + index, shape, 0.9, 1.1) : normals(100 + index, shape, 0.02);
}

export function trainingCase(given: TrainedNetwork): BenchCase {
  const { id, title, op, eventShape, batchSize, checkRows, steps, classes, quick, weights, make } = given;
  return {
    id,
    group: 'training',
    title,
    op,
    settings: {
      ...given.settings,
      batchSize,
      checkRows,
      steps,
      classes,
      sigmaData: SIGMA_DATA,
      meanLevel: LEVELS.mean,
      stdLevel: LEVELS.std,
    },
    work: { pieces: steps },
    quick,
    inputs: () => ({
      data: normals(40, [ROWS, ...eventShape], SIGMA_DATA),
      labels: {
        shape: [ROWS],
        values: Float32Array.from({ length: ROWS }, (_, i) => i % Math.max(1, classes)),
      },
      times: between(41, [checkRows], 0.1, 2),
      noise: normals(42, [checkRows, ...eventShape]),
      ...Object.fromEntries(
        Object.entries(weights).map(([name, shape], i) => [`${WEIGHT}${name}`, initial(name, shape, i)]),
      ),
    }),
    tolerance: { relative: 2e-3, absolute: 0 },
    prepare(inputs) {
      const network = make();
      for (const [name, variable] of Object.entries(network.variables)) {
        tf.tidy(() => variable.assign(onBackend(inputs[`${WEIGHT}${name}`]!)));
      }
      const process = edm({ T: 80 });
      const model = precondition({ network, process, sigmaData: SIGMA_DATA });
      const [data, noise] = [onBackend(inputs.data!), onBackend(inputs.noise!)];
      const labels = classes > 0 ? tf.tensor1d(Int32Array.from(inputs.labels!.values), 'int32') : undefined;
      const times = logNormalTimes({ process, ...LEVELS });
      return {
        async run() {
          const { history } = await train({
            model,
            data,
            ...(labels && { labels }),
            key: key(7),
            steps,
            batchSize,
            times,
            average: 0.999,
            reportEvery: steps,
          });
          return tf.scalar(history.training.at(-1)!.loss);
        },
        check: () =>
          tf.tidy(() => {
            const first = (x: tf.Tensor): tf.Tensor => tf.slice(x, 0, checkRows);
            const { value, grads } = tf.variableGrads(() =>
              denoisingLoss({
                model,
                x0: first(data),
                times: inputs.times!.values,
                noise,
                ...(labels && { condition: first(labels) }),
              }),
            );
            const squares = Object.values(grads).map((g) => tf.sum(tf.square(g)));
            return tf.stack([value, tf.sqrt(tf.addN(squares))]);
          }),
        dispose: () => tf.dispose([data, noise, labels ?? [], Object.values(network.variables)]),
      };
    },
  };
}
