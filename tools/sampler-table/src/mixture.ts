/**
 * Mixtures of round Gaussians Σ w_k N(μ_k, s_k² I) seen through x = α x₀ + m + σ ε, in float64 and in loops of their
 * own: an oracle that shares no code with the packages.
 *
 *   E[x₀ | x] = Σ_k r_k (μ_k + (α s_k²/v_k)(x − m − α μ_k)),   v_k = α² s_k² + σ²,   r = softmax(log w_k + log N(x; …))
 */
import { defineModel, type PredictionKind, type ScoreModel } from '@diff/score';
import type { LinearProcess } from '@diff/sde';
import { float64Tensor, float64Values } from './float64-backend.ts';

export interface Mixture {
  readonly weights: readonly number[];
  readonly means: readonly (readonly number[])[];
  readonly stds: readonly number[];
}

/** Writes E[x₀ | x] of the row of `x` at `start` to the same place of `out`. */
function posteriorMean(
  { weights, means, stds }: Mixture,
  [a, s, m]: readonly [alpha: number, sigma: number, mean: number],
  x: Float64Array,
  start: number,
  out: Float64Array,
): void {
  const d = means[0]!.length;
  const logits = weights.map((w, k) => {
    const v = (a * stds[k]!) ** 2 + s * s;
    let squared = 0;
    for (let j = 0; j < d; j++) squared += (x[start + j]! - m - a * means[k]![j]!) ** 2;
    return Math.log(w) - (d / 2) * Math.log(v) - squared / (2 * v);
  });
  const most = Math.max(...logits);
  const r = logits.map((l) => Math.exp(l - most));
  const total = r.reduce((p, q) => p + q, 0);
  for (let j = 0; j < d; j++) {
    let mean = 0;
    for (const [k, rk] of r.entries()) {
      const mu = means[k]![j]!;
      const gain = (a * stds[k]! ** 2) / ((a * stds[k]!) ** 2 + s * s);
      mean += (rk / total) * (mu + gain * (x[start + j]! - m - a * mu));
    }
    out[start + j] = mean;
  }
}

/** E[x₀ | X_t = x] of all rows. */
export function denoised(law: Mixture, process: LinearProcess, x: Float64Array, t: number): Float64Array {
  const out = new Float64Array(x.length);
  const level = [process.alpha(t), process.sigma(t), process.mean(t)] as const;
  for (let i = 0; i < x.length; i += law.means[0]!.length) posteriorMean(law, level, x, i, out);
  return out;
}

/** The exact model on the float64 backend. */
export function float64Model(law: Mixture, process: LinearProcess, kind: PredictionKind): ScoreModel {
  return defineModel({
    process,
    kind,
    name: 'mixture in float64',
    predict: (x, t) => {
      const [a, s, m] = [process.alpha(Number(t)), process.sigma(Number(t)), process.mean(Number(t))];
      const values = float64Values(x);
      const data = denoised(law, process, values, Number(t));
      const prediction = data.map((mean, i) => {
        const noise = (values[i]! - m - a * mean) / s;
        if (kind === 'data') return mean;
        if (kind === 'noise') return noise;
        return kind === 'score' ? -noise / s : a * noise - s * mean;
      });
      return float64Tensor(prediction, x.shape);
    },
  });
}
