/**
 * Training a network by denoising score matching, with Adam, an average of the weights and label dropout.
 *
 * Everything random in step k is a function of (key, k): which rows, which times, which noise, which labels are
 * dropped. So a run that is resumed from a checkpoint ends in the same bytes as one that was never interrupted.
 * Within a step nothing is read back from the backend; losses are read every `reportEvery` steps.
 */
import { createPacer, DomainError, type Key, NumericalError, requireInteger } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import type { AdamOptions } from './adam.ts';
import { type RunningState, stateTensors } from './advance-weights.ts';
import { saveCheckpoint } from './checkpoint.ts';
import { flatParameters } from './flat-parameters.ts';
import type { LearningRate } from './learning-rate.ts';
import type { NetworkModel } from './precondition.ts';
import type { TimeLaw } from './time-sampling.ts';
import { trainingPlan } from './training-plan.ts';
import { loadTrainingState, type TrainingState } from './training-state.ts';
import { advance, initialState } from './training-step.ts';
import { validationLoss } from './validation-loss.ts';
import type { WeightAverage } from './weight-average.ts';
import type { Weighting, WeightingName } from './weighting.ts';

/** One point of a loss curve. */
export interface LossPoint {
  /** Steps done. */
  readonly step: number;
  readonly loss: number;
}

export interface TrainingProgress {
  /** Steps done, of `steps`. */
  readonly step: number;
  readonly steps: number;
  /** Mean loss of the steps since the last report. */
  readonly loss: number;
  /** Loss on the validation data with the averaged weights, when this report comes with one. */
  readonly validationLoss?: number;
  readonly learningRate: number;
  /** |gradient| of the last step, before clipping. */
  readonly gradientNorm: number;
  readonly millisecondsPerStep: number;
  /** The run as it stands, as the bytes of a safetensors file; call it before the returned promise settles. */
  checkpoint(): Promise<Uint8Array>;
}

export interface TrainOptions {
  /** From `precondition`; its network's variables are trained in place. */
  readonly model: NetworkModel;
  /** Data [n, …event]. */
  readonly data: tf.Tensor;
  /** Condition of each row, first axis n, e.g. int32 labels [n]. */
  readonly labels?: tf.Tensor;
  /** Names all randomness of the run. */
  readonly key: Key;
  /** Steps in all, those before a resumed checkpoint included. */
  readonly steps: number;
  /** Rows per step; default 128. */
  readonly batchSize?: number;
  /** Default { peak: 1e-3, schedule: 'cosine' }. */
  readonly learningRate?: LearningRate;
  readonly optimizer?: AdamOptions;
  /** Default 'edm' with 'edm' preconditioning, else 'noise'. */
  readonly weighting?: WeightingName | Weighting;
  /** Law of the training times; default log-normal ς with 'edm' preconditioning, else uniform. */
  readonly times?: TimeLaw;
  /** Spread the times of a batch over strata; default true. */
  readonly stratified?: boolean;
  /** Average of the weights, see `WeightAverage`; default rate 0.999 with warm-up; false for none. */
  readonly average?: WeightAverage | number | false;
  /** Chance that a row's label is replaced by the network's nullLabel; default 0.1 where there is one, else 0. */
  readonly labelDropout?: number;
  readonly validation?: { readonly data: tf.Tensor; readonly labels?: tf.Tensor; readonly every: number };
  /** Steps between two readings of the loss; default 50. */
  readonly reportEvery?: number;
  /** Called at each reading; the run waits for it. */
  readonly onProgress?: (progress: TrainingProgress) => void | Promise<void>;
  readonly signal?: AbortSignal;
  /** A checkpoint of the same run, to go on from; with a constant learning rate `steps` may grow. */
  readonly resume?: Uint8Array;
}

export interface Trained {
  /** The model that was given, now with the averaged weights (the last ones where there is no average). */
  readonly model: NetworkModel;
  /** Loss curves. */
  readonly history: { readonly training: readonly LossPoint[]; readonly validation: readonly LossPoint[] };
  readonly seconds: number;
  /** Puts the averaged or the last weights into the network. */
  useWeights(which: 'average' | 'last'): void;
  /** The finished run as the bytes of a safetensors file. */
  checkpoint(): Promise<Uint8Array>;
}

/**
 * Trains the network of a model.
 *
 * @returns the same model with trained weights, loss curves and a checkpoint; holds no tensors.
 * @throws ShapeError, DomainError for bad options; NumericalError, naming the step, when the loss is not finite (the
 *   weights are then those of the last finite report); the signal's reason when aborted (they are then
 *   the last ones, not their average).
 * @example
 * ```ts
 * import { key, normal } from '@diff/core';
 * import { mlp, precondition, train } from '@diff/score';
 * import { edm } from '@diff/sde';
 * import '@tensorflow/tfjs-backend-cpu';
 * const network = mlp({ eventShape: [2], width: 16, blocks: 1, key: key(1) });
 * const model = precondition({ network, process: edm(), sigmaData: 1 });
 * const data = normal(key(2), [256, 2]);
 * const { history } = await train({ model, data, key: key(3), steps: 20, batchSize: 32 });
 * const denoised = await model.denoise(data, 0.5);
 * ```
 */
