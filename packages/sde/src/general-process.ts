/**
 * A forward process that need not be linear: dX = f(t, X) dt + g(t, X) dB with tensor-valued coefficients. It has no
 * closed-form marginals, so it is simulated; its reverse needs ∇·a, a = g gᵀ (S3 Theorem 2.1).
 */
import { DomainError, requireOneOf, requirePositive, shown } from '@diff/core';
import type * as tf from '@tensorflow/tfjs-core';

/**
 * What g(t, x) returns for x [n, d]:
 * - 'scalar': a number, or a tensor [n, 1] with one strength per row: g ξ;
 * - 'diagonal': a tensor [n, d] (or [d]) of one strength per coordinate: g ∘ ξ;
 * - 'matrix': a tensor [d, m], the same everywhere, or [n, d, m], one matrix per row: g ξ with ξ in R^m.
 */
export type NoiseKind = 'scalar' | 'diagonal' | 'matrix';

export interface GeneralProcess {
  /** 'langevin' or 'general'. */
  readonly type: 'langevin' | 'general';
  /** Horizon. */
  readonly T: number;
  readonly noise: NoiseKind;
  /** f(t, x): [n, d] → [n, d]; a new tensor. */
  drift(t: number, x: tf.Tensor): tf.Tensor;
  /** g(t, x), see `NoiseKind`; a new tensor or a number. */
  diffusion(t: number, x: tf.Tensor): tf.Tensor | number;
  /** ∇·a, (∇·a)_i = Σ_j ∂_j a_ij: [n, d] → [n, d]. Left out: automatic differentiation of g. */
  divergence?(t: number, x: tf.Tensor): tf.Tensor;
  /** true when g does not depend on x, so that ∇·a = 0. */
  readonly stateIndependent: boolean;
}

export interface GeneralSdeOptions extends Pick<GeneralProcess, 'drift' | 'diffusion' | 'divergence'> {
  /** Horizon T > 0. */
  readonly T: number;
  /** What `diffusion` returns; default 'scalar'. */
  readonly noise?: NoiseKind;
  /** Say true when g does not depend on x: the reverse then needs no ∇·a; default false. */
  readonly stateIndependent?: boolean;
}

/**
 * dX = f(t, X) dt + g(t, X) dB with functions of your own.
 *
 * @param options the functions use differentiable tfjs ops of t and x; row i of the result depends on row i of x.
 * @throws DomainError
 * @example
 * ```ts
 * import { generalSde } from '@diff/sde';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const geometricBrownian = generalSde({
 *   T: 1,
 *   noise: 'diagonal',
 *   drift: (t, x) => tf.mul(x, 0.1),
 *   diffusion: (t, x) => tf.mul(x, 0.3),
 * });
 * ```
 */
export function generalSde(options: GeneralSdeOptions): GeneralProcess {
  const { T, drift, diffusion, divergence, noise = 'scalar', stateIndependent = false } = options;
  requirePositive('generalSde', 'T', T);
  requireOneOf('generalSde', 'noise', noise, ['scalar', 'diagonal', 'matrix']);
  for (const [name, f] of [
    ['drift', drift],
    ['diffusion', diffusion],
  ] as const) {
    if (typeof f !== 'function') {
      throw new DomainError(
        `generalSde: ${name} must be a function of (t, x), got ${shown(f)}. Pass (t, x) => ….`,
      );
    }
  }
  return Object.freeze({
    type: 'general',
    T,
    noise,
    stateIndependent,
    drift,
    diffusion,
    ...(divergence && { divergence }),
  });
}
