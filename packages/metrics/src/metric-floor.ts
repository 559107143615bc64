/**
 * The floor of a metric: what it gives for real data against real data. A sample metric is never 0 on finite samples,
 * so a model's value says most as a multiple of this.
 *
 * The rows are shuffled by the key and cut into two disjoint parts; the metric compares the first with the second.
 * The floor depends on the sizes: give those of the comparison that it stands beside, or as near as the data allow.
 */
import {
  createPacer,
  DomainError,
  fold,
  type Key,
  requireInteger,
  requireKey,
  ShapeError,
  shown,
} from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { shuffledRows } from './shuffled-rows.ts';

export interface MetricFloorOptions {
  /** Names the splits. */
  readonly key: Key;
  /** Rows of the two disjoint parts, n₁ + n₂ ≤ n; default ⌈n/2⌉ and ⌊n/2⌋. */
  readonly sizes?: readonly [number, number];
  /** Number of independent splits; default 1. */
  readonly splits?: number;
  /** Aborting it makes the floor reject with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface MetricFloor {
  /** Mean over the splits. */
  readonly value: number;
  /** The value of each split. */
  readonly values: readonly number[];
  /** Standard deviation over the splits; 0 for one split. The splits share rows, so this is no standard error. */
  readonly spread: number;
  readonly n: number;
  readonly m: number;
}

/**
 * The value of a metric between two halves of real data.
 *
 * @param metric compares [n₁, d] with [n₂, d] and returns something with a `value`, as every metric here does.
 * @param reference [n, …], n ≥ 2: the real data. The halves are disposed after the metric has settled.
 * @throws ShapeError, DomainError, and what the metric throws
 * @example
 * ```ts
 * import { key, normal } from '@diff/core';
 * import { energyDistance, metricFloor } from '@diff/metrics';
 * import '@tensorflow/tfjs-backend-cpu';
 * const real = normal(key(0), [400, 2]);
 * const floor = await metricFloor((x, y) => energyDistance(x, y), real, { key: key(1), splits: 4 });
 * ```
 */
export async function metricFloor(
  metric: (x: tf.Tensor, y: tf.Tensor) => Promise<{ readonly value: number }>,
  reference: tf.Tensor,
  options: MetricFloorOptions,
): Promise<MetricFloor> {
  const where = 'metricFloor';
  const { key, splits = 1, signal } = options;
  requireKey(where, key);
  requireInteger(where, 'splits', splits, 1);
  const n = reference.shape[0] ?? 0;
  if (n < 2) {
    throw new ShapeError(
      `${where}: reference must have at least 2 rows, got ${shown(reference)}. Pass more.`,
    );
  }
  const [n1, n2] = options.sizes ?? [Math.ceil(n / 2), Math.floor(n / 2)];
  requireInteger(where, 'sizes[0]', n1, 1);
  requireInteger(where, 'sizes[1]', n2, 1);
  if (n1 + n2 > n) {
    throw new DomainError(
      `${where}: sizes must add up to at most ${n}, the rows of the reference, got ${n1} + ${n2}. Pass smaller parts.`,
    );
  }
  const pacer = createPacer({ signal });
  const values: number[] = [];
  for (let s = 0; s < splits; s++) {
    await pacer.turn();
    const order = await shuffledRows(fold(key, s), n);
    const parts = [order.subarray(0, n1), order.subarray(n1, n1 + n2)].map((rows) =>
      tf.tidy(() => tf.gather(reference, tf.tensor1d(rows, 'int32'))),
    );
    try {
      values.push((await metric(parts[0]!, parts[1]!)).value);
    } finally {
      tf.dispose(parts);
    }
  }
  const value = values.reduce((a, b) => a + b, 0) / splits;
  const spread = Math.sqrt(values.reduce((s, v) => s + (v - value) ** 2, 0) / Math.max(1, splits - 1));
  return { value, values, spread, n: n1, m: n2 };
}
