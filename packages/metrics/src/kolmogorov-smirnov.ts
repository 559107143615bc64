/**
 * Kolmogorov–Smirnov: the largest gap between two empirical distribution functions, D = sup_t |F(t) − G(t)|.
 *
 * The p-value is P(D ≥ observed) where both samples come from one continuous law: exact for n·m ≤ 10⁶, otherwise
 * the Kolmogorov limit. With ties it is conservative (too large).
 */
import { createPacer } from '@diff/core';
import type * as tf from '@tensorflow/tfjs-core';
import { requireBootstrap, samplingError } from './bootstrap.ts';
import type { Estimate, MetricOptions } from './estimate.ts';
import { finiteNumbers } from './finite-rows.ts';
import { asymptoticKolmogorovTail, exactKolmogorovTail } from './kolmogorov-law.ts';
import { ascendingOrder, inOrder } from './quantile-coupling.ts';

export interface KolmogorovSmirnovEstimate extends Estimate {
  /** P(D ≥ value) if both samples came from one continuous law. */
  readonly pValue: number;
}

const EXACT_UP_TO = 1e6;

/** sup |F − G| of ascending values with counts (a, n in all; b, m in all). */
function largestGap(x: Float64Array, a: ArrayLike<number>, y: Float64Array, b: ArrayLike<number>): number {
  const n = x.length;
  const m = y.length;
  let [i, j, belowX, belowY, widest] = [0, 0, 0, 0, 0];
  while (i < n || j < m) {
    const at = Math.min(x[i] ?? Number.POSITIVE_INFINITY, y[j] ?? Number.POSITIVE_INFINITY);
    while (i < n && x[i]! === at) belowX += a[i++]!;
    while (j < m && y[j]! === at) belowY += b[j++]!;
    widest = Math.max(widest, Math.abs(belowX * m - belowY * n));
  }
  return widest / (n * m);
}

/**
 * D and its p-value for samples of numbers.
 *
 * Bootstrap: samples and reference redrawn with replacement.
 *
 * @param samples [n] or [n, 1]; @param reference [m] or [m, 1].
 * @throws ShapeError, DomainError
 * @example
 * ```ts
 * import { key, normal } from '@diff/core';
 * import { kolmogorovSmirnov } from '@diff/metrics';
 * import '@tensorflow/tfjs-backend-cpu';
 * const { value, pValue } = await kolmogorovSmirnov(normal(key(0), [100]), normal(key(1), [150]));
 * ```
 */
export async function kolmogorovSmirnov(
  samples: tf.Tensor,
  reference: tf.Tensor,
  options: MetricOptions = {},
): Promise<KolmogorovSmirnovEstimate> {
  const where = 'kolmogorovSmirnov';
  const bootstrap = requireBootstrap(where, options.bootstrap);
  const xs = await finiteNumbers(where, 'samples', samples);
  const ys = await finiteNumbers(where, 'reference', reference);
  const [n, m] = [xs.length, ys.length];
  const [orderX, orderY] = [ascendingOrder(xs), ascendingOrder(ys)];
  const [x, y] = [inOrder(xs, orderX), inOrder(ys, orderY)];
  const value = largestGap(x, new Uint8Array(n).fill(1), y, new Uint8Array(m).fill(1));
  const tail = n * m <= EXACT_UP_TO ? exactKolmogorovTail : asymptoticKolmogorovTail;
  const found = { value, pValue: tail(value, n, m), n, m };
  if (!bootstrap) return found;
  const pacer = createPacer({ signal: options.signal });
  const replicates = new Float64Array(bootstrap.resamples);
  for (let r = 0; r < replicates.length; r++) {
    await pacer.turn();
    const a = await bootstrap.counts('samples', r, n);
    const b = await bootstrap.counts('reference', r, m);
    replicates[r] = largestGap(x, a, y, b);
  }
  return { ...found, ...samplingError(value, replicates, bootstrap.level, [0, 1]) };
}
