/**
 * Every linear process is the variance-exploding one in other clothes (S3 5.11–5.13; Karras et al. 2022): with
 *
 *   y = (x − m(t))/α(t),   ς(t) = σ(t)/α(t) = e^{−λ(t)}
 *
 * y is X_0 + ς ε, the process `edm` at time ς. One score of VE serves all: score(t, x) = score_VE(ς, y)/α(t).
 */
import { combine, DomainError } from '@diff/core';
import type * as tf from '@tensorflow/tfjs-core';
import { edm } from './edm.ts';
import type { LinearProcess } from './process.ts';

/** The change of space and clock; every tensor returned has the shape of its argument and is the caller's. */
export interface VarianceExplodingView {
  /** `edm` with horizon ς(T). */
  readonly process: LinearProcess;
  /** ς(t) = σ/α, the noise level of VE at time t. */
  noiseLevel(t: number): number;
  /** The t with ς(t) = level. */
  timeOfNoiseLevel(level: number): number;
  /** y = (x − m)/α. */
  toVe(x: tf.Tensor, t: number): tf.Tensor;
  /** x = α y + m. */
  fromVe(y: tf.Tensor, t: number): tf.Tensor;
  /** score(t, x) out of score_VE(ς, y): divides by α. */
  scoreFromVe(score: tf.Tensor, t: number): tf.Tensor;
  /** score_VE(ς, y) out of score(t, x): multiplies by α. */
  scoreToVe(score: tf.Tensor, t: number): tf.Tensor;
}

/**
 * The view of a linear process as a variance-exploding one.
 *
 * @throws DomainError when α(T) = 0, where ς is infinite.
 * @example
 * ```ts
 * import { toVarianceExploding, variancePreserving } from '@diff/sde';
 * const vp = variancePreserving();
 * const view = toVarianceExploding(vp);
 * const level = view.noiseLevel(0.5); // a score trained with edm() is asked at this σ, at y = view.toVe(x, 0.5)
 * ```
 */
export function toVarianceExploding(process: LinearProcess): VarianceExplodingView {
  const top = process.sigma(process.T) / process.alpha(process.T);
  if (!Number.isFinite(top)) {
    throw new DomainError(
      `toVarianceExploding: sigma/alpha must be finite at T = ${process.T}, got ${top}. Shorten the horizon so that alpha(T) > 0.`,
    );
  }
  return Object.freeze({
    process: edm({ T: top }),
    noiseLevel: (t: number) => process.sigma(t) / process.alpha(t),
    timeOfNoiseLevel: (level: number) => process.timeOfLambda(-Math.log(level)),
    toVe: (x: tf.Tensor, t: number) => {
      const alpha = process.alpha(t);
      return combine([[1 / alpha, x]], { constant: -process.mean(t) / alpha });
    },
    fromVe: (y: tf.Tensor, t: number) => combine([[process.alpha(t), y]], { constant: process.mean(t) }),
    scoreFromVe: (score: tf.Tensor, t: number) => combine([[1 / process.alpha(t), score]]),
    scoreToVe: (score: tf.Tensor, t: number) => combine([[process.alpha(t), score]]),
  });
}
