/**
 * `trajectory`: the states of a run one after the other, for plots and animations.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { checkRun } from './check-run.ts';
import { type Run, startRun } from './run.ts';
import type { SampleOptions } from './sample-options.ts';

export interface TrajectoryPoint {
  /** State at time t; belongs to the run and is disposed when the loop goes on. `tf.clone` what is to be kept. */
  readonly x: tf.Tensor;
  readonly t: number;
  /** Steps made so far: 0 for the initial noise. */
  readonly step: number;
  /** Model evaluations so far. */
  readonly nfe: number;
}

const point = ({ x, t, step, nfe }: Run): TrajectoryPoint => ({ x, t, step, nfe });

async function* states(options: SampleOptions): AsyncGenerator<TrajectoryPoint, void, undefined> {
  options.signal?.throwIfAborted();
  const run = startRun('trajectory', options);
  try {
    yield point(run);
    while (run.step < run.steps) {
      await run.advance();
      yield point(run);
    }
  } finally {
    await run.close();
  }
}

/**
 * Runs a sampler and yields every state, the initial noise first: steps + 1 points. Breaking out of the loop ends
 * the run and frees its memory.
 *
 * @param options as for `sample`, with the same errors; options are checked at once, before the first state.
 * @example
 * ```ts
 * import { key } from '@diff/core';
 * import { ddim, trajectory } from '@diff/samplers';
 * import { defineModel } from '@diff/score';
 * import { canonicalOu } from '@diff/sde';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const model = defineModel({ process: canonicalOu({ T: 5 }), kind: 'score', predict: (x) => tf.neg(x) });
 * const run = { model, sampler: ddim(), grid: [5, 2, 1, 0.1], shape: [4, 2], key: key(1) };
 * for await (const { x, t, step } of trajectory(run)) console.log(step, t, await x.array());
 * ```
 */
export function trajectory(options: SampleOptions): AsyncGenerator<TrajectoryPoint, void, undefined> {
  checkRun('trajectory', options);
  return states(options);
}
