/**
 * The three numbers of X_t = α X₀ + m + σ ε at one time, in float64; or one such triple for each row.
 *
 * Exact models are written once for both: `perLevel` gives a number where all rows share a time, and a tensor [n]
 * where every row has its own.
 */
import { combine, DomainError, type Weight } from '@diff/core';
import type { LinearProcess } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';

/** α(t), σ(t) and m(t). */
export interface Marginal {
  readonly alpha: number;
  readonly sigma: number;
  readonly mean: number;
}

/** One level for all rows, or one for each. */
export type Marginals = Marginal | readonly Marginal[];

/** The level of a process at time t. */
export function levelAt(where: string, process: LinearProcess, t: number): Marginal {
  const level = { alpha: process.alpha(t), sigma: process.sigma(t), mean: process.mean(t) };
  if (!(Number.isFinite(level.alpha) && Number.isFinite(level.sigma) && Number.isFinite(level.mean))) {
    throw new DomainError(
      `${where}: t must lie in [0, ${process.T}], got ${t}. Pass a time of the process '${process.type}'.`,
    );
  }
  return level;
}

/** The times of a tensor [n], which stays with the caller. (Processes allow a T that float32 rounded upwards.) */
export async function timesOf(t: tf.Tensor1D): Promise<number[]> {
  return Array.from(await t.data());
}

/** The levels of the given rows. */
export function takeLevels(levels: Marginals, rows: readonly number[]): Marginals {
  return isPerRow(levels) ? rows.map((row) => levels[row]!) : levels;
}

/** Levels `start … start + size − 1`. */
export function sliceLevels(levels: Marginals, start: number, size: number): Marginals {
  return isPerRow(levels) ? levels.slice(start, start + size) : levels;
}

/** A function of the level: a number, or a tensor [n] (inside a tidy) where levels differ by row. */
export function perLevel(levels: Marginals, of: (level: Marginal) => number): number | tf.Tensor1D {
  return isPerRow(levels) ? tf.tensor1d(levels.map(of), 'float32') : of(levels);
}

/** Has every row its own level? */
export function isPerRow(levels: Marginals): levels is readonly Marginal[] {
  return Array.isArray(levels);
}

/**
 * a·(x − m) + b·other, in one `combine`: what every exact prediction is.
 *
 * @param a of the level; @param second the pair [b, other].
 * @returns tensor of x's shape.
 */
export function centred(
  x: tf.Tensor,
  levels: Marginals,
  a: (level: Marginal) => number,
  second?: readonly [b: (level: Marginal) => number, other: tf.Tensor],
): tf.Tensor {
  const terms: [Weight, tf.Tensor][] = [[perLevel(levels, a), x]];
  if (second) terms.push([perLevel(levels, second[0]), second[1]]);
  const shift = (level: Marginal): number => -a(level) * level.mean + 0;
  if (!isPerRow(levels)) return combine(terms, { constant: shift(levels) });
  if (levels.some((level) => level.mean !== 0)) terms.push([perLevel(levels, shift), tf.onesLike(x)]);
  return combine(terms);
}

/**
 * α, but never so small that x/α and (σ/α)² leave float32. Below 1e-15 the data move X_t by less than one part in
 * 10^15 of their own size, so nothing that float32 can hold depends on it.
 */
export function safeAlpha({ alpha }: Marginal): number {
  return Math.max(alpha, 1e-15);
}
