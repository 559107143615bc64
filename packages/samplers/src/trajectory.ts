/**
 * `trajectory`: the states of a run one after the other, for plots and animations.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { checkRun } from './check-run.ts';
import { type Recorded, recordedSteps } from './record.ts';
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

export interface TrajectoryOptions extends SampleOptions {
  /** Which states to yield; default 'all'. The run makes every step, whatever is recorded. */
  readonly record?: Recorded | undefined;
}

const point = ({ x, t, step, nfe }: Run): TrajectoryPoint => ({ x, t, step, nfe });

async function* states(
  options: SampleOptions,
  recorded: ReadonlySet<number>,
): AsyncGenerator<TrajectoryPoint, void, undefined> {
  options.signal?.throwIfAborted();
  const run = startRun('trajectory', options);
  try {
    if (recorded.has(0)) yield point(run);
    while (run.step < run.steps) {
      await run.advance();
      if (recorded.has(run.step)) yield point(run);
    }
  } finally {
    await run.close();
  }
}

/**
 * Runs a sampler and yields its states, the initial noise first: by default all steps + 1 of them, or those that
 * `record` names. A state is free again when the loop goes on, so memory does not grow with what is recorded. Breaking
 * out of the loop ends the run and frees its memory.
 *
 * @param options as for `sample`, with the same errors; options are checked at once, before the first state. `record`
 *   must name steps 0 … N or times of the grid: there is no state between two of them.
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
 * for await (const { x, t } of trajectory({ ...run, record: { times: [2, 0.1] } })) console.log(t, await x.array());
 * ```
 */
export function trajectory(options: TrajectoryOptions): AsyncGenerator<TrajectoryPoint, void, undefined> {
  checkRun('trajectory', options);
  return states(options, recordedSteps('trajectory', options.record ?? 'all', options.grid));
}
