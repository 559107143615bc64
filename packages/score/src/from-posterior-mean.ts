/**
 * Every kind of prediction from the posterior mean D = E[X₀ | X_t = x], for laws without a density of their own
 * (points, spheres), where D is the primary quantity and nothing better conditioned exists:
 *
 *   score (αD − (x−m))/σ²,  noise ((x−m) − αD)/σ,  data D,  velocity (α(x−m) − (α²+σ²)D)/σ
 */
import { DomainError } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { centred, type Marginal, type Marginals } from './marginal.ts';
import type { PredictionKind } from './prediction-kind.ts';

const COEFFICIENTS: Readonly<Record<PredictionKind, (l: Marginal) => readonly [x: number, d: number]>> = {
  score: ({ alpha, sigma }) => [-1 / sigma ** 2, alpha / sigma ** 2],
  noise: ({ alpha, sigma }) => [1 / sigma, -alpha / sigma],
  data: () => [0, 1],
  velocity: ({ alpha, sigma }) => [alpha / sigma, -(alpha ** 2 + sigma ** 2) / sigma],
};

/** @param mean D, of x's shape; @returns tensor of x's shape. */
export function fromPosteriorMean(
  kind: PredictionKind,
  x: tf.Tensor,
  levels: Marginals,
  mean: tf.Tensor,
): tf.Tensor {
  if (kind === 'data') return tf.clone(mean);
  const of = COEFFICIENTS[kind];
  return centred(x, levels, (l) => of(l)[0], [(l) => of(l)[1], mean]);
}

/** Throws where a law without a density is asked for at σ = 0. */
export function requireNoise(where: string, levels: Marginals): void {
  const all: readonly Marginal[] = Array.isArray(levels) ? levels : [levels as Marginal];
  if (all.some((l) => l.sigma === 0)) {
    throw new DomainError(
      `${where}: a law without a density needs sigma(t) > 0, got 0. Stop at a later time, or give the components a variance.`,
    );
  }
}
