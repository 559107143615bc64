/**
 * The unadjusted Langevin algorithm along a grid, that is annealed Langevin dynamics (Song and Ermon 2019, Algorithm 1):
 * at each time r of the grid after the first, M steps x ← x + ε score(x, r) + √(2ε) ξ. There is no predictor, so
 * neighbouring laws must be close and the steps many; step sizes ε ∝ σ(r)² are usual.
 *
 * Weak order 1 in ε for each p_r; the error made at early times is forgotten at the rate of mixing. The grid must end
 * at a time with noise (σ > 0). `langevin` runs on one score without a grid; `annealed` takes other chains along a grid.
 */
import { annealedSampler } from './annealed.ts';
import type { StepSize } from './langevin-corrector.ts';
import { langevinCorrector } from './langevin-corrector.ts';
import type { Sampler } from './sampler.ts';

export interface UlaOptions {
  /** ε > 0 in squared units of x, or ε(t). */
  readonly stepSize: StepSize;
  /** Langevin steps at each time of the grid; default 1. */
  readonly steps?: number;
}

/**
 * Annealed Langevin dynamics.
 *
 * @returns a stochastic sampler with `steps` evaluations at each time.
 * @throws DomainError for a step size that is not positive.
 * @example
 * ```ts
 * import { ula } from '@diff/samplers';
 * const sampler = ula({ stepSize: (t) => 0.1 * t ** 2, steps: 5 }); // EDM, where σ(t) = t
 * ```
 */
export function ula({ stepSize, steps = 1 }: UlaOptions): Sampler {
  return annealedSampler('ula', langevinCorrector({ stepSize, steps }));
}
