/** What is asked of a scheduler beside its config: the arguments that the library takes when it runs. */
import type { PredictionKind } from '@diff/score';
import type { ConfigReader } from './config-reader.ts';
import type { SchedulerReading } from './scheduler-run.ts';

export interface SchedulerOptions {
  /** Number of steps (`num_inference_steps`); may be left out where `timesteps` or `sigmas` are given. */
  readonly steps?: number;
  /** 'diffusers': the numbers of that library, with its quirks; default: the mathematics of the method. */
  readonly compat?: 'diffusers';
  /** Timesteps of your own, descending, instead of a spacing. */
  readonly timesteps?: readonly number[];
  /** Sigmas of your own, descending and without the end (flow matching). */
  readonly sigmas?: readonly number[];
  /** η of DDIM (default 0), γ of TCD (default 0.3). */
  readonly eta?: number;
  /** DDIM with compat: does the step take the clipped ε̂ too? Default false. */
  readonly use_clipped_model_output?: boolean;
  /** Churn of the Euler schedulers; default 0. */
  readonly s_churn?: number;
  /** Least sigma at which churn is added; default 0. */
  readonly s_tmin?: number;
  /** Largest sigma at which churn is added; default ∞. */
  readonly s_tmax?: number;
  /** Factor on the noise of churn and of the ancestral KDPM2; default 1. */
  readonly s_noise?: number;
  /** Order of LMS; default 4. */
  readonly order?: number;
  /** Shift of dynamic shifting, from the size of the picture. */
  readonly mu?: number;
  /** τ of SA-Solver as a function of the timestep; default 1 at 200 … 800, else 0. */
  readonly tau?: (timestep: number) => number;
}

/** The options with what every class needs. */
export interface SchedulerCall extends SchedulerOptions {
  readonly steps: number;
  readonly exact: boolean;
}

export type SchedulerReader = (config: ConfigReader, call: SchedulerCall) => SchedulerReading;

const KINDS: Readonly<Record<string, PredictionKind>> = {
  epsilon: 'noise',
  sample: 'data',
  v_prediction: 'velocity',
};

/** Reads `prediction_type` as a kind. */
export function predictionKind(
  config: ConfigReader,
  types: readonly ('epsilon' | 'sample' | 'v_prediction')[] = ['epsilon', 'sample', 'v_prediction'],
): PredictionKind {
  return KINDS[config.choice('prediction_type', 'epsilon', types)]!;
}
