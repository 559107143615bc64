/**
 * Eight processes with grids, and Gaussian data turned against the coordinates, on which laws of runs are compared: the
 * exact law by the recursion on mean and variance, and the moments of 10⁵ samples on the production backend.
 */
import '@diff/backend-simd';
import '../src/float64-backend.ts';
import { key, normal } from '@diff/core';
import { type Sampler, sample } from '@diff/samplers';
import { defineModel, type ScoreModel } from '@diff/score';
import {
  contractive,
  edm,
  flowMatching,
  type LinearProcess,
  ornsteinUhlenbeck,
  subVariancePreserving,
  varianceExploding,
  variancePreserving,
} from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { type Law, lawOf, marginal } from '../src/gaussian-law.ts';

export interface Setting {
  readonly process: LinearProcess;
  /** Where runs start, below times without signal, and end. */
  readonly from: number;
  readonly to: number;
  /** Steps are equal in λ; or, where λ hardly moves at first, in time. */
  readonly equalTimes?: boolean;
}

const linear = { schedule: 'linear', betaMin: 0.1, betaMax: 20, T: 1 } as const;
export const SETTINGS: Readonly<Record<string, Setting>> = {
  OU: { process: ornsteinUhlenbeck({ theta: 0.8, mu: 0, sigma: 0.7, T: 5 }), from: 5, to: 0.05 },
  VP: { process: variancePreserving(linear), from: 1, to: 0.05 },
  VE: { process: varianceExploding({ sigmaMin: 0.05, sigmaMax: 10, T: 1 }), from: 1, to: 0.3 },
  EDM: { process: edm({ T: 10 }), from: 10, to: 0.3 },
  'sub-VP': { process: subVariancePreserving(linear), from: 1, to: 0.2 },
  CVP: { process: contractive({ ...linear, betaMax: 8 }), from: 1, to: 0.1, equalTimes: true },
  cosine: { process: variancePreserving({ schedule: 'cosine', T: 1 }), from: 0.97, to: 0.15 },
  flow: { process: flowMatching(), from: 0.9, to: 0.15 },
};

export function gridOf({ process, from, to, equalTimes }: Setting, steps: number): number[] {
  const [low, high] = [process.lambda(from), process.lambda(to)];
  return Array.from({ length: steps + 1 }, (_, i) => {
    if (i === 0) return from;
    if (i === steps) return to;
    if (equalTimes) return from + ((to - from) * i) / steps;
    return process.timeOfLambda(low + ((high - low) * i) / steps);
  });
}

/** Independent along two axes, turned by an angle against the coordinates. */
export const AXES: readonly [Law, Law] = [
  { mean: 0.8, variance: 1.2 },
  { mean: -0.4, variance: 0.2 },
];
const [COS, SIN] = [Math.cos(0.6), Math.sin(0.6)];
export const TURN: readonly [readonly [number, number], readonly [number, number]] = [
  [COS, -SIN],
  [SIN, COS],
];
export const turned = (p: number, q: number): [number, number] => [
  TURN[0][0] * p + TURN[0][1] * q,
  TURN[1][0] * p + TURN[1][1] * q,
];

export const N = 100_000;
export const STEPS = 12;

/** A prediction of x₀ along one axis: gain·x + constant. */
export type AlongAxis = (t: number, data: Law) => { readonly gain: number; readonly constant: number };

/** E[x₀ | x]. */
const posteriorMean =
  (process: LinearProcess): AlongAxis =>
  (t, data) => {
    const { mean, variance } = marginal(process, data, t);
    const gain = (process.alpha(t) * data.variance) / variance;
    return { gain, constant: data.mean - gain * mean };
  };

/** A model of x₀ that does this along each axis. */
function axesModel(process: LinearProcess, along: AlongAxis): ScoreModel {
  return defineModel({
    process,
    kind: 'data',
    predict: (x, t) =>
      tf.tidy(() => {
        const [first, second] = [along(Number(t), AXES[0]), along(Number(t), AXES[1])];
        const gains = TURN.map((p) => TURN.map((q) => p[0] * q[0] * first.gain + p[1] * q[1] * second.gain));
        const rest = turned(first.constant, second.constant);
        return tf.add(tf.matMul(x as tf.Tensor2D, tf.tensor2d(gains)), tf.tensor1d(rest));
      }),
  });
}

