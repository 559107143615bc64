/**
 * A linear forward process, dX = (f(t) X + c(t)) dt + g(t) dB on 0 ≤ t ≤ T, X_0 ~ data, as float64 functions of
 * time. No tensor is in it: samplers and losses work out their coefficients here and touch tensors once.
 *
 *   X_t | X_0 ~ N(α(t) X_0 + m(t), σ(t)² I),   f = (ln α)',   g² = (σ²)' − 2 f σ²,   λ = ln(α/σ)
 *
 * Every function throws a DomainError for a time outside [0, T]. At t = 0 most processes have σ = 0 and λ = +∞.
 */
import type { BetaScheduleConfig } from './beta-schedule.ts';

/** Plain JSON that names a process; `processFromConfig` turns it back into the same process. */
export type ProcessConfig =
  | {
      readonly type: 'ou';
      readonly theta: number;
      readonly mu: number;
      readonly sigma: number;
      readonly T: number;
    }
  | {
      readonly type: 've';
      readonly sigmaMin: number;
      readonly sigmaMax: number;
      readonly T: number;
      readonly dataHasSigmaMin: boolean;
    }
  | { readonly type: 'edm' | 'flow'; readonly T: number }
  | ({ readonly type: 'vp' | 'subvp' | 'cvp' } & BetaScheduleConfig)
  | { readonly type: 'custom'; readonly T: number };

/** A linear forward process; make one with `variancePreserving`, `edm`, `ornsteinUhlenbeck`, … */
export interface LinearProcess {
  /** Which family it is: 'ou', 've', 'edm', 'flow', 'vp', 'subvp', 'cvp' or 'custom'. */
  readonly type: ProcessConfig['type'];
  /** Horizon: 0 is data, T is noise. */
  readonly T: number;
  /** JSON that `processFromConfig` turns back into this process ('custom' ones cannot be turned back). */
  readonly config: ProcessConfig;
  /** α(t), the factor of the data. */
  alpha(t: number): number;
  /** σ(t), the standard deviation of the noise in each coordinate. */
  sigma(t: number): number;
  /** m(t), the same in every coordinate; 0 for all but Ornstein–Uhlenbeck with μ ≠ 0. */
  mean(t: number): number;
  /** λ(t) = ln(α/σ), half the log signal-to-noise ratio, strictly decreasing. */
  lambda(t: number): number;
  /** The inverse of λ, to 1e-12 relative. */
  timeOfLambda(lambda: number): number;
  /** f(t) in dX = (f(t) X + offset(t)) dt + g(t) dB. */
  drift(t: number): number;
  /** c(t), see `drift`. */
  offset(t: number): number;
  /** g(t). */
  diffusion(t: number): number;
  /** The noise from which sampling starts: N(mean, std² I). */
  readonly prior: { readonly mean: number; readonly std: number };
  /** G = ∫_r^t (α_r/α_u) g_u² du for 0 ≤ r ≤ t: what a score held constant over [r, t] is multiplied by (b = 1). */
  scoreGain(t: number, r: number): number;
  /** V = (α_r/α_t)² σ_t² − σ_r² for 0 ≤ r ≤ t: the variance of the exact reverse noise with the score held. */
  noiseVariance(t: number, r: number): number;
}
