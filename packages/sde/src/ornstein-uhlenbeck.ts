/**
 * Ornstein–Uhlenbeck processes (S3 3.1–3.2; S0, S1, S4 for the canonical one, S2 for unit speed).
 *
 *   dX = θ(μ − X) dt + ς dB,   α = e^{−θt},   m = μ(1 − e^{−θt}),   σ² = v(1 − e^{−2θt}),   v = ς²/(2θ)
 *   λ = −½ ln(v(e^{2θt} − 1)),   G = 2v(e^{θ(t−r)} − 1),   V = v(e^{2θ(t−r)} − 1),   noise N(μ, v I)
 */
import { requireFinite, requirePositive } from '@diff/core';
import { linearProcess } from './linear-process.ts';
import { logExpm1, softplus } from './log-expm1.ts';
import type { LinearProcess } from './process.ts';

export interface OrnsteinUhlenbeckOptions {
  /** Rate θ > 0 of return to the mean; default 1. */
  readonly theta?: number;
  /** The mean μ, the same in every coordinate; default 0. */
  readonly mu?: number;
  /** ς > 0, the strength of the noise; default √(2θ), which makes the stationary variance 1. */
  readonly sigma?: number;
  /** Horizon; default 5/θ, where e^{−5} of the data is left. */
  readonly T?: number;
}

/**
 * dX = θ(μ − X) dt + ς dB.
 *
 * @throws DomainError
 * @example
 * ```ts
 * import { ornsteinUhlenbeck } from '@diff/sde';
 * const process = ornsteinUhlenbeck({ theta: 2, mu: 1, sigma: 0.5, T: 3 });
 * process.prior; // { mean: 1, std: 0.25 }
 * ```
 */
export function ornsteinUhlenbeck(options: OrnsteinUhlenbeckOptions = {}): LinearProcess {
  const where = 'ornsteinUhlenbeck';
  const theta = requirePositive(where, 'theta', options.theta ?? 1);
  const mu = requireFinite(where, 'mu', options.mu ?? 0);
  const sigma = requirePositive(where, 'sigma', options.sigma ?? Math.sqrt(2 * theta));
  const T = requirePositive(where, 'T', options.T ?? 5 / theta);
  const std = sigma / Math.sqrt(2 * theta);
  const variance = std * std;
  return linearProcess({
    type: 'ou',
    T,
    config: { type: 'ou', theta, mu, sigma, T },
    prior: { mean: mu, std },
    alpha: (t) => Math.exp(-theta * t),
    sigma: (t) => std * Math.sqrt(-Math.expm1(-2 * theta * t)),
    mean: (t) => mu * -Math.expm1(-theta * t) + 0,
    drift: () => -theta,
    offset: () => theta * mu,
    diffusionSquared: () => 2 * theta * variance,
    lambda: (t) => -0.5 * logExpm1(2 * theta * t) - Math.log(std),
    timeOfLambda: (lambda) => softplus(-2 * (lambda + Math.log(std))) / (2 * theta),
    scoreGain: (t, r) => 2 * variance * Math.expm1(theta * (t - r)),
    noiseVariance: (t, r) => variance * Math.expm1(2 * theta * (t - r)),
  });
}

/**
 * The canonical process dX = −X dt + √2 dB of the theory of diffusion models: α = e^{−t}, σ² = 1 − e^{−2t}.
 *
 * @example
 * ```ts
 * import { canonicalOu } from '@diff/sde';
 * const process = canonicalOu({ T: 5 });
 * ```
 */
export function canonicalOu({ T = 5 }: { readonly T?: number } = {}): LinearProcess {
  return ornsteinUhlenbeck({ theta: 1, mu: 0, sigma: Math.SQRT2, T });
}

/**
 * The process of unit speed, dX = −½X dt + dB: α = e^{−t/2}, σ² = 1 − e^{−t}. T defaults to 10.
 *
 * @example
 * ```ts
 * import { unitSpeedOu } from '@diff/sde';
 * unitSpeedOu().alpha(2); // e⁻¹
 * ```
 */
export function unitSpeedOu({ T = 10 }: { readonly T?: number } = {}): LinearProcess {
  return ornsteinUhlenbeck({ theta: 0.5, mu: 0, sigma: 1, T });
}
