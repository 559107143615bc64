/**
 * Measuring: drawn rows against the half of the data that training never saw, beside what real rows themselves give.
 */
import { fold, type Key } from '@diff/core';
import {
  type Estimate,
  energyDistance,
  nearestDistance,
  nearestNeighbourAccuracy,
  precisionRecall,
} from '@diff/metrics';
import * as tf from '@tensorflow/tfjs-core';
import type { Dataset } from './dataset.ts';

export interface Measured {
  /** Squared energy distance (V-statistic) to the held-out half. */
  readonly energyDistance: Estimate;
  /** Median distance to the nearest row of the training half. */
  readonly nearestTrain: Estimate;
  readonly precision: Estimate;
  readonly recall: Estimate;
  /** Share of rows whose nearest real row in the held-out half has the class they were drawn for. */
  readonly classAccuracy?: Estimate;
}

interface MeasureOptions {
  readonly train: Dataset;
  readonly held: Dataset;
  readonly key: Key;
}

type Bootstrap = { readonly bootstrap: { readonly key: Key; readonly resamples: number } };

function bootstrapOf(key: Key, i: number): Bootstrap {
  return { bootstrap: { key: fold(key, i), resamples: 100 } };
}

const asTensor = ({ values, n, d }: Dataset): tf.Tensor2D => tf.tensor2d(values, [n, d]);

/** Measures `rows` against the held-out half; their distance to the training half tells whether they copy it. */
export async function measure({
  rows,
  train,
  held,
  key,
}: MeasureOptions & { readonly rows: Dataset }): Promise<Measured> {
  const [x, learnt, unseen] = [asTensor(rows), asTensor(train), asTensor(held)];
  try {
    const { precision, recall } = await precisionRecall(x, unseen, { k: 5, ...bootstrapOf(key, 0) });
    const found = {
      energyDistance: await energyDistance(x, unseen, bootstrapOf(key, 1)),
      nearestTrain: await nearestDistance(x, learnt, bootstrapOf(key, 2)),
      precision,
      recall,
    };
    if (!rows.labels || !held.labels) return found;
    const options = bootstrapOf(key, 3);
    return {
      ...found,
      classAccuracy: await nearestNeighbourAccuracy(x, rows.labels, unseen, held.labels, options),
    };
  } finally {
    tf.dispose([x, learnt, unseen]);
  }
}

/** What real rows give: the training half in the samples' place, and held-out rows' distance to the training half. */
export async function measureFloor({ train, held, key }: MeasureOptions): Promise<Measured> {
  const real = await measure({ rows: train, train, held, key });
  const [learnt, unseen] = [asTensor(train), asTensor(held)];
  try {
    return { ...real, nearestTrain: await nearestDistance(unseen, learnt, bootstrapOf(key, 2)) };
  } finally {
    tf.dispose([learnt, unseen]);
  }
}
