/**
 * The exact law of a whole run on Gaussian data, without sampling. The result of a run with an exact model of
 * N(mean, variance) is affine in the initial state and in every draw. So a run of 2 + K rows in float64 says it all:
 * row 0 starts at the mean, row 1 a standard deviation off, row 2 + k has its k-th draw equal to 1 and no other:
 *
 *   mean = x_0,   variance = Σ_{i ≥ 1} (x_i − x_0)²
 *
 * A product of such laws is the law on Gaussian data with a diagonal covariance, in any dimension.
 */
import { key } from '@diff/core';
import { type Sampler, sample } from '@diff/samplers';
import { defineModel, type ScoreModel } from '@diff/score';
import type { LinearProcess } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { float64Tensor, float64Values, noiseSource } from './float64-backend.ts';

export interface Law {
  readonly mean: number;
  readonly variance: number;
}

/** Law of X_t. */
export function marginal(process: LinearProcess, { mean, variance }: Law, t: number): Law {
  return {
    mean: process.alpha(t) * mean + process.mean(t),
    variance: process.alpha(t) ** 2 * variance + process.sigma(t) ** 2,
  };
}

/** E[x₀ | x] = mean + (α v/(α² v + σ²))(x − m − α mean), in float64. */
function gaussianModel(process: LinearProcess, { mean, variance }: Law): ScoreModel {
  return defineModel({
    process,
    kind: 'data',
    name: 'Gaussian in float64',
    predict: (x, t) => {
      const [a, s, m] = [process.alpha(Number(t)), process.sigma(Number(t)), process.mean(Number(t))];
      const gain = (a * variance) / (a * a * variance + s * s);
      return float64Tensor(
        float64Values(x).map((v) => mean + gain * (v - m - a * mean)),
        x.shape,
      );
    },
  });
}

export interface LawRun {
  readonly sampler: Sampler;
  readonly process: LinearProcess;
  readonly data: Law;
  readonly grid: readonly number[];
  /** Law at grid[0]; default that of the data there. */
  readonly initial?: Law;
}

/** Mean and variance of the sampler's output; exact for samplers whose steps are affine in state, prediction, noise. */
export async function lawOf({ sampler, process, data, grid, initial }: LawRun): Promise<Law> {
  const start = initial ?? marginal(process, data, grid[0]!);
  const run = async (rows: readonly number[]): Promise<Float64Array> => {
    const shape = [rows.length, 1];
    const from = float64Tensor(Float64Array.from(rows), shape);
    const model = gaussianModel(process, data);
    const x = await sample({ model, sampler, grid, shape, key: key(0), initial: from });
    const values = float64Values(x);
    tf.dispose([x, from]);
    return values;
  };
  const draws = new Map<string, number>();
  try {
    noiseSource((words, shape) => {
      const name = words.join();
      draws.set(name, draws.get(name) ?? draws.size);
      return new Float64Array(tf.util.sizeFromShape([...shape]));
    });
    await run([start.mean]);
    noiseSource((words, shape) => {
      const values = new Float64Array(tf.util.sizeFromShape([...shape]));
      values[2 + draws.get(words.join())!] = 1;
      return values;
    });
    const off = start.mean + Math.sqrt(start.variance);
    const rows = [start.mean, off, ...new Array<number>(draws.size).fill(start.mean)];
    const [mean, ...others] = Array.from(await run(rows)) as [number, ...number[]];
    return { mean, variance: others.reduce((sum, v) => sum + (v - mean) ** 2, 0) };
  } finally {
    noiseSource();
  }
}

/** W₂ between Gaussians in one dimension, squared: (mean − mean')² + (std − std')². */
export function w2Squared(p: Law, q: Law): number {
  return (p.mean - q.mean) ** 2 + (Math.sqrt(p.variance) - Math.sqrt(q.variance)) ** 2;
}
