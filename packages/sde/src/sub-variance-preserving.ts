/**
 * sub-VP (S3 3.12–3.14; Song et al. 2021): the drift of VP with less noise, so its variance is never above VP's.
 *
 *   dX = −½β X dt + √(β(1 − e^{−2B})) dB,   α = e^{−B/2},   σ = 1 − e^{−B},   noise N(0, I)
 *   λ = −ln(2 sinh(B/2)),   V = (e^Δ − 1)(1 − e^{−(B_r+B_t)}),   Δ = B_t − B_r
 *   G = 2(e^{Δ/2} − 1) + ⅔ e^{−2B_r}(e^{−3Δ/2} − 1)
 *
 * For small Δ and B_r the two terms of G nearly cancel; with y = e^{Δ/2} − 1 it is the sum of positive terms
 * (4y² + (16/3)y³ + 2y⁴)/(1 + y)³ + ⅔(1 − e^{−2B_r})(1 − e^{−3Δ/2}).
 */
import { type BetaScheduleOptions, betaSchedule } from './beta-schedule.ts';
import { linearProcess } from './linear-process.ts';
import type { LinearProcess } from './process.ts';

/**
 * The sub-variance-preserving process; options as `variancePreserving`.
 *
 * @throws DomainError
 * @example
 * ```ts
 * import { subVariancePreserving } from '@diff/sde';
 * const process = subVariancePreserving({ betaMin: 0.1, betaMax: 20, T: 1 });
 * ```
 */
export function subVariancePreserving(options: BetaScheduleOptions = {}): LinearProcess {
  const { config, beta, integral, timeOfIntegral } = betaSchedule('subVariancePreserving', options);
  return linearProcess({
    type: 'subvp',
    T: config.T,
    config: { type: 'subvp', ...config },
    prior: { mean: 0, std: 1 },
    alpha: (t) => Math.exp(-0.5 * integral(0, t)),
    sigma: (t) => -Math.expm1(-integral(0, t)),
    drift: (t) => -0.5 * beta(t),
    diffusionSquared: (t) => -beta(t) * Math.expm1(-2 * integral(0, t)),
    lambda: (t) => {
      const B = integral(0, t);
      return -0.5 * B - Math.log(-Math.expm1(-B));
    },
    timeOfLambda: (lambda) => timeOfIntegral(2 * Math.asinh(0.5 * Math.exp(-lambda))),
    scoreGain: (t, r) => {
      const delta = integral(r, t);
      const y = Math.expm1(0.5 * delta);
      const fresh = (y * y * (4 + y * (16 / 3 + 2 * y))) / (1 + y) ** 3;
      return fresh + (2 / 3) * Math.expm1(-2 * integral(0, r)) * Math.expm1(-1.5 * delta);
    },
    noiseVariance: (t, r) => -Math.expm1(integral(r, t)) * Math.expm1(-integral(0, r) - integral(0, t)),
  });
}
