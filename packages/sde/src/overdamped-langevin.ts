/**
 * Overdamped Langevin dynamics (S3 3.3–3.4): dX = −∇U(X) dt + ς dB, stationary at p ∝ exp(−2U/ς²). With
 * U = (θ/2)|x − μ|² it is the Ornstein–Uhlenbeck process.
 */
import { DomainError, requirePositive, shown } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import type { GeneralProcess } from './general-process.ts';

export interface OverdampedLangevinOptions {
  /** ∇U: x [n, d] → [n, d]; a new tensor. */
  potentialGradient(x: tf.Tensor): tf.Tensor;
  /** ς > 0; default √2, for which the stationary law is ∝ exp(−U). */
  readonly sigma?: number;
  /** Horizon; default 5. */
  readonly T?: number;
}

/** Langevin dynamics as a process, and the score of the law it settles to. */
export interface OverdampedLangevin extends GeneralProcess {
  /** −2∇U(x)/ς², the score of the stationary law, which serves as the noise; a new tensor. */
  stationaryScore(x: tf.Tensor): tf.Tensor;
}

/**
 * dX = −∇U(X) dt + ς dB.
 *
 * @throws DomainError
 * @example
 * ```ts
 * import { overdampedLangevin } from '@diff/sde';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * // two wells: U = (x² − 1)²
 * const wells = overdampedLangevin({
 *   potentialGradient: (x) => tf.mul(tf.mul(4, x), tf.sub(tf.square(x), 1)),
 *   sigma: 1,
 *   T: 4,
 * });
 * ```
 */
export function overdampedLangevin(options: OverdampedLangevinOptions): OverdampedLangevin {
  const { potentialGradient, sigma = Math.SQRT2, T = 5 } = options;
  requirePositive('overdampedLangevin', 'sigma', sigma);
  requirePositive('overdampedLangevin', 'T', T);
  if (typeof potentialGradient !== 'function') {
    throw new DomainError(
      `overdampedLangevin: potentialGradient must be a function of x, got ${shown(potentialGradient)}. Pass x => ∇U(x).`,
    );
  }
  const scaled = (x: tf.Tensor, c: number): tf.Tensor => tf.tidy(() => tf.mul(potentialGradient(x), c));
  return Object.freeze({
    type: 'langevin',
    T,
    noise: 'scalar',
    stateIndependent: true,
    drift: (_t: number, x: tf.Tensor) => scaled(x, -1),
    diffusion: () => sigma,
    stationaryScore: (x: tf.Tensor) => scaled(x, -2 / (sigma * sigma)),
  });
}
