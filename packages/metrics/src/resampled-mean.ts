/**
 * The bootstrap of a mean or a median of one number per row, the numbers themselves held fixed.
 */
import type { Pacer } from '@diff/core';
import { type Bootstrap, samplingError } from './bootstrap.ts';
import type { Estimate } from './estimate.ts';

type SamplingError = Pick<Estimate, 'standardError' | 'interval'>;

export const meanOf = (values: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
};

/** Median of ascending values in which value i counts counts[i] times, n in all. */
export function countedMedian(sorted: ArrayLike<number>, counts: ArrayLike<number>, n: number): number {
  let [below, i] = [0, -1];
  const next = (rank: number): number => {
    while (below <= rank) below += counts[++i]!;
    return sorted[i]!;
  };
  const low = next(Math.ceil(n / 2) - 1);
  return n % 2 ? low : (low + next(n / 2)) / 2;
}

/** Sampling error of the mean of `values` [n]; the samples are redrawn. */
export async function meanError(
  values: ArrayLike<number>,
  bootstrap: Bootstrap | undefined,
  pacer: Pacer,
  range: readonly [number, number],
): Promise<SamplingError> {
  if (!bootstrap) return {};
  const n = values.length;
  const replicates = new Float64Array(bootstrap.resamples);
  for (let r = 0; r < replicates.length; r++) {
    await pacer.turn();
    const counts = await bootstrap.counts('samples', r, n);
    for (let i = 0; i < n; i++) replicates[r]! += (counts[i]! * values[i]!) / n;
  }
  return samplingError(meanOf(values), replicates, bootstrap.level, range);
}

/** Sampling error of the median of ascending `sorted` [n]. */
export async function medianError(
  sorted: ArrayLike<number>,
  bootstrap: Bootstrap | undefined,
  pacer: Pacer,
): Promise<SamplingError> {
  if (!bootstrap) return {};
  const n = sorted.length;
  const value = countedMedian(sorted, new Uint8Array(n).fill(1), n);
  const replicates = new Float64Array(bootstrap.resamples);
  for (let r = 0; r < replicates.length; r++) {
    await pacer.turn();
    replicates[r] = countedMedian(sorted, await bootstrap.counts('samples', r, n), n);
  }
  return samplingError(value, replicates, bootstrap.level, [0, Number.POSITIVE_INFINITY]);
}
