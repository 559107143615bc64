/** Runs of scheduler configs on the problems whose answers are exact, and configs that several tests use. */
import { key } from '@diff/core';
import type * as tf from '@tensorflow/tfjs-core';
import { type SchedulerRun, sample } from '../src/index.ts';
import { exactModel } from './exact-score.ts';
import { problem } from './golden.ts';

/** x₀ of the run with the exact model of a problem. */
export function sampled(run: SchedulerRun, law: string, initial: tf.Tensor): Promise<tf.Tensor> {
  const { process, kind, sampler, grid } = run;
  const model = exactModel(problem(law), process, kind);
  return sample({ model, sampler, grid, shape: initial.shape, key: key(0), initial });
}

type Config = Readonly<Record<string, unknown>>;

export const beta: Config = { beta_schedule: 'scaled_linear', beta_start: 0.00085, beta_end: 0.012 };
export const plain: Config = { ...beta, timestep_spacing: 'trailing', clip_sample: false };
export const toMin: Config = { ...plain, final_sigmas_type: 'sigma_min' };
export const flow: Config = { use_flow_sigmas: true, prediction_type: 'flow_prediction' };
