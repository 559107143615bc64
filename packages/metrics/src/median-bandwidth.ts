/**
 * The median rule for the bandwidth of a Gaussian kernel: h = median of |z_i − z_j| over pairs i < j of the pooled
 * rows (Gretton et al., JMLR 13, 2012, §8). Of more than 1,000 pooled rows, 1,000 at equal spacing are taken: the
 * rule is a rule of thumb, and its value moves by a few per cent at most.
 */
import { DomainError } from '@diff/core';
import type * as tf from '@tensorflow/tfjs-core';
import { finitePair, type Rows } from './finite-rows.ts';

const MOST_ROWS = 1000;

export function medianOfDistances(where: string, x: Rows, y: Rows): number {
  const { d } = x;
  const size = x.n + y.n;
  const kept = Math.min(size, MOST_ROWS);
  const z = Array.from({ length: kept }, (_, i) => {
    const row = Math.floor((i * size) / kept);
    return row < x.n
      ? x.values.subarray(row * d, (row + 1) * d)
      : y.values.subarray((row - x.n) * d, (row - x.n + 1) * d);
  });
  const distances = new Float64Array((kept * (kept - 1)) / 2);
  let at = 0;
  for (let i = 0; i < kept; i++) {
    for (let j = 0; j < i; j++) {
      let squared = 0;
      for (let c = 0; c < d; c++) squared += (z[i]![c]! - z[j]![c]!) ** 2;
      distances[at++] = Math.sqrt(squared);
    }
  }
  distances.sort();
  const half = distances.length >> 1;
  const median =
    distances.length % 2 ? distances[half]! : ((distances[half - 1] ?? 0) + (distances[half] ?? 0)) / 2;
  if (!(median > 0)) {
    throw new DomainError(
      `${where}: the median distance between rows must be above 0, got ${median}: most rows are equal. Pass a bandwidth.`,
    );
  }
  return median;
}

/**
 * The median-rule bandwidth h of samples [n, d] and a reference [m, d], in units of x.
 *
 * @throws DomainError where more than half of the pairs of rows are equal.
 * @example
 * ```ts
 * import { key, normal } from '@diff/core';
 * import { medianBandwidth, mmdSquared } from '@diff/metrics';
 * import '@tensorflow/tfjs-backend-cpu';
 * const [x, y] = [normal(key(0), [100, 2]), normal(key(1), [100, 2])];
 * const { value } = await mmdSquared(x, y, { bandwidth: await medianBandwidth(x, y) });
 * ```
 */
export async function medianBandwidth(samples: tf.Tensor, reference: tf.Tensor): Promise<number> {
  const [x, y] = await finitePair('medianBandwidth', samples, reference);
  return medianOfDistances('medianBandwidth', x, y);
}
