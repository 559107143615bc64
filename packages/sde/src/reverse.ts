/**
 * Reverse dynamics of a linear process. With Y_s = X_{T−s}, one family indexed by a noise level b ≥ 0, which may
 * depend on time, has the marginals of X (S3 Theorems 2.1 and 5.1; S4 "The reverse process"):
 *
 *   dY = (−f Y − c + ½(1 + b²) g² score(t, Y)) ds + b g dB,   all at forward time t = T − s
 *
 * b = 1 is the reverse SDE, b = 0 the probability-flow ODE. Marginals agree for every b, paths do not.
 */
import { combine, DomainError, shown } from '@diff/core';
import type * as tf from '@tensorflow/tfjs-core';
import type { LinearProcess } from './process.ts';

/** b ≥ 0: a number, or a function of the forward time. */
export type NoiseLevel = number | ((t: number) => number);

/** The value of b at t. */
export function noiseLevelAt(where: string, noiseLevel: NoiseLevel, t: number): number {
  const b = typeof noiseLevel === 'function' ? noiseLevel(t) : noiseLevel;
  if (typeof b !== 'number' || !Number.isFinite(b) || b < 0) {
    throw new DomainError(
      `${where}: noiseLevel must be a finite number of at least 0, got ${shown(b)} at t = ${t}. 1 is the reverse SDE, 0 the probability-flow ODE.`,
    );
  }
  return b;
}

/** dY = (x·Y + score·∇log p + constant) ds + noise dB. */
export interface ReverseCoefficients {
  readonly x: number;
  readonly score: number;
  readonly constant: number;
  readonly noise: number;
}

/**
 * The coefficients of the reverse dynamics at forward time t.
 *
 * @param noiseLevel b ≥ 0; default 1.
 * @throws DomainError
 * @example
 * ```ts
 * import { canonicalOu, reverseCoefficients } from '@diff/sde';
 * reverseCoefficients(canonicalOu(), 1, 0.5); // { x: 1, score: 1.25, constant: -0, noise: 0.707… }
 * ```
 */
export function reverseCoefficients(
  process: LinearProcess,
  t: number,
  noiseLevel: NoiseLevel = 1,
): ReverseCoefficients {
  const b = noiseLevelAt('reverseCoefficients', noiseLevel, t);
  const g = process.diffusion(t);
  return {
    x: -process.drift(t),
    score: 0.5 * (1 + b * b) * g * g,
    constant: -process.offset(t),
    noise: b * g,
  };
}

/**
 * Drift of the reverse dynamics at forward time t, in reverse time: −f x − c + ½(1 + b²) g² score.
 *
 * @param x [n, …]; @param score ∇log p_t(x), of the shape of x. @returns that shape, owned by the caller.
 * @throws ShapeError, DomainError
 * @example
 * ```ts
 * import { canonicalOu, reverseDrift } from '@diff/sde';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const x = tf.ones([4, 2]);
 * const drift = reverseDrift(canonicalOu(), 1, x, tf.neg(x), { noiseLevel: 1 }); // −x
 * ```
 */
export function reverseDrift(
  process: LinearProcess,
  t: number,
  x: tf.Tensor,
  score: tf.Tensor,
  { noiseLevel = 1 }: { readonly noiseLevel?: NoiseLevel } = {},
): tf.Tensor {
  const c = reverseCoefficients(process, t, noiseLevel);
  return combine(
    [
      [c.x, x],
      [c.score, score],
    ],
    { constant: c.constant },
  );
}

/**
 * Velocity of the probability flow in forward time: dX/dt = f x + c − ½ g² score (S3 5.6), the reverse drift for
 * b = 0 with its sign changed. Arguments and result as `reverseDrift`.
 *
 * @example
 * ```ts
 * import { canonicalOu, probabilityFlowDrift } from '@diff/sde';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const x = tf.ones([4, 2]);
 * const velocity = probabilityFlowDrift(canonicalOu(), 1, x, tf.neg(x)); // 0: N(0, I) does not flow
 * ```
 */
export function probabilityFlowDrift(
  process: LinearProcess,
  t: number,
  x: tf.Tensor,
  score: tf.Tensor,
): tf.Tensor {
  const c = reverseCoefficients(process, t, 0);
  return combine(
    [
      [-c.x, x],
      [-c.score, score],
    ],
    { constant: -c.constant },
  );
}
