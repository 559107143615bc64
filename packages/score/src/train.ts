/**
 * Training a network by denoising score matching, with Adam, an average of the weights and label dropout.
 *
 * Everything random in step k is a function of (key, k): which rows, which times, which noise, which labels are
 * dropped. So a run that is resumed from a checkpoint ends in the same bytes as one that was never interrupted.
 * Within a step nothing is read back from the backend; losses are read every `reportEvery` steps.
 */
import {
  combine,
  createPacer,
  DomainError,
  fold,
  type Key,
  NumericalError,
  requireInteger,
  requireKey,
  ShapeError,
  shown,
} from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { type AdamOptions, type AdamState, adam } from './adam.ts';
import { batchOrder } from './batch-order.ts';
import { loadTrainingState, saveCheckpoint, type TrainingState } from './checkpoint.ts';
import { batchLoss, denoisingBatch } from './denoising-loss.ts';
import { flatParameters } from './flat-parameters.ts';
import { keyedUniforms } from './keyed-numbers.ts';
import { type LearningRate, learningRateOf } from './learning-rate.ts';
import type { Network } from './network.ts';
import type { NetworkModel } from './precondition.ts';
import { logNormalTimes, sampleTimes, type TimeLaw, uniformTimes } from './time-sampling.ts';
import { averageRateOf, type WeightAverage } from './weight-average.ts';
import { type Weighting, type WeightingName, weighting as weightingOf } from './weighting.ts';

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
  /** A checkpoint of the same run, to go on from. */
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

interface Running extends AdamState {
  readonly average?: tf.Tensor;
}

const runningTensors = (state: Running): tf.Tensor[] => [
  state.parameters,
  state.first,
  state.second,
  ...(state.average ? [state.average] : []),
];

function checkRows(
  where: string,
  data: tf.Tensor,
  labels: tf.Tensor | undefined,
  model: NetworkModel,
): number {
  const event = model.eventShape;
  const rows = data?.shape?.[0] ?? 0;
  if (rows < 1 || (event && !tf.util.arraysEqual(data.shape.slice(1), [...event]))) {
    throw new ShapeError(
      `train: ${where} must have shape [n, ${event ? event.join(', ') : '…'}] with n ≥ 1, got ${shown(data)}. Reshape it.`,
    );
  }
  if (labels && labels.shape[0] !== rows) {
    throw new ShapeError(
      `train: the labels of ${where} must have ${rows} rows, got ${shown(labels)}. Pass one for each row.`,
    );
  }
  return rows;
}

/** Throws unless every label is one that the network knows; a wrong one would train as "no condition". */
async function checkLabels(labels: tf.Tensor | undefined, { classes, nullLabel }: Network): Promise<void> {
  if (!labels || classes === undefined) return;
  const values = Array.from(await labels.data());
  const wrong = values.findIndex((v) => v !== nullLabel && !(Number.isInteger(v) && v >= 0 && v < classes));
  if (wrong >= 0) {
    throw new DomainError(
      `train: labels must be whole numbers from 0 to ${classes - 1}, got ${values[wrong]} in row ${wrong}. Renumber them, or make the network with more classes.`,
    );
  }
}

