/**
 * Underdamped Langevin Monte Carlo on one score (Cheng, Chatterji, Bartlett and Jordan 2018; MATH §5): chains of position
 * and velocity whose law p(x) N(v; 0, I) the dynamics keep,
 *
 *   dx = v ds,   dv = (score(x) − γ v) ds + √(2γ) dB
 *
 * with the score held over each step of time h and everything else solved exactly (`underdampedStep`). The velocity
 * lasts from step to step: the chain moves h a step on, where Langevin's with ε = h²/2 diffuses. The stationary law is
 * p up to O(h) for a constant γ: on N(μ, v I) its variance is too large by h/(2γv) of itself, to first order. For an
 * L-smooth score γ ≈ 2√L and h well below 1/√L. As γ grows with h/γ = ε
 * held, it becomes `langevin({ stepSize: ε })`.
 */
import { fold, normal, requirePositive } from '@diff/core';
import type * as tf from '@tensorflow/tfjs-core';
import { type ChainOptions, runChain } from './chain.ts';
import { movedPosition, movedVelocity } from './underdamped-move.ts';
import { underdampedStep } from './underdamped-step.ts';

export interface UnderdampedLangevinOptions extends ChainOptions {
  /** h > 0, time of one step in units of x (of x/√D with a preconditioner); v has unit variance. */
  readonly stepSize: number;
  /** γ > 0 in inverse units of time; default 2, which suits a score of Lipschitz constant 1. */
  readonly friction?: number;
}

/** The prediction is the score itself. */
const SCORE = { x: 0, p: 1, constant: 0 };

/**
 * Runs n independent underdamped Langevin chains on a score. Velocities start from N(0, I).
 *
 * @returns the positions after `steps` steps, [n, …event], owned by the caller.
 * @throws ShapeError, DomainError for bad options; NumericalError if the score returns NaN or infinity; the signal's
 *   reason if aborted.
 * @example
 * ```ts
 * import { key } from '@diff/core';
 * import { underdampedLangevin } from '@diff/samplers';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const x = await underdampedLangevin({
 *   score: (x) => tf.neg(x), stepSize: 0.3, steps: 30, shape: [500, 2], key: key(3),
 * });
 * ```
 */
export async function underdampedLangevin(options: UnderdampedLangevinOptions): Promise<tf.Tensor> {
  const { stepSize, friction = 2 } = options;
  requirePositive('underdampedLangevin', 'stepSize', stepSize);
  requirePositive('underdampedLangevin', 'friction', friction);
  const w = underdampedStep(stepSize, friction);
  const hint = `Check the function, or use a smaller stepSize than ${stepSize}.`;
  let v: tf.Tensor | undefined;
  try {
    return await runChain<object>(
      'underdampedLangevin',
      options,
      hint,
      async (x, { key, firstRow, score }) => {
        v ??= normal(fold(key, 0), x.shape, { firstRow });
        const prediction = await score(x);
        try {
          const draws = { first: fold(key, 1), second: fold(key, 2), firstRow };
          const velocity = movedVelocity(w, SCORE, { x, v, prediction }, draws);
          const y = movedPosition(w, SCORE, { x, v, prediction }, draws);
          v.dispose();
          v = velocity;
          return { y, extra: {} };
        } finally {
          prediction.dispose();
        }
      },
    );
  } finally {
    v?.dispose();
  }
}
