/**
 * The unadjusted Langevin algorithm on one score, without a diffusion: x ← x + ε score(x) + √(2ε) ξ.
 *
 * Its stationary law differs from the density by O(ε): for N(0, s² I) it is N(0, s²/(1 − ε/(2s²)) I), and it needs
 * ε < 2/L for an L-Lipschitz score. Bounds: Chewi et al., "Analysis of Langevin Monte Carlo".
 */
import {
  createPacer,
  DomainError,
  fold,
  type Key,
  normal,
  requireInteger,
  requireKey,
  requirePositive,
  ShapeError,
  shown,
} from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { checkRows } from './check-run.ts';
import { createFiniteWatch } from './finite-watch.ts';
import { weighted } from './update.ts';

export interface LangevinOptions {
  /** ∇ log p at x [n, …event], of x's shape; a new tensor. For a model at time t: `(x) => model.score(x, t)`. */
  readonly score: (x: tf.Tensor) => tf.Tensor | Promise<tf.Tensor>;
  /** ε > 0 in squared units of x. */
  readonly stepSize: number;
  readonly steps: number;
  /** [n, …event]. */
  readonly shape: readonly number[];
  readonly key: Key;
  /** Where the chains start; default standard normal. Stays the caller's. */
  readonly initial?: tf.Tensor | undefined;
  readonly firstRow?: number | undefined;
  /** Called after every step; x is gone after it. */
  readonly onStep?:
    | ((report: {
        readonly step: number;
        readonly steps: number;
        readonly x: tf.Tensor;
      }) => void | Promise<void>)
    | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs n independent Langevin chains on a score.
 *
 * @returns the states after `steps` steps, [n, …event], owned by the caller.
 * @throws ShapeError, DomainError for bad options; NumericalError if the score returns NaN or infinity; the signal's
 *   reason if aborted.
 * @example
 * ```ts
 * import { key } from '@diff/core';
 * import { langevin } from '@diff/samplers';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const x = await langevin({ score: (x) => tf.neg(x), stepSize: 0.05, steps: 100, shape: [500, 2], key: key(3) });
 * ```
 */
export async function langevin(options: LangevinOptions): Promise<tf.Tensor> {
  const { score, stepSize, steps, shape, key, initial, firstRow = 0, onStep, signal } = options;
  if (typeof score !== 'function') {
    throw new DomainError(
      `langevin: score must be a function of x, got ${shown(score)}. For a model pass (x) => model.score(x, t).`,
    );
  }
  requirePositive('langevin', 'stepSize', stepSize);
  requireInteger('langevin', 'steps', steps, 1);
  checkRows('langevin', shape);
  requireKey('langevin', key);
  requireInteger('langevin', 'firstRow', firstRow);
  if (initial && !tf.util.arraysEqual(initial.shape, [...shape])) {
    throw new ShapeError(
      `langevin: initial must have the shape of the run, [${shape.join(', ')}], got ${shown(initial)}. Make the two agree.`,
    );
  }
  const pacer = createPacer({ signal });
  const watch = createFiniteWatch();
  let x = initial ? tf.clone(initial) : normal(fold(key, 0), shape, { firstRow });
  let finished = false;
  try {
    for (let step = 1; step <= steps; step++) {
      await pacer.turn();
      const value = await score(x);
      try {
        if (!tf.util.arraysEqual(value.shape, x.shape)) {
          throw new ShapeError(
            `langevin: score must return a tensor of shape [${x.shape.join(', ')}], got ${shown(value)}. Mend the function.`,
          );
        }
        watch.add(
          value,
          (sum) =>
            `langevin: score must be finite, got a sum of ${sum} in step ${step} of ${steps}. Check the function, or use a smaller stepSize than ${stepSize}.`,
        );
        const terms: [number, tf.Tensor][] = [
          [1, x],
          [stepSize, value],
        ];
        const context = { key: fold(key, step), firstRow };
        const moved = weighted(context, terms, 0, Math.sqrt(2 * stepSize));
        if (value !== x) x.dispose();
        x = moved;
      } finally {
        tf.dispose(value);
      }
      await watch.check();
      await onStep?.({ step, steps, x });
    }
    await watch.settle();
    finished = true;
    return x;
  } finally {
    if (!finished) x.dispose();
    await watch.close();
  }
}
