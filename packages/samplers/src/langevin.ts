/**
 * The unadjusted Langevin algorithm on one score, without a diffusion: x ← x + ε score(x) + √(2ε) ξ, and with a diagonal
 * preconditioner D: x ← x + ε D score(x) + √(2ε D) ξ.
 *
 * Its stationary law differs from the density by O(ε): for N(0, s² I) it is N(0, s²/(1 − ε/(2s²)) I), and it needs
 * ε < 2/L for an L-Lipschitz score. Bounds: Chewi et al., "Analysis of Langevin Monte Carlo". `mala` has no such error,
 * where the density is known too; `underdampedLangevin` mixes faster.
 */
import { requirePositive } from '@diff/core';
import type * as tf from '@tensorflow/tfjs-core';
import { type ChainOptions, runChain } from './chain.ts';
import { weighted } from './update.ts';

export interface LangevinOptions extends ChainOptions {
  /** ε > 0 in squared units of x (of x/√D with a preconditioner). */
  readonly stepSize: number;
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
  const { stepSize } = options;
  requirePositive('langevin', 'stepSize', stepSize);
  const hint = `Check the function, or use a smaller stepSize than ${stepSize}.`;
  return runChain<object>('langevin', options, hint, async (y, link) => {
    const score = await link.score(y);
    try {
      const terms = [[1, y] as const, [stepSize, score] as const];
      return { y: weighted(link, terms, 0, Math.sqrt(2 * stepSize)), extra: {} };
    } finally {
      score.dispose();
    }
  });
}
