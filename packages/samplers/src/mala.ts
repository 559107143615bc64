/**
 * The Metropolis-adjusted Langevin algorithm on one density (Roberts and Tweedie 1996): Langevin's step proposes, and is
 * accepted with the probability that makes the density stationary (`malaStep`). Its stationary law is the density itself
 * for every step size, where `langevin` has an error of O(ε); what a large ε costs is refusals. About 57% accepted is
 * best in many dimensions (Roberts and Rosenthal 1998), ε of the order of d^{−1/3}.
 *
 * Needs log p up to a constant, which exact models have: `(x) => model.logDensity(x, t)`. One evaluation of the score and
 * one of the density a step.
 */
import { DomainError, requirePositive, shown } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { type ChainOptions, type ChainReport, type RowFunction, runChain } from './chain.ts';
import { type MalaState, malaStep } from './mala-step.ts';

export interface MalaReport extends ChainReport {
  /** 1 for rows that moved in this step, 0 for others, [n]; gone after the call. */
  readonly accepted: tf.Tensor1D;
}

export interface MalaOptions extends ChainOptions<MalaReport> {
  /** log p at x [n, …event] up to a constant, [n]; a new tensor. −∞ where the density is 0. */
  readonly logDensity: RowFunction;
  /** ε > 0 in squared units of x (of x/√D with a preconditioner). */
  readonly stepSize: number;
}

export interface MalaResult {
  /** The states after all steps, [n, …event], owned by the caller. */
  readonly x: tf.Tensor;
  /** Share of the proposals that were accepted, over rows and steps. */
  readonly acceptance: number;
}

const freeing = (tensor: tf.Tensor) => (error: unknown) => {
  tensor.dispose();
  throw error;
};

/**
 * Runs n independent Metropolis-adjusted Langevin chains.
 *
 * @returns the states and the share of accepted proposals.
 * @throws ShapeError, DomainError for bad options; NumericalError if score or log-density turn to NaN, or the density is
 *   0 where a chain starts; the signal's reason if aborted.
 * @example
 * ```ts
 * import { key } from '@diff/core';
 * import { mala } from '@diff/samplers';
 * import { gaussianMixture } from '@diff/score';
 * import { edm } from '@diff/sde';
 * import '@tensorflow/tfjs-backend-cpu';
 * const model = gaussianMixture({ process: edm(), means: [[1, 1], [-1, -1]], variance: 0.1 });
 * const { x, acceptance } = await mala({
 *   score: (x) => model.score(x, 0.5),
 *   logDensity: (x) => model.logDensity(x, 0.5),
 *   stepSize: 0.3, steps: 20, shape: [100, 2], key: key(3),
 * });
 * ```
 */
export async function mala(options: MalaOptions): Promise<MalaResult> {
  const { logDensity, stepSize, steps } = options;
  if (typeof logDensity !== 'function') {
    throw new DomainError(
      `mala: logDensity must be a function of x, got ${shown(logDensity)}. For an exact model pass (x) => model.logDensity(x, t); where none is known use langevin().`,
    );
  }
  requirePositive('mala', 'stepSize', stepSize);
  const name = 'logDensity';
  let known: MalaState | undefined;
  let accepted: tf.Tensor1D | undefined;
  let total: tf.Tensor = tf.scalar(0);
  try {
    const x = await runChain<{ accepted: tf.Tensor1D }>(
      'mala',
      options,
      'Check it there.',
      async (y, link) => {
        if (!known) {
          const density = await link.rows(name, logDensity, y, true);
          const score = await link.score(y).catch(freeing(density));
          known = { x: tf.clone(y), score, logDensity: density };
        }
        const moved = await malaStep(known, {
          epsilon: stepSize,
          key: link.key,
          firstRow: link.firstRow,
          score: link.score,
          logDensity: (at) => link.rows(name, logDensity, at, false),
        });
        const sum = tf.tidy(() => tf.add(total, tf.mean(moved.accepted)));
        tf.dispose([{ ...known }, accepted, total] as tf.TensorContainer);
        [known, accepted, total] = [moved.state, moved.accepted, sum];
        return { y: tf.clone(known.x), extra: { accepted } };
      },
    );
    try {
      return { x, acceptance: (await total.data())[0]! / steps };
    } catch (error) {
      x.dispose();
      throw error;
    }
  } finally {
    tf.dispose([known && { ...known }, accepted, total] as tf.TensorContainer);
  }
}
