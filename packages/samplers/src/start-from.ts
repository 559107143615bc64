/**
 * A run that starts from data rather than from noise ("image to image"; Meng et al. 2022, SDEdit): the first
 * N − ⌊strength·N⌋ steps of a grid are left out, and the state at the time t where the rest begins is the data under
 * that much noise,
 *
 *   x_t = α_t x₀ + m_t + σ_t ξ.
 *
 * Strength 1 keeps the whole grid, though the data still show at its start as far as α(T) is not 0; the smaller the
 * strength, the closer to x₀ the samples stay. Steps are counted as diffusers counts them.
 */
import { DomainError, fold, type Key, requireInteger, requireKey, ShapeError, shown } from '@diff/core';
import { checkGrid, type LinearProcess, perturb } from '@diff/sde';
import type * as tf from '@tensorflow/tfjs-core';

export interface StartFromOptions {
  readonly process: LinearProcess;
  /** Data, [n, …event]; stays the caller's. */
  readonly x0: tf.Tensor;
  /** The whole grid, T … end. */
  readonly grid: readonly number[];
  /** Share of the steps to make, in (0, 1]; ⌊strength·N⌋ must be at least 1. */
  readonly strength: number;
  /** The key of the run; the noise is that which the run would have started from. */
  readonly key: Key;
  /** Row of the noise streams at which this batch begins; default 0. */
  readonly firstRow?: number | undefined;
}

/** What to hand to `sample`: `sample({ ...start, model, sampler })`. */
export interface Start {
  /** x₀ under noise at grid[0]; owned by the caller. */
  readonly initial: tf.Tensor;
  /** The steps that are left. */
  readonly grid: readonly number[];
  readonly shape: readonly number[];
  readonly key: Key;
  readonly firstRow: number;
}

/**
 * Puts data under the noise of a later start.
 *
 * @returns initial state, shortened grid, shape, key and firstRow of the run.
 * @throws DomainError for a strength outside (0, 1] or too small for one step, a bad grid or key; ShapeError unless x0
 *   is a tensor of rows.
 * @example
 * ```ts
 * import { key, normal } from '@diff/core';
 * import { ddim, sample, startFrom } from '@diff/samplers';
 * import { gaussian } from '@diff/score';
 * import { uniformGrid, variancePreserving } from '@diff/sde';
 * import '@tensorflow/tfjs-backend-cpu';
 * const process = variancePreserving();
 * const model = gaussian({ process, mean: [1, 0], variance: 0.1 });
 * const grid = uniformGrid({ process, steps: 50, end: 0.001 });
 * const x0 = normal(key(1), [4, 2]);
 * const start = startFrom({ process, x0, grid, strength: 0.6, key: key(2) }); // the last 30 steps
 * const samples = await sample({ ...start, model, sampler: ddim() });
 * ```
 */
export function startFrom({ process, x0, grid, strength, key, firstRow = 0 }: StartFromOptions): Start {
  checkGrid('startFrom', grid);
  requireKey('startFrom', key);
  requireInteger('startFrom', 'firstRow', firstRow);
  if (!Array.isArray(x0?.shape) || x0.rank < 1) {
    throw new ShapeError(
      `startFrom: x0 must be a tensor of shape [n, …event], got ${shown(x0)}. Pass one row per sample.`,
    );
  }
  if (typeof strength !== 'number' || !(strength > 0 && strength <= 1)) {
    throw new DomainError(
      `startFrom: strength must lie in (0, 1], got ${shown(strength)}. 1 makes all steps of the grid, 0.5 the last half.`,
    );
  }
  const steps = grid.length - 1;
  const made = Math.floor(strength * steps);
  if (made < 1) {
    throw new DomainError(
      `startFrom: strength must leave at least one of the ${steps} steps, got ${strength}. Pass at least ${1 / steps}.`,
    );
  }
  const rest = grid.slice(steps - made);
  const { x, noise } = perturb(process, x0, rest[0]!, { key: fold(key, 0), firstRow });
  noise.dispose();
  return { initial: x, grid: Object.freeze(rest), shape: x0.shape, key, firstRow };
}
