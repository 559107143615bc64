/**
 * VE, the variance-exploding process (S3 3.5–3.7; Song et al. 2021), the limit of SMLD.
 *
 *   dX = g dB,   α = 1,   g = σmin ρ^{t/T} √((2/T) ln ρ),   ρ = σmax/σmin
 *   σ² = σmin²(ρ^{2t/T} − 1),   G = V = σ_t² − σ_r² = σmin² ρ^{2r/T}(ρ^{2(t−r)/T} − 1),   noise N(0, σ(T)² I)
 *
 * The common SDE code base writes σ = σmin ρ^{t/T}: there the data already carries noise of size σmin, X_0 itself
 * is data + σmin ε. `dataHasSigmaMin` chooses that convention; drift, g, G and V are the same in both.
 */
import { DomainError, requirePositive, shown } from '@diff/core';
import { linearProcess } from './linear-process.ts';
import { logExpm1, softplus } from './log-expm1.ts';
import type { LinearProcess } from './process.ts';

export interface VarianceExplodingOptions {
  /** Smallest noise level > 0; default 0.01. */
  readonly sigmaMin?: number;
  /** Largest noise level > sigmaMin; default 50. */
  readonly sigmaMax?: number;
  /** Horizon; default 1. */
  readonly T?: number;
  /** true: σ(t) = σmin ρ^{t/T}, as in the code of Song et al.; default false: σ(0) = 0. */
  readonly dataHasSigmaMin?: boolean;
}

/**
 * The variance-exploding process with geometrically growing noise.
 *
 * @throws DomainError
 * @example
 * ```ts
 * import { varianceExploding } from '@diff/sde';
 * const process = varianceExploding({ sigmaMin: 0.01, sigmaMax: 50, T: 1 });
 * const songs = varianceExploding({ sigmaMin: 0.01, sigmaMax: 50, T: 1, dataHasSigmaMin: true });
 * ```
 */
export function varianceExploding(options: VarianceExplodingOptions = {}): LinearProcess {
  const { sigmaMin = 0.01, sigmaMax = 50, T = 1, dataHasSigmaMin = false } = options;
  const where = 'varianceExploding';
  requirePositive(where, 'sigmaMin', sigmaMin);
  requirePositive(where, 'sigmaMax', sigmaMax);
  requirePositive(where, 'T', T);
  if (sigmaMin >= sigmaMax) {
    throw new DomainError(
      `${where}: sigmaMin must be less than sigmaMax = ${sigmaMax}, got ${shown(sigmaMin)}. The noise grows from sigmaMin to sigmaMax.`,
    );
  }
  const rate = (2 * Math.log(sigmaMax / sigmaMin)) / T; // of growth of the variance
  const logMin = Math.log(sigmaMin);
  const added = (t: number, r: number): number =>
    sigmaMin * sigmaMin * Math.exp(rate * r) * Math.expm1(rate * (t - r));
  const marginal = dataHasSigmaMin
    ? {
        prior: { mean: 0, std: sigmaMax },
        sigma: (t: number): number => sigmaMin * Math.exp(0.5 * rate * t),
        lambda: (t: number): number => -logMin - 0.5 * rate * t,
        timeOfLambda: (lambda: number): number => (2 * (-lambda - logMin)) / rate,
      }
    : {
        prior: { mean: 0, std: Math.sqrt((sigmaMax - sigmaMin) * (sigmaMax + sigmaMin)) },
        sigma: (t: number): number => sigmaMin * Math.sqrt(Math.expm1(rate * t)),
        lambda: (t: number): number => -logMin - 0.5 * logExpm1(rate * t),
        timeOfLambda: (lambda: number): number => softplus(2 * (-lambda - logMin)) / rate,
      };
  return linearProcess({
    type: 've',
    T,
    config: { type: 've', sigmaMin, sigmaMax, T, dataHasSigmaMin },
    ...marginal,
    alpha: () => 1,
    drift: () => 0,
    diffusionSquared: (t) => sigmaMin * sigmaMin * Math.exp(rate * t) * rate,
    scoreGain: added,
    noiseVariance: added,
  });
}
