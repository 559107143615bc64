/**
 * How many times slower one contestant is than another, from samples of the same rounds.
 *
 * Load on a machine comes and goes, and slows down whoever runs at that time. Contestants take turns within a round, so
 * the ratio of two samples of one round is freer of it than either sample: the estimate is the median of these ratios,
 * its interval the middle 95 % of medians of resampled rounds (percentile bootstrap).
 */
import { threefry4x32 } from '@diff/core';
import { median, quantile } from './quantile.ts';

export interface PairedRatio {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** Rounds in which both were measured. */
  readonly rounds: number;
}

const RESAMPLES = 1000;
const KEY = [2026, 0, 0, 0] as const;

/** Whole numbers below `bound`, always the same ones. */
function draws(count: number, bound: number): Uint32Array {
  const words = new Uint32Array(4 * Math.ceil(count / 4));
  for (let i = 0; i < words.length; i += 4) threefry4x32(KEY, i / 4, bound, 0, 0, words, i);
  return words.subarray(0, count).map((w) => Math.floor((w / 2 ** 32) * bound));
}

/** The ratio numerator / denominator, round by round; undefined where no round has both. */
export function pairedRatio(
  numerator: readonly number[],
  denominator: readonly number[],
): PairedRatio | undefined {
  const rounds = Math.min(numerator.length, denominator.length);
  if (rounds === 0) return undefined;
  const ratios = Array.from({ length: rounds }, (_, i) => numerator[i]! / denominator[i]!);
  const chosen = draws(RESAMPLES * rounds, rounds);
  const medians = Array.from({ length: RESAMPLES }, (_, r) =>
    median(Array.from(chosen.subarray(r * rounds, (r + 1) * rounds), (i) => ratios[i]!)),
  );
  return { value: median(ratios), low: quantile(medians, 0.025), high: quantile(medians, 0.975), rounds };
}
