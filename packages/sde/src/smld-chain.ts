/**
 * The SMLD chain, score matching with Langevin dynamics (Song & Ermon 2019; S3 §3 b), and its continuum limit VE.
 *
 *   x_i = x_{i−1} + √(σ_i² − σ_{i−1}²) z,   levels geometric from σmin to σmax
 *
 * By default the data is state 0 and the levels are σ_0 … σ_N: the marginal of state i is that of VE at iT/N for
 * every N. With `dataHasSigmaMin` (the code base of Song et al.) there are N levels, the first transition adds the
 * first of them to clean data, and state i has level σmin ρ^{(i−1)/(N−1)}, which tends to VE's as N grows.
 */
import { DomainError, requireInteger, requirePositive, shown } from '@diff/core';
import { type DiscreteChain, discreteChain } from './discrete-chain.ts';
import { varianceExploding } from './variance-exploding.ts';

export interface SmldChainOptions {
  /** Smallest level > 0; default 0.01. */
  readonly sigmaMin?: number;
  /** Largest level > sigmaMin; default 50. */
  readonly sigmaMax?: number;
  /** Number of transitions N; default 1000 (at least 2 with `dataHasSigmaMin`). */
  readonly steps?: number;
  /** Horizon of the limit; default 1. */
  readonly T?: number;
  readonly dataHasSigmaMin?: boolean;
}

export interface SmldChain extends DiscreteChain {
  readonly type: 'smld';
  /** The noise levels, ascending: N + 1 of them, or N with `dataHasSigmaMin`. */
  readonly sigmas: readonly number[];
}

/**
 * `count` ≥ 2 noise levels in geometric progression from sigmaMin to sigmaMax.
 *
 * @example
 * ```ts
 * import { smldSigmas } from '@diff/sde';
 * smldSigmas(0.01, 100, 5); // 0.01, 0.1, 1, 10, 100
 * ```
 */
export function smldSigmas(sigmaMin: number, sigmaMax: number, count: number): readonly number[] {
  requirePositive('smldSigmas', 'sigmaMin', sigmaMin);
  requirePositive('smldSigmas', 'sigmaMax', sigmaMax);
  requireInteger('smldSigmas', 'count', count, 2);
  if (sigmaMin >= sigmaMax) {
    throw new DomainError(
      `smldSigmas: sigmaMin must be less than sigmaMax = ${sigmaMax}, got ${shown(sigmaMin)}. Levels ascend.`,
    );
  }
  const logRatio = Math.log(sigmaMax / sigmaMin);
  return Object.freeze(
    Array.from({ length: count }, (_, i) =>
      i === count - 1 ? sigmaMax : sigmaMin * Math.exp((i / (count - 1)) * logRatio),
    ),
  );
}

/**
 * The SMLD chain with geometric levels.
 *
 * @throws DomainError
 * @example
 * ```ts
 * import { smldChain } from '@diff/sde';
 * const chain = smldChain({ sigmaMin: 0.01, sigmaMax: 50, steps: 1000 });
 * const process = chain.limit; // varianceExploding with the same levels
 * ```
 */
export function smldChain(options: SmldChainOptions = {}): SmldChain {
  const { sigmaMin = 0.01, sigmaMax = 50, steps = 1000, T = 1, dataHasSigmaMin = false } = options;
  requireInteger('smldChain', 'steps', steps, dataHasSigmaMin ? 2 : 1);
  const limit = varianceExploding({ sigmaMin, sigmaMax, T, dataHasSigmaMin });
  const sigmas = smldSigmas(sigmaMin, sigmaMax, dataHasSigmaMin ? steps : steps + 1);
  const levels = dataHasSigmaMin ? [0, ...sigmas] : sigmas;
  const added = (from: number, to: number): number => Math.sqrt((to - from) * (to + from));
  const first = levels[0]!;
  return Object.freeze({
    ...discreteChain(
      'smld',
      levels.map((level) => ({ alpha: 1, sigma: added(first, level) })),
      levels.slice(1).map((level, i) => ({ scale: 1, noise: added(levels[i]!, level) })),
      limit,
    ),
    type: 'smld',
    sigmas,
  });
}
