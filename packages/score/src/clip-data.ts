/**
 * Static clipping of the data prediction: x̂0' = min(max(x̂0, lower), upper), as pipelines for images in [−1, 1] do
 * ("clip_sample"). Where the data fill the range it only removes what the model cannot mean; where they are rare at the
 * ends it biases the samples towards the ends.
 */
import { DomainError, requireFinite } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { type MapDataOptions, mapData, requireModel } from './map-data.ts';
import type { ScoreModel } from './model.ts';

export interface ClipDataOptions extends MapDataOptions {
  /** Least value of x̂0; default −1. */
  readonly min?: number | undefined;
  /** Greatest value of x̂0; default 1. */
  readonly max?: number | undefined;
}

/**
 * Clips the data prediction of a model, whatever it predicts.
 *
 * @returns a model of kind `kind`, by default 'data'.
 * @throws DomainError unless min < max are finite; otherwise as `mapData`.
 * @example
 * ```ts
 * import { clipData, gaussian } from '@diff/score';
 * import { variancePreserving } from '@diff/sde';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const model = gaussian({ process: variancePreserving(), mean: [0.9, 0], kind: 'noise' });
 * const clipped = clipData(model, { min: -1, max: 1 });
 * const data = await clipped.predict(tf.ones([4, 2]), 0.5);
 * ```
 */
export function clipData(
  model: ScoreModel,
  { min = -1, max = 1, kind, name }: ClipDataOptions = {},
): ScoreModel {
  requireModel('clipData', 'model', model);
  requireFinite('clipData', 'min', min);
  requireFinite('clipData', 'max', max);
  if (min >= max) {
    throw new DomainError(
      `clipData: min must be below max, got min = ${min} and max = ${max}. Pass for example { min: -1, max: 1 }.`,
    );
  }
  return mapData(model, (data) => tf.clipByValue(data, min, max), {
    kind,
    name: name ?? `${model.name} clipped`,
  });
}
