/**
 * Learning rates over a run of N steps: linear warm-up, then constant or cosine:
 * η_k = η·min(1, (k+1)/warmup), and for 'cosine' η_k = η (floor + (1 − floor)·½(1 + cos π(k−warmup)/(N−warmup))) after it.
 */
import { DomainError, requireFinite, requireInteger, requireOneOf, requirePositive, shown } from '@diff/core';

export interface LearningRateOptions {
  /** η, the highest rate; default 1e-3. */
  readonly peak?: number;
  /** Default 'cosine'. */
  readonly schedule?: 'constant' | 'cosine';
  /** Steps of linear warm-up; default 0. */
  readonly warmup?: number;
  /** What is left of the peak at the end of 'cosine', as a fraction; default 0. */
  readonly floor?: number;
}

/** A rate for all steps, a schedule, or a function of the step 0 … steps − 1. */
export type LearningRate = number | LearningRateOptions | ((step: number, steps: number) => number);

/**
 * The rate of every step as a function.
 *
 * @throws DomainError for a rate that is not a positive number.
 */
export function learningRateOf(choice: LearningRate, steps: number): (step: number) => number {
  if (typeof choice === 'function') {
    return (step) => {
      const rate = choice(step, steps);
      if (!(typeof rate === 'number' && rate >= 0 && Number.isFinite(rate))) {
        throw new DomainError(
          `train: the learning rate must be a finite number ≥ 0, got ${shown(rate)} at step ${step}. Mend the function.`,
        );
      }
      return rate;
    };
  }
  if (typeof choice === 'number') return learningRateOf({ peak: choice, schedule: 'constant' }, steps);
  const { peak = 1e-3, schedule = 'cosine', warmup = 0, floor = 0 } = choice;
  requirePositive('train', 'the peak learning rate', peak);
  requireOneOf('train', 'the schedule', schedule, ['constant', 'cosine']);
  requireInteger('train', 'warmup', warmup, 0);
  requireFinite('train', 'floor', floor);
  return (step) => {
    if (step < warmup) return (peak * (step + 1)) / warmup;
    if (schedule === 'constant') return peak;
    const done = (step - warmup) / Math.max(1, steps - warmup);
    return peak * (floor + ((1 - floor) * (1 + Math.cos(Math.PI * done))) / 2);
  };
}
