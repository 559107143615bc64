/**
 * Time reversal of a general process (S3 Theorem 2.1, Theorem 5.1 for b = 0): with a = g gᵀ,
 *
 *   dY = (−f + ½(1 + b²)(a score + ∇·a)) ds + b g dB,   all at forward time t = T − s
 *
 * b = 1 is the reverse SDE −f + a score + ∇·a; b = 0 the probability-flow ODE. For state-independent g, ∇·a = 0.
 */
import * as tf from '@tensorflow/tfjs-core';
import { noiseDivergence } from './divergence.ts';
import type { GeneralProcess } from './general-process.ts';
import { covarianceTimes } from './noise-term.ts';
import { type NoiseLevel, noiseLevelAt } from './reverse.ts';

/**
 * Drift of the reversed general process at forward time t, in reverse time.
 *
 * @param x [n, d]; @param score ∇log p_t(x) [n, d]. @returns [n, d], owned by the caller. The noise is b·g(t, x) dB.
 * @throws ShapeError, DomainError
 * @example
 * ```ts
 * import { generalReverseDrift, generalSde } from '@diff/sde';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const process = generalSde({
 *   T: 1,
 *   noise: 'diagonal',
 *   drift: (t, x) => tf.neg(x),
 *   diffusion: (t, x) => tf.sqrt(tf.add(1, tf.square(x))),
 * });
 * const x = tf.tensor2d([[0.5, -1]]);
 * const drift = generalReverseDrift(process, 0.3, x, tf.neg(x), { noiseLevel: 1 });
 * ```
 */
export function generalReverseDrift(
  process: GeneralProcess,
  t: number,
  x: tf.Tensor,
  score: tf.Tensor,
  { noiseLevel = 1 }: { readonly noiseLevel?: NoiseLevel } = {},
): tf.Tensor {
  const b = noiseLevelAt('generalReverseDrift', noiseLevel, t);
  return tf.tidy(() => {
    const gained = covarianceTimes(process.noise, process.diffusion(t, x), score);
    const corrected = process.stateIndependent ? gained : tf.add(gained, noiseDivergence(process, t, x));
    return tf.sub(tf.mul(corrected, 0.5 * (1 + b * b)), process.drift(t, x));
  });
}
