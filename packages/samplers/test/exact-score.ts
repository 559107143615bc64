/**
 * The exact answers on Σ w_k N(μ_k, s_k² I) seen through x = a x₀ + s ε, in float64: an oracle for golden runs that
 * shares no code with the packages.
 */
import { defineModel, type PredictionKind, type ScoreModel } from '@diff/score';
import type { LinearProcess } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';

export interface Problem {
  readonly weights: readonly number[];
  readonly means: readonly (readonly number[])[];
  readonly stds: readonly number[];
}

/** E[x₀ | x] of one row. */
function posteriorMean(problem: Problem, a: number, s: number, x: readonly number[]): number[] {
  const { weights, means, stds } = problem;
  const v = stds.map((std) => (a * std) ** 2 + s * s);
  const logits = weights.map((w, k) => {
    const squared = x.reduce((sum, xj, j) => sum + (xj - a * means[k]![j]!) ** 2, 0);
    return Math.log(w) - (x.length / 2) * Math.log(2 * Math.PI * v[k]!) - squared / (2 * v[k]!);
  });
  const most = Math.max(...logits);
  const r = logits.map((l) => Math.exp(l - most));
  const total = r.reduce((p, q) => p + q, 0);
  return x.map((xj, j) =>
    r.reduce((sum, rk, k) => {
      const mu = means[k]![j]!;
      return sum + (rk / total) * (mu + ((a * stds[k]! ** 2) / v[k]!) * (xj - a * mu));
    }, 0),
  );
}

/** Score of one row: −Σ r_k (x − a μ_k)/v_k, through the posterior mean where s > 0. */
function predictionOf(kind: PredictionKind, a: number, s: number, x: number, mean: number): number {
  const noise = (x - a * mean) / s;
  if (kind === 'data') return mean;
  if (kind === 'noise') return noise;
  if (kind === 'score') return -noise / s;
  return a * noise - s * mean;
}

/** The exact model of a problem under a process; `clip` bounds the data prediction, as some pipelines do. */
export function exactModel(
  problem: Problem,
  process: LinearProcess,
  kind: PredictionKind,
  clip: number = Number.POSITIVE_INFINITY,
): ScoreModel {
  return defineModel({
    process,
    kind,
    name: `exact ${kind}`,
    predict: (x, t) => {
      if (typeof t !== 'number') throw new Error('the oracle takes one time for all rows');
      const d = x.shape[1]!;
      const values = x.dataSync();
      const [a, s] = [process.alpha(t), process.sigma(t)];
      const out = new Float32Array(values.length);
      for (let i = 0; i < values.length; i += d) {
        const row = Array.from(values.subarray(i, i + d));
        const mean = posteriorMean(problem, a, s, row).map((m) => Math.min(clip, Math.max(-clip, m)));
        mean.forEach((m, j) => {
          out[i + j] = predictionOf(kind, a, s, row[j]!, m);
        });
      }
      return tf.tensor(out, x.shape);
    },
  });
}
