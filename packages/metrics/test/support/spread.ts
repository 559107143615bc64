/**
 * How far a metric's values spread over independent draws, against the standard error that its bootstrap states.
 */
import { fold, key, normal } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import type { BootstrapOptions, Estimate } from '../../src/index.ts';

type Draw = (seed: number) => tf.Tensor;
type Metric = (x: tf.Tensor, y: tf.Tensor, bootstrap?: BootstrapOptions) => Promise<Estimate>;

/** Rows N(shift, I). */
export function gaussianRows(n: number, d: number, shift: number, stream: number): Draw {
  return (seed) => tf.tidy(() => tf.add(normal(fold(key(stream), seed), [n, d]), shift));
}

export interface Spread {
  readonly deviation: number;
  readonly meanError: number;
  /** Share of intervals that hold the mean of the values over the draws. */
  readonly coverage: number;
}

export async function spreadOf(
  metric: Metric,
  x: Draw,
  y: Draw,
  draws: number,
  bootstraps: number,
): Promise<Spread> {
  const values: number[] = [];
  const errors: Estimate[] = [];
  for (let seed = 0; seed < draws; seed++) {
    const [a, b] = [x(seed), y(seed)];
    const options = { key: fold(key(99), seed), resamples: 100 };
    const found = await metric(a, b, seed < bootstraps ? options : undefined);
    values.push(found.value);
    if (seed < bootstraps) errors.push(found);
    tf.dispose([a, b]);
  }
  const mean = values.reduce((s, v) => s + v, 0) / draws;
  const deviation = Math.sqrt(values.reduce((s, v) => s + (v - mean) ** 2, 0) / (draws - 1));
  const rms = Math.sqrt(errors.reduce((s, e) => s + e.standardError! ** 2, 0) / bootstraps);
  const holds = errors.filter((e) => e.interval![0] <= mean && mean <= e.interval![1]).length;
  return { deviation, meanError: rms, coverage: holds / bootstraps };
}

/** The ratio of the stated to the true error lies in [low, high], which the caller derives. */
export function expectRatio({ deviation, meanError }: Spread, low: number, high: number): void {
  const ratio = meanError / deviation;
  expect(ratio, `stated ${meanError}, true ${deviation}`).toBeGreaterThan(low);
  expect(ratio, `stated ${meanError}, true ${deviation}`).toBeLessThan(high);
}
