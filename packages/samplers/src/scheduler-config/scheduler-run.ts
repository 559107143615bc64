/**
 * What a scheduler config becomes: everything that `sample` asks for but the model, and what a network needs to be asked
 * as that library asks it. A run is either in the mathematics, on a process with times of its own, or `recorded`: on a
 * table of the noise levels at which the library evaluates, time by time, so that repeated levels, levels off the grid
 * and rounding are as they are there.
 */
import { combine, DomainError, shown } from '@diff/core';
import { defineModel, type PredictionKind, type ScoreModel, type Time } from '@diff/score';
import { fromNoiseLevels, type LinearProcess } from '@diff/sde';
import type * as tf from '@tensorflow/tfjs-core';
import type { Sampler } from '../sampler.ts';

/** How a network is asked at a time of the process: P = x·X + output·F(input·X, timestep). */
export interface NetworkCall {
  /** The timestep that the network is given. */
  readonly timestep: number;
  /** Factor of the state before it goes into the network; default 1. */
  readonly input?: number;
  /** Weight of the state in the prediction; default 0. */
  readonly x?: number;
  /** Weight of the network's output in the prediction; default 1. */
  readonly output?: number;
}

/** A network as trained for that library: input scaled as it was in training, timestep as it was in training. */
export type SchedulerNetwork = (
  input: tf.Tensor,
  timestep: number,
  condition?: tf.Tensor,
) => tf.Tensor | Promise<tf.Tensor>;

export interface SchedulerRun {
  /** The class that the config names. */
  readonly scheduler: string;
  readonly process: LinearProcess;
  readonly sampler: Sampler;
  readonly grid: readonly number[];
  /** What the model of `process` must predict. */
  readonly kind: PredictionKind;
  /** Standard deviation of the normal noise from which the run starts; the same as `process.prior.std`. */
  readonly initialStd: number;
  /** The library's own list of timesteps, one for each evaluation. */
  readonly timesteps: readonly number[];
  /** The library's own list of sigmas, the end included; undefined for schedulers without one. */
  readonly sigmas: readonly number[] | undefined;
  /** Options in the config that this class does not have. */
  readonly ignored: readonly string[];
  /** The timestep that a network is given at time t of the process. */
  timestep(t: number): number;
  /** A score model out of a network that was trained for that library. */
  model(network: SchedulerNetwork): ScoreModel;
}

/** What a reader of one class returns. */
export interface SchedulerReading {
  readonly process: LinearProcess;
  readonly sampler: Sampler;
  readonly grid: readonly number[];
  readonly kind: PredictionKind;
  readonly timesteps: readonly number[];
  readonly sigmas?: readonly number[];
  call(t: number): NetworkCall;
}

/** A table of levels given noisiest first, and its grid: time L − i has the level at i. */
export function recorded(
  levels: readonly number[],
  scaling: 'vp' | 've' | 'flow',
  initialStd: number,
): { readonly process: LinearProcess; readonly grid: readonly number[] } {
  return {
    process: fromNoiseLevels({ levels: [...levels].reverse(), scaling, priorStd: initialStd }),
    grid: Object.freeze(levels.map((_, i) => levels.length - 1 - i)),
  };
}

/** The network as a model of the run's process. */
function modelOf(
  { process, kind, call }: SchedulerReading,
  scheduler: string,
  network: SchedulerNetwork,
): ScoreModel {
  if (typeof network !== 'function') {
    throw new DomainError(
      `${scheduler}: model() must get the network as a function (x, timestep, condition) => tensor, got ${shown(network)}. Wrap it, for example (x, t) => session(x, t).`,
    );
  }
  return defineModel({
    process,
    kind,
    name: scheduler,
    async predict(x: tf.Tensor, t: Time, condition?: tf.Tensor): Promise<tf.Tensor> {
      if (typeof t !== 'number') {
        throw new DomainError(
          `${scheduler}: t must be one number for all rows, got a tensor. A scheduler asks its network at one timestep.`,
        );
      }
      const { timestep, input = 1, x: own = 0, output = 1 } = call(t);
      const scaled = input === 1 ? x : combine([[input, x]]);
      try {
        const said = await network(scaled, timestep, condition);
        if (own === 0 && output === 1) return said;
        const prediction = combine([
          [own, x],
          [output, said],
        ]);
        said.dispose();
        return prediction;
      } finally {
        if (scaled !== x) scaled.dispose();
      }
    },
  });
}

/** The public face of a reading. */
export function schedulerRun(
  scheduler: string,
  reading: SchedulerReading,
  ignored: readonly string[],
): SchedulerRun {
  const { process, sampler, grid, kind, timesteps, sigmas } = reading;
  if (grid.length < 2) {
    throw new DomainError(
      `fromSchedulerConfig: ${scheduler}: the timesteps must leave at least one step, got none from ${timesteps.length} timestep that is at the end already. Take more steps.`,
    );
  }
  return Object.freeze({
    scheduler,
    process,
    sampler,
    grid,
    kind,
    initialStd: process.prior.std,
    timesteps: Object.freeze([...timesteps]),
    sigmas: sigmas && Object.freeze([...sigmas]),
    ignored,
    timestep: (t: number) => reading.call(t).timestep,
    model: (network: SchedulerNetwork) => modelOf(reading, scheduler, network),
  });
}
