/**
 * What a training run will do: its options, checked and with their defaults, and the keys of its streams.
 */
import { DomainError, fold, type Key, requireInteger, requireKey, ShapeError, shown } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { type Adam, adam } from './adam.ts';
import { batchOrder } from './batch-order.ts';
import { learningRateOf } from './learning-rate.ts';
import type { Network } from './network.ts';
import type { NetworkModel } from './precondition.ts';
import { logNormalTimes, sampleTimes, uniformTimes } from './time-sampling.ts';
import type { TrainOptions } from './train.ts';
import { averageRateOf } from './weight-average.ts';
import { type Weighting, weighting as weightingOf } from './weighting.ts';

export interface TrainingPlan {
  readonly model: NetworkModel;
  readonly data: tf.Tensor;
  /** One for each row: on the host where they are int32 numbers of classes, else as they were given. */
  readonly labels: Int32Array | tf.Tensor | undefined;
  readonly batchSize: number;
  /** Chance that a row's label is dropped. */
  readonly dropout: number;
  readonly weighting: Weighting;
  readonly optimizer: Adam;
  /** Rate of step 0, 1, … */
  readonly rateAt: (step: number) => number;
  /** Rate of the average after step 0, 1, …; undefined for no average. */
  readonly averageRate: ((step: number) => number) | undefined;
  /** Rows of the data in batch `step`. */
  readonly order: (step: number) => Int32Array;
  /** The times of `count` rows. */
  readonly times: (key: Key, count: number) => Float64Array;
  readonly keys: {
    readonly times: Key;
    readonly noise: Key;
    readonly dropout: Key;
    readonly validation: Key;
  };
  /** JSON of what decides the course of the run. */
  readonly settings: string;
}

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

/**
 * Labels, on the host where they are int32 and the network has classes; throws unless it knows each of them: a wrong one
 * would train as "no condition".
 */
async function checkedLabels(
  labels: tf.Tensor | undefined,
  { classes, nullLabel }: Network,
): Promise<Int32Array | tf.Tensor | undefined> {
  if (!labels || classes === undefined) return labels;
  const values = await labels.data();
  const wrong = values.findIndex((v) => v !== nullLabel && !(Number.isInteger(v) && v >= 0 && v < classes));
  if (wrong >= 0) {
    throw new DomainError(
      `train: labels must be whole numbers from 0 to ${classes - 1}, got ${values[wrong]} in row ${wrong}. Renumber them, or make the network with more classes.`,
    );
  }
  return labels.rank === 1 && labels.dtype === 'int32' ? Int32Array.from(values) : labels;
}

/** Schedules stretch over the run, so another number of steps would be another run; a constant rate does not. */
const stretches = (rate: TrainOptions['learningRate']): boolean =>
  !(typeof rate === 'number' || (typeof rate === 'object' && rate.schedule === 'constant'));

/** @throws ShapeError, DomainError naming the option that cannot be. */
export async function trainingPlan(options: TrainOptions): Promise<TrainingPlan> {
  const { model, data, labels, key, steps, batchSize = 128, stratified = true, validation } = options;
  const { network, process } = model;
  requireKey('train', key);
  requireInteger('train', 'steps', steps, 1);
  requireInteger('train', 'batchSize', batchSize, 1);
  const rows = checkRows('data', data, labels, model);
  if (validation) {
    checkRows('the validation data', validation.data, validation.labels, model);
    requireInteger('train', 'validation.every', validation.every, 1);
  }
  const checked = await checkedLabels(labels, network);
  await checkedLabels(validation?.labels, network);
  const { nullLabel } = network;
  const dropout = options.labelDropout ?? (labels && nullLabel !== undefined ? 0.1 : 0);
  if (!(dropout >= 0 && dropout <= 1) || (dropout > 0 && (!labels || nullLabel === undefined))) {
    throw new DomainError(
      `train: labelDropout must lie in [0, 1], and be 0 without labels or without a network's nullLabel, got ${shown(dropout)}. Pass labels and a network with a nullLabel, or 0.`,
    );
  }
  const { sigmaData, name: rule } = model.preconditioning;
  const weighting = options.weighting ?? (rule === 'edm' ? 'edm' : 'noise');
  const law =
    options.times ?? (rule === 'edm' ? logNormalTimes({ process, sigmaData }) : uniformTimes({ process }));
  const { learningRate = {}, average = 0.999 } = options;
  if (Object.keys(network.variables).length === 0) {
    throw new DomainError('train: the network must have variables, got none. Name them in its `variables`.');
  }
  const named = (value: unknown): unknown => (typeof value === 'function' ? 'custom' : value);
  return {
    model,
    data,
    labels: checked,
    batchSize,
    dropout,
    weighting: weightingOf(weighting, { process, sigmaData }),
    optimizer: adam(options.optimizer),
    rateAt: learningRateOf(learningRate, steps),
    averageRate: averageRateOf(average),
    order: batchOrder(fold(key, 0), rows, batchSize),
    times: (timesKey, count) => sampleTimes(law, timesKey, count, stratified),
    keys: { times: fold(key, 1), noise: fold(key, 2), dropout: fold(key, 3), validation: fold(key, 4) },
    settings: JSON.stringify({
      key: key.words,
      rows,
      batchSize,
      weighting: named(weighting),
      times: law.name,
      stratified,
      labelDropout: dropout,
      learningRate: named(learningRate),
      ...(stretches(options.learningRate) ? { steps } : {}),
      optimizer: options.optimizer ?? {},
      average,
    }),
  };
}