export async function train(options: TrainOptions): Promise<Trained> {
  const { model, steps, reportEvery = 50, validation } = options;
  requireInteger('train', 'reportEvery', reportEvery, 1);
  const plan = await trainingPlan(options);
  const parameters = flatParameters(model.network.variables);

  const training: LossPoint[] = [];
  const validated: LossPoint[] = [];
  /** The state on the host, from which a checkpoint is written. */
  const toHost = async (weights: tf.Tensor, state: RunningState, step: number): Promise<TrainingState> => {
    const read = async (x: tf.Tensor): Promise<Float32Array> => (await x.data()) as Float32Array;
    return {
      step,
      settings: plan.settings,
      history: { training: [...training], validation: [...validated] },
      parameters: await read(weights),
      first: await read(state.first),
      second: await read(state.second),
      ...(state.average ? { average: await read(state.average) } : {}),
    };
  };

  const row = (values: Float32Array): tf.Tensor => tf.tensor2d(values, [1, parameters.size]);
  const resumed = options.resume
    ? loadTrainingState(options.resume, model.network, plan.settings)
    : undefined;
  training.push(...(resumed?.history.training ?? []));
  validated.push(...(resumed?.history.validation ?? []));
  if (resumed) tf.tidy(() => parameters.assign(row(resumed.parameters)));
  let state: RunningState = resumed
    ? {
        first: row(resumed.first),
        second: row(resumed.second),
        ...(resumed.average ? { average: row(resumed.average) } : {}),
      }
    : initialState(plan, parameters);
  /** The weights at the last report. */
  let reported = parameters.flatten(parameters.variables);
  /** The losses since the last report; then the norm of the last gradient. */
  let toRead: tf.Tensor[] = [];
  const started = performance.now();
  let lastReport = started;
  const pacer = createPacer({ signal: options.signal });
  try {
    for (let step = resumed?.step ?? 0; step < steps; step++) {
      await pacer.turn();
      const done = step + 1;
      const validating = validation !== undefined && (done % validation.every === 0 || done === steps);
      const reporting = done % reportEvery === 0 || done === steps || validating;
      const next = advance(plan, parameters, state, step, reporting);
      tf.dispose(stateTensors(state));
      state = next.state;
      toRead.push(next.loss);
      if (!next.gradientNorm) continue;

      toRead.push(next.gradientNorm);
      const stacked = tf.tidy(() => tf.stack(toRead));
      const values = Array.from(await stacked.data());
      stacked.dispose();
      tf.dispose(toRead);
      const count = toRead.length - 1;
      toRead = [];
      for (let i = 0; i <= count; i++) {
        if (Number.isFinite(values[i]!)) continue;
        parameters.assign(reported);
        const what = i < count ? 'loss' : 'gradient';
        throw new NumericalError(
          `train: the ${what} must be finite, got ${values[i]} at step ${Math.min(done - count + i, step)} of ${steps}. Lower the learning rate, set optimizer.clipNorm, or look for NaN in the data.`,
        );
      }
      reported.dispose();
      reported = parameters.flatten(parameters.variables);
      const mean = values.slice(0, count).reduce((a, b) => a + b, 0) / count;
      training.push({ step: done, loss: mean });
      const held = validating
        ? await validationLoss(plan, parameters, { ...state, own: reported }, validation)
        : undefined;
      if (held !== undefined) validated.push({ step: done, loss: held });
      const now = performance.now();
      const [weights, moments] = [reported, state];
      await options.onProgress?.({
        step: done,
        steps,
        loss: mean,
        ...(held === undefined ? {} : { validationLoss: held }),
        learningRate: plan.rateAt(step),
        gradientNorm: values[count]!,
        millisecondsPerStep: (now - lastReport) / count,
        checkpoint: async () => saveCheckpoint({ model, training: await toHost(weights, moments, done) }),
      });
      lastReport = performance.now();
    }
    const finished = await toHost(reported, state, Math.max(steps, resumed?.step ?? 0));
    const useWeights = (which: 'average' | 'last'): void => {
      const chosen = which === 'average' ? finished.average : finished.parameters;
      if (!chosen) {
        throw new DomainError(
          "train: 'average' needs averaged weights, got a run without. Train with `average`.",
        );
      }
      tf.tidy(() => parameters.assign(row(chosen)));
    };
    if (state.average) parameters.assign(state.average);
    return {
      model,
      history: finished.history,
      seconds: (performance.now() - started) / 1000,
      useWeights,
      checkpoint: async () => saveCheckpoint({ model, training: finished }),
    };
  } finally {
    tf.dispose([...stateTensors(state), ...toRead, reported]);
  }
}
