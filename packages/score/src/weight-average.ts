/**
 * Exponential moving average of the weights: a ← r a + (1 − r) p after every step. With warm-up the rate of step k is
 * min(r, (1 + k)/(10 + k)), so that a short run does not remember its random start.
 */
import { DomainError, shown } from '@diff/core';

export interface WeightAverage {
  /** r in [0, 1); 1/(1 − r) steps are averaged. */
  readonly rate: number;
  /** Default true. */
  readonly warmup?: boolean;
}

/** The rate of every step k = 0, 1, …, or undefined for no average. */
export function averageRateOf(
  choice: WeightAverage | number | false,
): ((step: number) => number) | undefined {
  if (choice === false) return undefined;
  const { rate, warmup = true } = typeof choice === 'number' ? { rate: choice } : choice;
  if (!(typeof rate === 'number' && rate >= 0 && rate < 1)) {
    throw new DomainError(
      `train: the rate of the average must lie in [0, 1), got ${shown(rate)}. Pass for example 0.999.`,
    );
  }
  return (step) => (warmup ? Math.min(rate, (1 + step) / (10 + step)) : rate);
}
