/**
 * The DDPM chain (Ho, Jain & Abbeel 2020; S3 §3 c) and its continuum limit.
 *
 *   x_i = √(1−β_i) x_{i−1} + √β_i z,   α_i² = ᾱ_i = Π_{j≤i}(1−β_j),   σ_i² = 1 − ᾱ_i
 *   Δt = T/N → 0 with β(iΔt) = N β_i/T gives VP: dX = −½β X dt + √β dB
 *
 * 1 − ᾱ is summed in logarithms, so σ_i keeps its digits where ᾱ is near 1.
 */
import { requireInteger, requirePositive } from '@diff/core';
import { type DdpmBetasOptions, ddpmBetas } from './ddpm-betas.ts';
import { type DiscreteChain, discreteChain } from './discrete-chain.ts';
import type { LinearProcess } from './process.ts';
import { requireBetas } from './table-schedule.ts';
import { variancePreserving } from './variance-preserving.ts';

/** A schedule of `ddpmBetas`, or a table of one's own; T is the horizon of the limit, default 1. */
export type DdpmChainOptions = (DdpmBetasOptions | { readonly betas: readonly number[] }) & {
  readonly T?: number;
};

export interface DdpmChain extends DiscreteChain {
  readonly type: 'ddpm';
  /** β_1 … β_N: index i − 1 holds β_i, as in the usual tables. */
  readonly betas: readonly number[];
  /** ᾱ_1 … ᾱ_N, indexed likewise. */
  readonly alphasCumprod: readonly number[];
}

/**
 * The continuum limit of `ddpmChain(options)`: VP with βmin = N·betaStart/T and βmax = N·betaEnd/T, the cosine VP
 * with its rate capped at N·maxBeta/T, or, for a table of one's own, the VP process of `schedule: 'table'`, which
 * has the chain's marginals at every time iT/N.
 *
 * @example
 * ```ts
 * import { ddpmLimit } from '@diff/sde';
 * const process = ddpmLimit({ schedule: 'linear', steps: 1000 }); // VP with β from 0.1 to 20
 * ```
 */
export function ddpmLimit(options: DdpmChainOptions = {}): LinearProcess {
  const T = requirePositive('ddpmLimit', 'T', options.T ?? 1);
  if ('betas' in options) return variancePreserving({ schedule: 'table', betas: options.betas, T });
  const N = requireInteger('ddpmLimit', 'steps', options.steps ?? 1000, 1);
  if (options.schedule === 'cosine') {
    const { offset = 0.008, maxBeta = 0.999 } = options;
    return variancePreserving({ schedule: 'cosine', offset, betaMax: (N * maxBeta) / T, T });
  }
  const { schedule = 'linear' } = options;
  const betas = ddpmBetas(options);
  return variancePreserving({
    schedule,
    betaMin: (N * betas[0]!) / T,
    betaMax: (N * betas.at(-1)!) / T,
    T,
  });
}

/**
 * The DDPM chain of a schedule or of a table.
 *
 * @throws DomainError
 * @example
 * ```ts
 * import { ddpmChain } from '@diff/sde';
 * const chain = ddpmChain({ schedule: 'linear', steps: 1000, betaStart: 1e-4, betaEnd: 0.02 });
 * chain.alphasCumprod[999]; // 4.04e-5
 * const process = chain.limit; // VP with β from 0.1 to 20
 * ```
 */
export function ddpmChain(options: DdpmChainOptions = {}): DdpmChain {
  const betas = 'betas' in options ? options.betas : ddpmBetas(options);
  requireBetas('ddpmChain', betas);
  const states = [{ alpha: 1, sigma: 0 }];
  const alphasCumprod: number[] = [];
  let B = 0;
  for (const beta of betas) {
    B -= Math.log1p(-beta);
    states.push({ alpha: Math.exp(-0.5 * B), sigma: Math.sqrt(-Math.expm1(-B)) });
    alphasCumprod.push(Math.exp(-B));
  }
  const transitions = betas.map((beta) => ({ scale: Math.sqrt(1 - beta), noise: Math.sqrt(beta) }));
  return Object.freeze({
    ...discreteChain('ddpm', states, transitions, ddpmLimit(options)),
    type: 'ddpm',
    betas: Object.freeze([...betas]),
    alphasCumprod: Object.freeze(alphasCumprod),
  });
}
