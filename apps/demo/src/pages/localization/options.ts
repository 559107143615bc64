/** What the user may choose on this page, and what the worker sends. */
import type { Shape } from '../noise-and-back/options.ts';

export interface LocalizationArgs {
  readonly shape: Shape;
  /** Points of the measure. */
  readonly points: number;
  /** Paths over which the covariance is averaged. */
  readonly paths: number;
  readonly steps: number;
  readonly seed: number;
}

/** One moment of the first path, and averages over all. */
export interface Moment {
  readonly s: number;
  /** The clock of the diffusion: t = ½ log(1 + 1/s). */
  readonly t: number;
  /** Weight of every point under the tilted measure π_s of the first path; they add up to 1. */
  readonly weights: Float32Array;
  /** a_s, U_s/s and X_t of the first path. */
  readonly mean: readonly [number, number];
  readonly observed: readonly [number, number];
  readonly diffusion: readonly [number, number];
  /** E tr A_s over the paths. */
  readonly trace: number;
}

export interface LocalizationResult {
  readonly seconds: number;
}

/** What comes before the moments: where the points of the measure lie. */
export interface Measure {
  readonly atoms: Float32Array;
}
