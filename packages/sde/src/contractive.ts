/**
 * CVP, the contractive variance-preserving process (S3 §3 e, CDPM): the drift of VP with its sign changed, so that
 * the backward process contracts and errors of the score fade, at the price of a noise that fits less well.
 *
 *   dX = +½β X dt + √β dB,   α = e^{B/2},   σ² = e^B − 1,   noise N(0, (e^{B(T)} − 1) I)
 *   λ = −½ ln(1 − e^{−B}) > 0,   G = 2(1 − e^{−(B_t−B_r)/2}),   V = 1 − e^{−(B_t−B_r)}
 *
 * The data does not fade: X_T ~ N(α X_0, σ² I) with α/σ → 1, and the noise above ignores α(T) X_0.
 */
import { type BetaScheduleOptions, betaSchedule } from './beta-schedule.ts';
import { linearProcess } from './linear-process.ts';
import type { LinearProcess } from './process.ts';

/** ln(1 − e^{−y}) for y > 0, precise at both ends; it is its own inverse up to sign. */
function log1mexp(y: number): number {
  return y > Math.LN2 ? Math.log1p(-Math.exp(-y)) : Math.log(-Math.expm1(-y));
}

/**
 * The contractive process; options as `variancePreserving`. Here β is best small: the default rates give
 * e^{B(T)} ≈ 2.3e4.
 *
 * @throws DomainError
 * @example
 * ```ts
 * import { contractive } from '@diff/sde';
 * const process = contractive({ betaMin: 0.01, betaMax: 8, T: 1 });
 * ```
 */
export function contractive(options: BetaScheduleOptions = {}): LinearProcess {
  const { config, beta, integral, timeOfIntegral } = betaSchedule('contractive', options);
  return linearProcess({
    type: 'cvp',
    T: config.T,
    config: { type: 'cvp', ...config },
    prior: { mean: 0, std: Math.sqrt(Math.expm1(integral(0, config.T))) },
    alpha: (t) => Math.exp(0.5 * integral(0, t)),
    sigma: (t) => Math.sqrt(Math.expm1(integral(0, t))),
    drift: (t) => 0.5 * beta(t),
    diffusionSquared: beta,
    lambda: (t) => -0.5 * log1mexp(integral(0, t)),
    timeOfLambda: (lambda) => timeOfIntegral(-log1mexp(2 * lambda)),
    scoreGain: (t, r) => -2 * Math.expm1(-0.5 * integral(r, t)),
    noiseVariance: (t, r) => -Math.expm1(-integral(r, t)),
  });
}
