/**
 * Class accuracy: the share of samples whose nearest row of labelled real data has the label that the sample was
 * drawn for. It measures whether a conditional model obeys its condition, with a classifier that has no training.
 */
import { createPacer, DomainError, ShapeError, shown } from '@diff/core';
import type * as tf from '@tensorflow/tfjs-core';
import { requireBootstrap } from './bootstrap.ts';
import type { Estimate, MetricOptions } from './estimate.ts';
import { finitePair } from './finite-rows.ts';
import { meanError, meanOf } from './resampled-mean.ts';
import { neighbours } from './row-pieces.ts';

/** Whole numbers, one for each row. */
export type Labels = tf.Tensor | ArrayLike<number>;

export interface AccuracyEstimate extends Estimate {
  /** The same for the samples of each label, ascending. */
  readonly perClass: readonly { readonly label: number; readonly n: number; readonly value: number }[];
}

async function requireLabels(
  where: string,
  name: string,
  labels: Labels,
  n: number,
): Promise<ArrayLike<number>> {
  const values = 'data' in labels && typeof labels.data === 'function' ? await labels.data() : labels;
  if (!('length' in values) || values.length !== n) {
    throw new ShapeError(
      `${where}: ${name} must hold ${n} labels, one a row, got ${'length' in values ? values.length : shown(labels)}. Pass the label of every row.`,
    );
  }
  for (let i = 0; i < n; i++) {
    if (!Number.isInteger(values[i])) {
      throw new DomainError(
        `${where}: ${name} must be whole numbers, got ${shown(values[i])} at ${i}. Number the classes 0, 1, 2, …`,
      );
    }
  }
  return values;
}

/**
 * 1-nearest-neighbour class accuracy of samples on labelled real data.
 *
 * Bootstrap: the samples redrawn with replacement together with their labels, the reference held fixed.
 *
 * @param samples [n, d]; @param labels n; @param reference [m, d]; @param referenceLabels m.
 * @throws ShapeError, DomainError
 * @example
 * ```ts
 * import { nearestNeighbourAccuracy } from '@diff/metrics';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const real = tf.tensor2d([[0, 0], [5, 5]]);
 * const drawn = tf.tensor2d([[0.1, 0], [4, 5], [1, 0]]);
 * const { value } = await nearestNeighbourAccuracy(drawn, [0, 1, 1], real, [0, 1]); // 2/3
 * ```
 */
export async function nearestNeighbourAccuracy(
  samples: tf.Tensor,
  labels: Labels,
  reference: tf.Tensor,
  referenceLabels: Labels,
  options: MetricOptions = {},
): Promise<AccuracyEstimate> {
  const where = 'nearestNeighbourAccuracy';
  const bootstrap = requireBootstrap(where, options.bootstrap);
  const [{ n }, { n: m }] = await finitePair(where, samples, reference);
  const wanted = await requireLabels(where, 'labels', labels, n);
  const known = await requireLabels(where, 'referenceLabels', referenceLabels, m);
  const pacer = createPacer({ signal: options.signal });
  const { index } = await neighbours(samples, reference, 1, pacer);
  const right = Float64Array.from(index, (j, i) => (known[j] === wanted[i] ? 1 : 0));
  const classes = [...new Set(Array.from(wanted))].sort((a, b) => a - b);
  const perClass = classes.map((label) => {
    const own = right.filter((_, i) => wanted[i] === label);
    return { label, n: own.length, value: meanOf(own) };
  });
  const error = await meanError(right, bootstrap, pacer, [0, 1]);
  return { value: meanOf(right), n, m, perClass, ...error };
}
