/**
 * Dynamic thresholding of the data prediction (Saharia et al. 2022, "Imagen", §2.3), for data in [−R, R]:
 *
 *   s = q-quantile of |x̂0| over a row, kept within [R, max],      x̂0' = R min(max(x̂0/s, −1), 1).
 *
 * Large guidance pushes x̂0 out of the range; clipping would saturate it there, this pulls the whole row back in. With
 * max = R it is `clipData`. Rows do not mix. The quantile interpolates linearly, as numpy and torch do, and is a
 * constant to gradients.
 */
import { DomainError, requirePositive, shown } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { type MapDataOptions, mapData, requireModel } from './map-data.ts';
import type { ScoreModel } from './model.ts';
import { rowQuantile } from './row-quantile.ts';

export interface DynamicThresholdOptions extends MapDataOptions {
  /** Which quantile of |x̂0| becomes the threshold, in [0, 1]; default 0.995. */
  readonly quantile?: number | undefined;
  /** R: the data lie in [−R, R]; default 1. */
  readonly range?: number | undefined;
  /** Largest threshold, at least R; default ∞. */
  readonly max?: number | undefined;
}

/**
 * Thresholds the data prediction of a model dynamically, row by row, whatever it predicts.
 *
 * @returns a model of kind `kind`, by default 'data'.
 * @throws DomainError unless 0 ≤ quantile ≤ 1, range > 0 and max ≥ range; otherwise as `mapData`.
 * @example
 * ```ts
 * import { dynamicThreshold, gaussian } from '@diff/score';
 * import { variancePreserving } from '@diff/sde';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const model = gaussian({ process: variancePreserving(), mean: [3, 0, 0.5], kind: 'noise' });
 * const inRange = dynamicThreshold(model, { quantile: 0.9 });
 * const data = await inRange.predict(tf.ones([4, 3]), 0.5); // in [−1, 1]
 * ```
 */
export function dynamicThreshold(
  model: ScoreModel,
  { quantile = 0.995, range = 1, max = Number.POSITIVE_INFINITY, kind, name }: DynamicThresholdOptions = {},
): ScoreModel {
  requireModel('dynamicThreshold', 'model', model);
  if (typeof quantile !== 'number' || !(quantile >= 0 && quantile <= 1)) {
    throw new DomainError(
      `dynamicThreshold: quantile must lie in [0, 1], got ${shown(quantile)}. 0.995 is usual.`,
    );
  }
  requirePositive('dynamicThreshold', 'range', range);
  if (typeof max !== 'number' || !(max >= range)) {
    throw new DomainError(
      `dynamicThreshold: max must be at least range = ${range}, got ${shown(max)}. Leave it out for no limit.`,
    );
  }

  function thresholded(data: tf.Tensor): tf.Tensor {
    const rows = tf.reshape(data, [data.shape[0]!, -1]) as tf.Tensor2D;
    const above = tf.maximum(rowQuantile(tf.abs(rows), quantile), range);
    const s = Number.isFinite(max) ? tf.minimum(above, max) : above;
    return tf.reshape(tf.mul(tf.clipByValue(tf.div(rows, s), -1, 1), range), data.shape);
  }

  return mapData(model, thresholded, { kind, name: name ?? `${model.name} thresholded` });
}
