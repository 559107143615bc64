/**
 * The exact law of a sampler's output on Gaussian data. With an exact model every step is affine, x' = c₀ + c₁ x + C ξ;
 * the three numbers are read off one production step on rows with known x and known ξ by least squares, and mean and
 * variance follow by recursion in float64: no Monte Carlo error, only float32 rounding of single steps.
 */
import { fold, key, normal } from '@diff/core';
import { defineModel, type PredictionKind, type ScoreModel } from '@diff/score';
import type { LinearProcess } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import type { Sampler } from '../src/index.ts';

export interface Law {
  readonly mean: number;
  readonly variance: number;
}

/** The exact model of N(mean, variance) in one dimension, in float64 up to its output. */
export function gaussianModel(process: LinearProcess, data: Law, kind: PredictionKind): ScoreModel {
  return defineModel({
    process,
    kind,
    name: 'gaussian',
    predict: (x, t) => {
      if (typeof t !== 'number') throw new Error('one time for all rows');
      const [a, s, m] = [process.alpha(t), process.sigma(t), process.mean(t)];
      const total = a * a * data.variance + s * s;
      const out = x.dataSync().map((v) => {
        const residual = v - m - a * data.mean;
        const mean = data.mean + ((a * data.variance) / total) * residual;
        const noise = (s / total) * residual;
        if (kind === 'data') return mean;
        if (kind === 'noise') return noise;
        return kind === 'score' ? -residual / total : a * noise - s * mean;
      });
      return tf.tensor(out, x.shape);
    },
  });
}

/** Law of X_t. */
export function marginal(process: LinearProcess, data: Law, t: number): Law {
  return {
    mean: process.alpha(t) * data.mean + process.mean(t),
    variance: process.alpha(t) ** 2 * data.variance + process.sigma(t) ** 2,
  };
}

/** Solves the 3 × 3 normal equations by Cramer's rule. */
function leastSquares(design: readonly (readonly number[])[], y: readonly number[]): number[] {
  const dot = (i: number, j: number): number => design.reduce((s, row) => s + row[i]! * row[j]!, 0);
  const a = [0, 1, 2].map((i) => [0, 1, 2].map((j) => dot(i, j)));
  const b = [0, 1, 2].map((i) => design.reduce((s, row, k) => s + row[i]! * y[k]!, 0));
  const det = (m: readonly (readonly number[])[]): number =>
    [0, 1, 2].reduce(
      (s, i) =>
        s +
        m[0]![i]! * (m[1]![(i + 1) % 3]! * m[2]![(i + 2) % 3]! - m[1]![(i + 2) % 3]! * m[2]![(i + 1) % 3]!),
      0,
    );
  const whole = det(a);
  return [0, 1, 2].map((j) => det(a.map((row, i) => row.map((v, k) => (k === j ? b[i]! : v)))) / whole);
}

const ROWS = 12;

/** Laws after each step, the initial one (default: the process's prior) first. */
export async function affineLaws(
  sampler: Sampler,
  model: ScoreModel,
  grid: readonly number[],
  initial: Law = { mean: model.process.prior.mean, variance: model.process.prior.std ** 2 },
): Promise<Law[]> {
  const laws = [initial];
  for (let index = 0; index < grid.length - 1; index++) {
    const { mean, variance } = laws.at(-1)!;
    // Probe at the scale of the present law, so that rounding is relative to what the run sees.
    const [low, high] = [mean - Math.sqrt(variance), mean + Math.sqrt(variance)];
    const stepKey = fold(key(5), index + 1);
    const noise = await normal(stepKey, [ROWS, 1]).data();
    const x = tf.tensor2d(Array.from({ length: ROWS }, (_, i) => [i % 2 ? high : low]));
    const probes = await x.data();
    const out = await sampler.step({
      process: model.process,
      kind: model.kind,
      grid,
      x,
      t: grid[index]!,
      next: grid[index + 1]!,
      index,
      steps: grid.length - 1,
      key: stepKey,
      firstRow: 0,
      history: new Map(),
      predict: async (at, t) => model.predict(at, t),
    });
    const design = Array.from(probes, (v, i) => [1, v - mean, noise[i]!]);
    const [c0, c1, c] = leastSquares(design, Array.from(await out.data())) as [number, number, number];
    laws.push({ mean: c0, variance: c1 ** 2 * variance + c ** 2 });
  }
  return laws;
}
