/**
 * What every metric returns: a number, how many samples it rests on, and, on request, its sampling error.
 */
import type { Key } from '@diff/core';

/** A metric's value with its sampling error. */
export interface Estimate {
  readonly value: number;
  /** Rows of the samples. */
  readonly n: number;
  /** Rows of the reference. */
  readonly m: number;
  /** Standard deviation of `value` over repetitions of the draw, by bootstrap. Only with `bootstrap`. */
  readonly standardError?: number;
  /** Where the expectation of `value` at these sizes n and m lies, at the level asked for. Only with `bootstrap`. */
  readonly interval?: readonly [low: number, high: number];
}

/** How to estimate the sampling error. */
export interface BootstrapOptions {
  /** Names the resamples: the same key gives the same standard error. */
  readonly key: Key;
  /** Number of resamples, at least 2; default 200, which leaves the standard error about 5 % (1/√(2·200)) of noise of its own. */
  readonly resamples?: number;
  /** Level of the interval in (0, 1); default 0.95. */
  readonly level?: number;
}

/** Options that every metric takes. */
export interface MetricOptions {
  /** Ask for the sampling error; default none. What is resampled is said at each metric. */
  readonly bootstrap?: BootstrapOptions | undefined;
  /** Aborting it makes the metric reject with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}
