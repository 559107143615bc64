/** What the conformance suite feeds to ops, and how it reads their results. */
import * as tf from '@tensorflow/tfjs-core';
import type { Rows } from './twins.ts';

/** Around vector widths, tiles and tails; the last one is long and odd. */
export const LENGTHS: readonly number[] = [0, 1, 3, 4, 5, 7, 8, 9, 31, 1000, 65537];

export const SHORT: readonly number[] = LENGTHS.filter((n) => n <= 31);

/** Deterministic test numbers of order one. */
export function numbers(count: number, seed: number): number[] {
  return Array.from({ length: count }, (_, i) =>
    Math.fround(Math.sin(12.9898 * (i + 1) + 78.233 * seed) * 2),
  );
}

export function rows(n: number, d: number, seed: number): number[][] {
  const flat = numbers(n * d, seed);
  return Array.from({ length: n }, (_, i) => flat.slice(i * d, (i + 1) * d));
}

export const matrix = (values: Rows, d: number): tf.Tensor2D =>
  tf.tensor2d(values.flat(), [values.length, d]);

export async function read(t: tf.Tensor): Promise<Float32Array> {
  return Float32Array.from(await t.data());
}
