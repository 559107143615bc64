/**
 * The variance-exploding process in its natural clock, σ(t) = t (Karras et al. 2022; S3 §3 b).
 *
 *   dX = √(2t) dB,   α = 1,   σ = t,   λ = −ln t,   G = V = t² − r²,   noise N(0, T² I)
 */
import { requirePositive } from '@diff/core';
import { linearProcess } from './linear-process.ts';
import type { LinearProcess } from './process.ts';

/**
 * The process X_t = X_0 + t ε.
 *
 * @param options `T`: the largest noise level; default 80, right for data of standard deviation about ½.
 * @throws DomainError
 * @example
 * ```ts
 * import { edm } from '@diff/sde';
 * const process = edm({ T: 80 });
 * process.sigma(2.5); // 2.5
 * ```
 */
export function edm({ T = 80 }: { readonly T?: number } = {}): LinearProcess {
  requirePositive('edm', 'T', T);
  return linearProcess({
    type: 'edm',
    T,
    config: { type: 'edm', T },
    prior: { mean: 0, std: T },
    alpha: () => 1,
    sigma: (t) => t,
    drift: () => 0,
    diffusionSquared: (t) => 2 * t,
    lambda: (t) => -Math.log(t),
    timeOfLambda: (lambda) => Math.exp(-lambda),
    scoreGain: (t, r) => (t - r) * (t + r),
    noiseVariance: (t, r) => (t - r) * (t + r),
  });
}