/**
 * Trains the network of a model.
 *
 * @returns the same model with trained weights, loss curves and a checkpoint; holds no tensors.
 * @throws ShapeError, DomainError for bad options; NumericalError, naming the step, when the loss is not finite (the
 *   weights are then those of the last finite report); the signal's reason when aborted.
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
  const { model, data, labels, key, steps, batchSize = 128, reportEvery = 50, stratified = true } = options;
  const { network, process } = model;
  requireKey('train', key);
  requireInteger('train', 'steps', steps, 1);
  requireInteger('train', 'batchSize', batchSize, 1);
  requireInteger('train', 'reportEvery', reportEvery, 1);
  const rows = checkRows('data', data, labels, model);
  const { validation } = options;
  if (validation) {
    checkRows('the validation data', validation.data, validation.labels, model);
    requireInteger('train', 'validation.every', validation.every, 1);
  }
  await checkLabels(labels, network);
  await checkLabels(validation?.labels, network);
  const { nullLabel } = network;
  const dropout = options.labelDropout ?? (labels && nullLabel !== undefined ? 0.1 : 0);
  if (!(dropout >= 0 && dropout <= 1) || (dropout > 0 && (!labels || nullLabel === undefined))) {
    throw new DomainError(
      `train: labelDropout must lie in [0, 1], and be 0 without labels or without a network's nullLabel, got ${shown(dropout)}. Pass labels and a network with a nullLabel, or 0.`,
    );
  }
  const { sigmaData, name: rule } = model.preconditioning;
  const weighting = options.weighting ?? (rule === 'edm' ? 'edm' : 'noise');
  const weigh = weightingOf(weighting, { process, sigmaData });
  const law =
    options.times ?? (rule === 'edm' ? logNormalTimes({ process, sigmaData }) : uniformTimes({ process }));
  const learningRate = options.learningRate ?? {};
  const rateAt = learningRateOf(learningRate, steps);
  const optimizer = adam(options.optimizer);
  const averageRate = averageRateOf(options.average ?? 0.999);
  const parameters = flatParameters(network.variables);
  if (parameters.variables.length === 0) {
    throw new DomainError('train: the network must have variables, got none. Name them in its `variables`.');
  }
  const named = (value: unknown): unknown => (typeof value === 'function' ? 'custom' : value);
  const settings = JSON.stringify({
    key: key.words,
    rows,
    batchSize,
    weighting: named(weighting),
    times: law.name,
    stratified,
    labelDropout: dropout,
    learningRate: named(learningRate),
    optimizer: options.optimizer ?? {},
    average: options.average ?? 0.999,
  });

  const order = batchOrder(fold(key, 0), rows, batchSize);
  const [timesKey, noiseKey, dropoutKey, validationKey] = [1, 2, 3, 4].map((i) => fold(key, i)) as [
    Key,
    Key,
    Key,
    Key,
  ];

  const conditionOf = (step: number, indices: tf.Tensor1D): tf.Tensor | undefined => {
    if (!labels) return undefined;
    const chosen = tf.gather(labels, indices);
    if (dropout === 0) return chosen;
    const dropped = Uint8Array.from(keyedUniforms(fold(dropoutKey, step), batchSize), (u) =>
      u < dropout ? 1 : 0,
    );
    const mask = tf.tensor(dropped, [batchSize, ...new Array<number>(chosen.rank - 1).fill(1)], 'bool');
    return tf.where(
      mask,
      tf.fill(chosen.shape, nullLabel ?? 0, chosen.dtype === 'int32' ? 'int32' : 'float32'),
      chosen,
    );
  };

  /** One step: the next state, with the loss and the norm of the gradient as scalars. All tensors are new. */
  const advance = (
    state: Running,
    step: number,
  ): Running & { readonly loss: tf.Tensor; readonly norm: tf.Tensor } =>
    tf.tidy(() => {
      const indices = tf.tensor1d(order(step), 'int32');
      const condition = conditionOf(step, indices);
      const batch = denoisingBatch({
        model,
        x0: tf.gather(data, indices),
        times: sampleTimes(law, fold(timesKey, step), batchSize, stratified),
        noise: fold(noiseKey, step),
        weighting: weigh,
      });
      const { value, grads } = tf.variableGrads(
        () => batchLoss(model, batch, condition),
        [...parameters.variables],
      );
      const gradient = parameters.flatten(parameters.variables.map((v) => grads[v.name]));
      const { gradientNorm, ...moved } = optimizer.step(state, gradient, step + 1, rateAt(step));
      parameters.assign(moved.parameters);
      const kept = averageRate?.(step) ?? 0;
      const average = state.average
        ? combine([
            [kept, state.average],
            [1 - kept, moved.parameters],
          ])
        : undefined;
      return { ...moved, ...(average ? { average } : {}), loss: value, norm: gradientNorm };
    });

  /** Loss on the validation data with the averaged weights, at the same times and noise whenever it is called. */
  const validate = async (state: Running): Promise<number> => {
    const { data: held, labels: heldLabels } = validation!;
    const heldRows = held.shape[0]!;
    parameters.assign(state.average ?? state.parameters);
    const total = tf.tidy(() => {
      const parts: tf.Tensor[] = [];
      for (let start = 0, i = 0; start < heldRows; start += batchSize, i++) {
        const size = Math.min(batchSize, heldRows - start);
        parts.push(
          tf.tidy(() => {
            const piece = (x: tf.Tensor): tf.Tensor =>
              tf.slice(x, [start, ...x.shape.slice(1).map(() => 0)], [size, ...x.shape.slice(1)]);
            const batch = denoisingBatch({
              model,
              x0: piece(held),
              times: sampleTimes(law, fold(fold(validationKey, 0), i), size, stratified),
              noise: fold(fold(validationKey, 1), i),
              weighting: weigh,
            });
            return tf.mul(batchLoss(model, batch, heldLabels && piece(heldLabels)), size / heldRows);
          }),
        );
      }
      return tf.addN(parts);
    });
    parameters.assign(state.parameters);
    try {
      return (await total.data())[0]!;
    } finally {
      total.dispose();
    }
  };

  const training: LossPoint[] = [];
  const validated: LossPoint[] = [];
  /** The state on the host, from which a checkpoint is written. */
  const toHost = async (state: Running, step: number): Promise<TrainingState> => {
    const read = async (x: tf.Tensor): Promise<Float32Array> => Float32Array.from(await x.data());
    return {
      step,
      settings,
      history: { training: [...training], validation: [...validated] },
      parameters: await read(state.parameters),
      first: await read(state.first),
      second: await read(state.second),
      ...(state.average ? { average: await read(state.average) } : {}),
    };
  };

  const row = (values: Float32Array): tf.Tensor => tf.tensor2d(values, [1, parameters.size]);
  const resumed = options.resume ? loadTrainingState(options.resume, network, settings) : undefined;
  if (resumed) {
    training.push(...resumed.history.training);
    validated.push(...resumed.history.validation);
  }
  let state: Running = resumed
    ? {
        parameters: row(resumed.parameters),
        first: row(resumed.first),
        second: row(resumed.second),
        ...(resumed.average ? { average: row(resumed.average) } : {}),
      }
    : tf.tidy(() => {
        const start = parameters.flatten([...parameters.variables]);
        return {
          parameters: start,
          first: tf.zerosLike(start),
          second: tf.zerosLike(start),
          ...(averageRate ? { average: tf.clone(start) } : {}),
        };
      });
  parameters.assign(state.parameters);
  let lastFinite = tf.clone(state.parameters);
  let losses: tf.Tensor[] = [];
  let norm: tf.Tensor | undefined;
  const started = performance.now();
  let lastReport = started;
  const pacer = createPacer({ signal: options.signal });
  try {
    for (let step = resumed?.step ?? 0; step < steps; step++) {
      await pacer.turn();
      const { loss, norm: newNorm, ...next } = advance(state, step);
      tf.dispose([...runningTensors(state), ...(norm ? [norm] : [])]);
      state = next;
      norm = newNorm;
      losses.push(loss);
      const done = step + 1;
      const validating = validation !== undefined && (done % validation.every === 0 || done === steps);
      if (done % reportEvery !== 0 && done !== steps && !validating) continue;

      const stacked = tf.tidy(() => tf.stack([...losses, newNorm]));
      const values = Array.from(await stacked.data());
      stacked.dispose();
      tf.dispose(losses);
      const count = losses.length;
      losses = [];
      for (let i = 0; i <= count; i++) {
        if (Number.isFinite(values[i]!)) continue;
        parameters.assign(lastFinite);
        const what = i < count ? 'loss' : 'gradient';
        throw new NumericalError(
          `train: the ${what} must be finite, got ${values[i]} at step ${Math.min(done - count + i, step)} of ${steps}. Lower the learning rate, set optimizer.clipNorm, or look for NaN in the data.`,
        );
      }
      lastFinite.dispose();
      lastFinite = tf.clone(state.parameters);
      const mean = values.slice(0, count).reduce((a, b) => a + b, 0) / count;
      training.push({ step: done, loss: mean });
      let validationLoss: number | undefined;
      if (validating) {
        validationLoss = await validate(state);
        validated.push({ step: done, loss: validationLoss });
      }
      const now = performance.now();
      const reported = state;
      await options.onProgress?.({
        step: done,
        steps,
        loss: mean,
        ...(validationLoss === undefined ? {} : { validationLoss }),
        learningRate: rateAt(step),
        gradientNorm: values[count]!,
        millisecondsPerStep: (now - lastReport) / count,
        checkpoint: async () => saveCheckpoint({ model, training: await toHost(reported, done) }),
      });
      lastReport = performance.now();
    }
    const finished = await toHost(state, Math.max(steps, resumed?.step ?? 0));
    const useWeights = (which: 'average' | 'last'): void => {
      const chosen = which === 'average' ? finished.average : finished.parameters;
      if (!chosen) {
        throw new DomainError(
          "train: 'average' needs averaged weights, got a run without. Train with `average`.",
        );
      }
      tf.tidy(() => parameters.assign(row(chosen)));
    };
    useWeights(finished.average ? 'average' : 'last');
    return {
      model,
      history: finished.history,
      seconds: (performance.now() - started) / 1000,
      useWeights,
      checkpoint: async () => saveCheckpoint({ model, training: finished }),
    };
  } finally {
    tf.dispose([...runningTensors(state), ...losses, ...(norm ? [norm] : []), lastFinite]);
  }
}
