/**
 * The exact law of a whole run on a Gaussian, whose result is affine in the initial state and in all draws: row 0 is the
 * mean, row 1 starts one standard deviation off, every further row has one draw equal to 1. Needs `recordedCore`.
 */
import { fold, key } from '@diff/core';
import type { LinearProcess } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { type Sampler, sample } from '../src/index.ts';
import { gaussianModel, type Law, marginal } from './affine-law.ts';
import { record } from './recorded-noise.ts';

/** Draws of a step that are followed: with the step's key, and with that key folded by 0 and by 1. */
const DRAWS = 3;

export async function lawOf(
  sampler: Sampler,
  process: LinearProcess,
  data: Law,
  grid: readonly number[],
): Promise<Law> {
  const steps = grid.length - 1;
  const rows = 2 + DRAWS * steps;
  const unit = (k: number): number[][] => Array.from({ length: rows }, (_, i) => [i === k ? 1 : 0]);
  for (let i = 0; i < steps; i++) {
    const stepKey = fold(key(0), i + 1);
    record(stepKey, unit(2 + DRAWS * i));
    record(fold(stepKey, 0), unit(3 + DRAWS * i));
    record(fold(stepKey, 1), unit(4 + DRAWS * i));
  }
  const start = marginal(process, data, grid[0]!);
  const off = Math.sqrt(start.variance);
  const initial = tf.tensor2d(Array.from({ length: rows }, (_, i) => [start.mean + (i === 1 ? off : 0)]));
  const x = await sample({
    model: gaussianModel(process, data, 'velocity'),
    sampler,
    grid,
    shape: [rows, 1],
    key: key(0),
    initial,
  });
  const [mean, ...others] = Array.from(await x.data()) as [number, ...number[]];
  return { mean, variance: others.reduce((sum, v) => sum + (v - mean) ** 2, 0) };
}
