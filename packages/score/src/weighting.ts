/**
 * Weightings of the denoising loss E w(t)|D(X_t, t) − X₀|², with ς = σ/α:
 *
 *   edm          (ς² + σ_d²)/(ς σ_d)²      makes the network's own loss weigh 1 everywhere (Karras et al. 2022, (144))
 *   noise        1/ς²                       |ε̂ − ε|², the same as σ²|score error|² (S3 4.14), SNR
 *   likelihood   g² α²/σ⁴                   g²|score error|²: with t uniform, bounds the KL (Song et al. 2021)
 *   minSnr       min(1/ς², γ)               Hang et al. 2023; γ = 5
 *   data         1
 *
 * Weights multiply a mean over the elements of a row.
 */
import { DomainError, requireOneOf, requirePositive, shown } from '@diff/core';
import type { LinearProcess } from '@diff/sde';

/** Names of the built-in weightings. */
export const WEIGHTINGS = ['edm', 'noise', 'likelihood', 'minSnr', 'data'] as const;
export type WeightingName = (typeof WEIGHTINGS)[number];

/** w at forward time t, for the squared error of the data prediction. */
export type Weighting = (t: number) => number;

export interface WeightingOptions {
  readonly process: LinearProcess;
  /** For 'edm'. */
  readonly sigmaData: number;
  /** γ of 'minSnr'; default 5. */
  readonly gamma?: number;
}

/**
 * A built-in weighting by name, or the given function itself.
 *
 * @throws DomainError for an unknown name.
 * @example
 * ```ts
 * import { weighting } from '@diff/score';
 * import { edm } from '@diff/sde';
 * const w = weighting('minSnr', { process: edm(), sigmaData: 0.5 });
 * w(0.1); // 5, the cap: the SNR is 100
 * ```
 */
export function weighting(
  choice: WeightingName | Weighting,
  { process, sigmaData, gamma = 5 }: WeightingOptions,
): Weighting {
  if (typeof choice === 'function') {
    return (t) => {
      const w = choice(t);
      if (!(typeof w === 'number' && w >= 0 && w < Number.POSITIVE_INFINITY)) {
        throw new DomainError(
          `weighting: the weight must be a finite number ≥ 0, got ${shown(w)} at t = ${t}. Mend the function, or sample no times there.`,
        );
      }
      return w;
    };
  }
  const name = requireOneOf('weighting', 'the choice', choice, WEIGHTINGS);
  requirePositive('weighting', 'gamma', gamma);
  const snr = (t: number): number => (process.alpha(t) / process.sigma(t)) ** 2;
  const rules: Readonly<Record<WeightingName, Weighting>> = {
    edm: (t) => 1 / sigmaData ** 2 + snr(t),
    noise: snr,
    likelihood: (t) => (process.diffusion(t) / process.sigma(t)) ** 2 * snr(t),
    minSnr: (t) => Math.min(snr(t), gamma),
    data: () => 1,
  };
  return rules[name];
}
