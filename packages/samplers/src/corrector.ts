/**
 * What a corrector is: a Markov kernel that (nearly) keeps the law p_t of one time, used to mend what a predictor got
 * wrong. It holds no state of a run.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { RunPlan, StepContext } from './sampler.ts';

/** As a step's context, at the one time `t`. */
export type CorrectorContext = Omit<StepContext, 'next'>;

export interface Corrector {
  readonly name: string;
  /** Model evaluations of one call, at most. */
  readonly nfe: number;
  /** Order of its own bias in a step that shrinks like those of the grid; default: it limits no predictor. */
  readonly order?: number;
  /** Throws a DomainError where a formula is not finite at time t. */
  check?(plan: Omit<RunPlan, 'grid'>, t: number): void;
  /** Moves `context.x` (which stays its owner's) within p_t; returns a new tensor. Predictions may be freed when used. */
  correct(context: CorrectorContext): Promise<tf.Tensor>;
}
