/**
 * A small network that learns the score of a law by denoising.
 *
 * With EDM's preconditioning it sees x/α and the noise-to-signal ratio σ/α alone, so what it has learned under one
 * linear process holds under every other; it is trained where α = 1 and σ = t.
 */
import { fold, key } from '@diff/core';
import {
  type ExactModel,
  mlp,
  type Network,
  type NetworkModel,
  precondition,
  type TrainingProgress,
  train,
} from '@diff/score';
import { edm, type LinearProcess } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';

/** Points that the network learns from. */
const DATA = 4000;
const BLOCKS = 3;
/** The data are of spread about 1. */
const SIGMA_DATA = 1;

/** The process under which networks are trained. */
export const trainingProcess: LinearProcess = edm({ T: 20 });

/** The network's score under a process. */
export function scoreOf(network: Network, process: LinearProcess): NetworkModel {
  return precondition({ network, process, sigmaData: SIGMA_DATA });
}

export interface ScoreLearner {
  /** What it knows by now, under `trainingProcess`. */
  readonly model: NetworkModel;
  /** How many weights it has. */
  readonly size: number;
  /** Trains it, once, with about `reports` calls of onProgress. @throws the signal's reason when aborted. */
  train(options: {
    readonly steps: number;
    readonly reports: number;
    readonly signal: AbortSignal;
    onProgress(progress: TrainingProgress): Promise<void>;
  }): Promise<void>;
  dispose(): void;
}

/** A network that knows nothing yet. The same law, seed, width and steps give the same weights. */
export function scoreLearner(options: {
  readonly law: ExactModel;
  readonly seed: number;
  /** Units of each hidden layer. */
  readonly width: number;
}): ScoreLearner {
  const { law, width } = options;
  const root = key(options.seed);
  const network = mlp({ eventShape: [2], width, blocks: BLOCKS, key: fold(root, 2) });
  const model = scoreOf(network, trainingProcess);
  return {
    model,
    size: Object.values(network.variables).reduce((sum, { size }) => sum + size, 0),
    async train({ steps, reports, signal, onProgress }) {
      const data = await law.sample(fold(root, 1), DATA);
      try {
        await train({
          model,
          data,
          key: fold(root, 4),
          steps,
          batchSize: 256,
          learningRate: { peak: 3e-3, schedule: 'cosine' },
          average: 0.99,
          reportEvery: Math.max(1, Math.ceil(steps / reports)),
          onProgress,
          signal,
        });
      } finally {
        data.dispose();
      }
    },
    dispose: () => tf.dispose(Object.values(network.variables)),
  };
}
