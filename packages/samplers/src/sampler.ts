/**
 * What a sampler is: data, and one function that makes one step.
 *
 * A sampler holds no state of a run. What a multistep method must remember lies in `context.history`, which the
 * driver makes for each run and empties at its end, so one sampler object can serve two runs at once.
 */
import type { Key } from '@diff/core';
import type { PredictionKind } from '@diff/score';
import type { LinearProcess } from '@diff/sde';
import type * as tf from '@tensorflow/tfjs-core';
import type { BrownianPath } from './brownian-tree.ts';

/** The part of a run that is known before it starts. */
export interface RunPlan {
  readonly process: LinearProcess;
  readonly kind: PredictionKind;
  /** Forward times, strictly descending: grid[0] is where the run starts, the last entry where it ends. */
  readonly grid: readonly number[];
}

/** Everything that one step may use. */
export interface StepContext extends RunPlan {
  /** State at time `t`, [n, …event]; belongs to the driver. */
  readonly x: tf.Tensor;
  readonly t: number;
  /** Where the step goes, next < t. */
  readonly next: number;
  /** Which step this is, from 0. */
  readonly index: number;
  readonly steps: number;
  /** This step's noise key, fold(runKey, index + 1). A step that draws several times folds it further. */
  readonly key: Key;
  /** Row of the noise stream at which this batch begins. */
  readonly firstRow: number;
  /** The Brownian path of the run, if it was given one: the step's noise is then its increment, not the key's. */
  readonly brownian?: BrownianPath | undefined;
  /** The run's own memory. Tensors in it are disposed by the driver at the end; who replaces one disposes it. */
  readonly history: Map<string, unknown>;
  /**
   * The model with the condition bound, at any state and time. Counts the evaluation and has its output checked.
   * The returned tensor belongs to the step: the driver disposes it when the step is over, and a step that evaluates
   * many times may do so before.
   */
  predict(x: tf.Tensor, t: number): Promise<tf.Tensor>;
}

/** A method that goes from noise to data along a grid. Make one with a factory such as `ddim()`. */
export interface Sampler {
  readonly name: string;
  /** Order of convergence in the step size: of the solution if deterministic, weak (of expectations) if not. */
  readonly order: number;
  /**
   * Strong order, of the states along one Brownian path; undefined for deterministic samplers and for those that
   * follow no path in the limit (correctors, consistency sampling).
   */
  readonly strongOrder?: number | undefined;
  /** Does it draw noise in its steps? */
  readonly stochastic: boolean;
  /** Model evaluations of a run of that many steps, at most. */
  nfe(steps: number): number;
  /** Throws a DomainError where a formula is not finite on this grid. Called before a run starts. */
  check?(plan: RunPlan): void;
  /** Goes from `context.x` at `context.t` to a new tensor at `context.next`. */
  step(context: StepContext): Promise<tf.Tensor>;
}
