/** What `sample` and `trajectory` are told, and what they report. */
import type { Key } from '@diff/core';
import type { Condition, ScoreModel } from '@diff/score';
import type * as tf from '@tensorflow/tfjs-core';
import type { BrownianPath } from './brownian-tree.ts';
import type { Sampler } from './sampler.ts';

/** What `onStep` is told after each step. */
export interface StepReport {
  /** Steps made so far, 1 … steps. */
  readonly step: number;
  readonly steps: number;
  /** The time that the step left and the time that it reached. */
  readonly t: number;
  readonly next: number;
  /** Model evaluations so far. */
  readonly nfe: number;
  /** State at `next`; belongs to the run and is gone after the callback (and what it returns) is over. */
  readonly x: tf.Tensor;
}

export interface SampleOptions {
  readonly model: ScoreModel;
  readonly sampler: Sampler;
  /** Forward times, strictly descending, from within (0, T] to at least 0. Its length is the number of steps + 1. */
  readonly grid: readonly number[];
  /** [n, …event], n ≥ 1 rows. */
  readonly shape: readonly number[];
  /** Names all noise of the run: the same key gives the same samples. */
  readonly key: Key;
  /** Passed to every evaluation; its first axis is the row. */
  readonly condition?: Condition | undefined;
  /** Row of the noise streams at which this batch begins; default 0. A piece of a larger batch passes its offset. */
  readonly firstRow?: number | undefined;
  /**
   * A Brownian path over the times of the grid: the steps' noise is drawn from it instead of from `key`, so that runs on
   * other grids follow the same path. Correctors still draw from the key. See `brownianTree`.
   */
  readonly brownian?: BrownianPath | undefined;
  /** State at grid[0]; default prior.mean + prior.std·ξ. Stays the caller's. */
  readonly initial?: tf.Tensor | undefined;
  /** Called after every step; if it returns a promise, the run waits for it. */
  readonly onStep?: ((report: StepReport) => void | Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
}
