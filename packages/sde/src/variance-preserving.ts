/**
 * VP, the variance-preserving process (S3 3.8–3.10; Song et al. 2021), the limit of DDPM.
 *
 *   dX = −½β X dt + √β dB,   α = e^{−B/2},   σ² = 1 − e^{−B},   B(t) = ∫_0^t β,   noise N(0, I)
 *   λ = −½ ln(e^B − 1),   G = 2(e^{(B_t−B_r)/2} − 1),   V = e^{B_t−B_r} − 1
 */
import { type BetaScheduleOptions, betaSchedule } from './beta-schedule.ts';
import { linearProcess } from './linear-process.ts';
import { logExpm1, softplus } from './log-expm1.ts';
import type { LinearProcess } from './process.ts';

/**
 * The variance-preserving process with a linear (default), scaled-linear, cosine or constant rate β.
 *
 * @param options schedule and its rates, per unit of time; all have defaults (β from 0.1 to 20 over T = 1).
 * @throws DomainError
 * @example
 * ```ts
 * import { variancePreserving } from '@diff/sde';
 * const process = variancePreserving({ schedule: 'linear', betaMin: 0.1, betaMax: 20, T: 1 });
 * const snr = (process.alpha(0.3) / process.sigma(0.3)) ** 2;
 * const cosine = variancePreserving({ schedule: 'cosine' });
 * ```
 */
export function variancePreserving(options: BetaScheduleOptions = {}): LinearProcess {
  const { config, beta, integral, timeOfIntegral } = betaSchedule('variancePreserving', options);
  return linearProcess({
    type: 'vp',
    T: config.T,
    config: { type: 'vp', ...config },
    prior: { mean: 0, std: 1 },
    alpha: (t) => Math.exp(-0.5 * integral(0, t)),
    sigma: (t) => Math.sqrt(-Math.expm1(-integral(0, t))),
    drift: (t) => -0.5 * beta(t),
    diffusionSquared: beta,
    lambda: (t) => -0.5 * logExpm1(integral(0, t)),
    timeOfLambda: (lambda) => timeOfIntegral(softplus(-2 * lambda)),
    scoreGain: (t, r) => 2 * Math.expm1(0.5 * integral(r, t)),
    noiseVariance: (t, r) => Math.expm1(integral(r, t)),
  });
}
