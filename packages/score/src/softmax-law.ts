/**
 * The law Σ_k w_k N(c_k, s² I) with one variance s² ≥ 0 for all components (s = 0: point masses), through the
 * streaming op `softmaxMean`: never n × K in memory but for the posterior covariance.
 *
 *   y = (x − m)/α,  ς = σ/α,  r_k ∝ w_k exp(−|y − c_k|²/(2(s² + ς²))),  W = Σ_k r_k c_k,  v = α²s² + σ²
 *
 *   score     (αW − (x−m))/v                      noise      σ((x−m) − αW)/v
 *   data      (σ²W + αs²(x−m))/v                  velocity   (σ/v)(α(1−s²)(x−m) − (α²+σ²)W)
 *   Cov       (s²σ²/v) I + (σ²/v)² Σ_k r_k (c_k − W)(c_k − W)ᵀ
 *
 * (MATH: exact scores; `p_t = Σ w_k N(α c_k + m, v I)`.) All are one combination of x and W, none subtracts the
 * posterior mean from x where s > 0, so they keep their digits as σ → 0. With s = 0 the score near a point is
 * (α c − x)/σ², which float32 knows to |x|·6e-8/σ².
 */
import { combine, fold, type Key, softmaxMean } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import type { ExactLaw } from './exact-model.ts';
import { requireNoise } from './from-posterior-mean.ts';
import { centred, isPerRow, type Marginal, type Marginals, perLevel, safeAlpha } from './marginal.ts';
import { drawComponents } from './mixture-weights.ts';
import type { PredictionKind } from './prediction-kind.ts';
import { scaledIdentities, weightedCovariance } from './weighted-covariance.ts';

export interface SoftmaxLawDefinition {
  /** For messages. */
  readonly where: string;
  readonly dimension: number;
  readonly count: number;
  /** The centres [K, d], called inside a tidy: a tensor that the law does not own, or a fresh one. */
  readonly centres: () => tf.Tensor2D;
  /** The same numbers on the host, row by row, where they are few: saves ops where all rows share a level. */
  readonly hostCentres?: Float32Array;
  /** Normalised weights [K]. */
  readonly weights: Float64Array;
  /** s² ≥ 0. */
  readonly variance: number;
}

export function softmaxLaw({
  where,
  dimension: d,
  count,
  centres,
  hostCentres,
  weights,
  variance: s2,
}: SoftmaxLawDefinition): ExactLaw {
  const equal = weights.every((w) => w === weights[0]);
  const logWeights = Float32Array.from(weights, Math.log);
  const widthOf = ({ alpha, sigma }: Marginal): number => alpha * alpha * s2 + sigma * sigma;
  const spreadOf = (l: Marginal): number => (l.sigma / safeAlpha(l)) ** 2;
  const unscaled = (x: tf.Tensor2D, levels: Marginals): tf.Tensor2D =>
    centred(x, levels, (l) => 1 / safeAlpha(l)) as tf.Tensor2D;
  const evaluate = (y: tf.Tensor2D, levels: Marginals): ReturnType<typeof softmaxMean> => {
    if (s2 === 0) requireNoise(where, levels);
    const c = centres();
    return softmaxMean(y, c, {
      noiseVariance: perLevel(levels, spreadOf),
      variance: s2,
      logWeights: tf.tensor1d(logWeights),
      ...(s2 > 0 ? { values: c } : {}),
    });
  };
  /**
   * X_t's own mixture Σ_k w_k N(α c_k + m, v I), evaluated at x: no op for y, and no change of variables for the density.
   * With [a, b] the mean is a(x − m) + b W, from the same pass.
   */
  const scaled = (
    x: tf.Tensor,
    level: Marginal,
    host: Float32Array,
    [a, b]: readonly [number, number] = [0, 1],
  ): ReturnType<typeof softmaxMean> => {
    if (s2 === 0) requireNoise(where, level);
    const { alpha, sigma, mean: m } = level;
    const rows = (of: (value: number) => number): tf.Tensor2D => tf.tensor2d(host.map(of), [count, d]);
    const c = rows((value) => alpha * value + m);
    // Σ_k r_k α c_k keeps the digits of W, unless a mean is added or α leaves float32 no room.
    const isScaled = m === 0 && alpha >= 1e-6;
    return softmaxMean(x, c, {
      noiseVariance: sigma * sigma,
      variance: alpha * alpha * s2,
      logWeights: tf.tensor1d(logWeights),
      values: isScaled ? c : rows((value) => b * value - a * m),
      blend: [a, isScaled ? b / alpha : 1],
    });
  };
  const coefficients: Record<PredictionKind, (l: Marginal) => readonly [x: number, w: number]> = {
    score: (l) => [-1 / widthOf(l), l.alpha / widthOf(l)],
    noise: (l) => [l.sigma / widthOf(l), (-l.sigma * l.alpha) / widthOf(l)],
    data: (l) => [(l.alpha * s2) / widthOf(l), l.sigma ** 2 / widthOf(l)],
    velocity: (l) => [
      (l.sigma * l.alpha * (1 - s2)) / widthOf(l),
      (-l.sigma * (l.alpha ** 2 + l.sigma ** 2)) / widthOf(l),
    ],
  };

  return {
    rowElements: 0,
    covarianceRowElements: count * d,
    predict(kind, x, levels) {
      const of = coefficients[kind];
      if (hostCentres && !isPerRow(levels)) return scaled(x, levels, hostCentres, of(levels)).mean;
      const { mean } = evaluate(unscaled(x, levels), levels);
      return centred(x, levels, (l) => of(l)[0], [(l) => of(l)[1], mean]);
    },
    logDensity(x, levels) {
      if (hostCentres && !isPerRow(levels)) return scaled(x, levels, hostCentres).logDensity;
      const { logDensity } = evaluate(unscaled(x, levels), levels);
      return tf.sub(
        logDensity,
        perLevel(levels, (l) => d * Math.log(safeAlpha(l))),
      );
    },
    posteriorCovariance(x, levels) {
      const n = x.shape[0];
      const c = tf.reshape(centres(), [1, count, d]);
      const y = unscaled(x, levels);
      const { mean } = evaluate(y, levels);
      const halfPrecision = perLevel(levels, (l) => 0.5 / (s2 + spreadOf(l)));
      const exponents = tf.mul(
        tf.sum(tf.square(tf.sub(tf.expandDims(y, 1), c)), 2),
        typeof halfPrecision === 'number' ? halfPrecision : tf.expandDims(halfPrecision, 1),
      );
      const r = tf.softmax(
        equal ? tf.neg(exponents) : tf.sub(tf.tensor2d(logWeights, [1, count]), exponents),
      );
      const shrink = perLevel(levels, (l) => l.sigma ** 2 / widthOf(l));
      const deviations = tf.mul(
        tf.sub(c, tf.expandDims(mean, 1)),
        typeof shrink === 'number' ? shrink : tf.reshape(shrink, [n, 1, 1]),
      );
      return tf.add(
        weightedCovariance(r, deviations),
        scaledIdentities(
          perLevel(levels, (l) => (s2 * l.sigma ** 2) / widthOf(l)),
          n,
          d,
        ),
      );
    },
    async sample(key: Key, n: number, firstRow: number) {
      const chosen = await drawComponents(fold(key, 0), n, weights, firstRow);
      return tf.tidy(() => {
        const points = tf.gather(centres(), tf.tensor1d(chosen, 'int32'));
        return s2 === 0 ? points : combine([[1, points]], { noise: [Math.sqrt(s2), fold(key, 1)], firstRow });
      });
    },
  };
}