/** Draws of X_t, [rows, 2]. */
function start(process: LinearProcess, t: number, rows: number): tf.Tensor2D {
  return tf.tidy(() => {
    const laws = AXES.map((law) => marginal(process, law, t)) as [Law, Law];
    const along = tf.mul(
      normal(key(1), [rows, 2]),
      laws.map(({ variance }) => Math.sqrt(variance)),
    );
    const centred = tf.add(along, [laws[0].mean, laws[1].mean]) as tf.Tensor2D;
    return tf.matMul(centred, tf.tensor2d(TURN.map((row) => [...row])), false, true);
  });
}

interface Moments {
  readonly rows: number;
  readonly mean: Float32Array;
  /** [2, 2]. */
  readonly covariance: Float32Array;
}

/** Mean and covariance along the axes of 10⁵ samples, or so many rows; of a model that predicts this of x₀. */
export async function sampledMoments(
  setting: Setting,
  sampler: Sampler,
  steps: number = STEPS,
  rows: number = N,
  along: AlongAxis = posteriorMean(setting.process),
): Promise<Moments> {
  await tf.setBackend('simd');
  const { process } = setting;
  const grid = gridOf(setting, steps);
  const initial = start(process, grid[0]!, rows);
  const x = await sample({
    model: axesModel(process, along),
    sampler,
    grid,
    shape: [rows, 2],
    key: key(3),
    initial,
  });
  const [mean, covariance] = tf.tidy((): [tf.Tensor, tf.Tensor] => {
    const along = tf.matMul(x as tf.Tensor2D, tf.tensor2d(TURN.map((row) => [...row])));
    const centre = tf.mean(along, 0);
    const off = tf.sub(along, centre) as tf.Tensor2D;
    return [centre, tf.div(tf.matMul(off, off, true), rows - 1)];
  });
  const moments = {
    rows,
    mean: await mean.data<'float32'>(),
    covariance: await covariance.data<'float32'>(),
  };
  tf.dispose([initial, x, mean, covariance]);
  return moments;
}

export async function exactLaws(setting: Setting, sampler: Sampler, steps: number): Promise<Law[]> {
  await tf.setBackend('float64');
  const { process } = setting;
  const laws: Law[] = [];
  for (const data of AXES) laws.push(await lawOf({ sampler, process, data, grid: gridOf(setting, steps) }));
  return laws;
}

/** Samples have these laws along the axes, by 5 standard errors and what the laws themselves are uncertain by. */
export function expectMoments(
  { rows, mean, covariance }: Moments,
  laws: readonly Law[],
  uncertain: readonly Law[] = laws.map(() => ({ mean: 0, variance: 0 })),
): void {
  // Standard errors √(v/n), v√(2/n) and √(v v'/n) of a Gaussian sample; 5 of them.
  for (const [k, law] of laws.entries()) {
    const [location, spread] = [uncertain[k]!.mean, uncertain[k]!.variance];
    expect(Math.abs(mean[k]! - law.mean)).toBeLessThan(5 * Math.sqrt(law.variance / rows) + location);
    expect(Math.abs(covariance[3 * k]! - law.variance)).toBeLessThan(
      5 * law.variance * Math.sqrt(2 / rows) + spread,
    );
  }
  const product = Math.sqrt(laws[0]!.variance * laws[1]!.variance);
  expect(Math.abs(covariance[1]!)).toBeLessThan((5 * product) / Math.sqrt(rows));
}

interface Affine {
  readonly scale: number;
  readonly shift: number;
  readonly variance: number;
}

/** x' = scale·x + shift + √variance ξ of a one-step sampler over one step. */
export async function affineStep(
  sampler: Sampler,
  process: LinearProcess,
  data: Law,
  grid: readonly [number, number],
): Promise<Affine> {
  const run = { sampler, process, data, grid };
  const at0 = await lawOf({ ...run, initial: { mean: 0, variance: 0 } });
  const at1 = await lawOf({ ...run, initial: { mean: 1, variance: 0 } });
  return { scale: at1.mean - at0.mean, shift: at0.mean, variance: at0.variance };
}
