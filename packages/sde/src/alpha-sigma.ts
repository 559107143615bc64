/**
 * The process that a pair (α, σ) defines: X_t | X_0 ~ N(α(t) X_0, σ(t)² I).
 *
 *   f = α′/α,   g² = (σ²)′ − 2 f σ²
 *
 * Derivatives may be given; otherwise they are taken numerically (relative error about 1e-12). σ² rather than σ
 * is differentiated, because σ often starts as √t. Where α(T) = 0 (straight-line flows) f and g are infinite at T
 * and λ(T) = −∞: such a process can be sampled on grids whose steps use α, σ and λ alone.
 */
import { DomainError, requirePositive, shown } from '@diff/core';
import { derivative } from './derivative.ts';
import { linearProcess } from './linear-process.ts';
import type { LinearProcess } from './process.ts';

export interface AlphaSigmaOptions {
  /** α(t) ≥ 0 on [0, T], above 0 before T. */
  alpha(t: number): number;
  /** σ(t) ≥ 0 on [0, T], with α/σ strictly decreasing. */
  sigma(t: number): number;
  /** Horizon; default 1. */
  readonly T?: number;
  /** α′(t); default: numerical. */
  alphaDerivative?(t: number): number;
  /** (σ²)′(t); default: numerical. */
  varianceDerivative?(t: number): number;
  /** λ⁻¹; default: bisection. */
  timeOfLambda?(lambda: number): number;
  /** The noise from which sampling starts; default N(0, σ(T)² I), right when α(T) times the data is small. */
  readonly prior?: { readonly mean: number; readonly std: number };
}

const CHECKS = 64;

function requireDecreasing(alpha: (t: number) => number, sigma: (t: number) => number, T: number): void {
  let before = Number.POSITIVE_INFINITY;
  for (let i = 0; i <= CHECKS; i++) {
    const t = (T * i) / CHECKS;
    const [a, s] = [alpha(t), sigma(t)];
    if (!(Number.isFinite(a) && Number.isFinite(s) && s >= 0 && a >= 0 && (a > 0 || i === CHECKS))) {
      throw new DomainError(
        `fromAlphaSigma: alpha(t) must be finite and above 0 and sigma(t) finite and at least 0, got alpha(${t}) = ${shown(a)}, sigma(${t}) = ${shown(s)}. Correct the functions or T.`,
      );
    }
    const ratio = a / s;
    if (!(ratio < before) && !(i === 0 && ratio === Number.POSITIVE_INFINITY)) {
      throw new DomainError(
        `fromAlphaSigma: alpha/sigma must be strictly decreasing, got ${before} and then ${ratio} at t = ${t}. Time must run from data to noise.`,
      );
    }
    before = ratio;
  }
}

/**
 * A process out of α(t) and σ(t).
 *
 * @throws DomainError when α/σ is not strictly decreasing on a check grid.
 * @example
 * ```ts
 * import { fromAlphaSigma } from '@diff/sde';
 * const straight = fromAlphaSigma({ alpha: (t) => 1 - t, sigma: (t) => t, T: 1 }); // rectified flow
 * straight.timeOfLambda(0); // 0.5
 * ```
 */
export function fromAlphaSigma(options: AlphaSigmaOptions): LinearProcess {
  const { alpha, sigma, T = 1, timeOfLambda } = options;
  requirePositive('fromAlphaSigma', 'T', T);
  requireDecreasing(alpha, sigma, T);
  const variance = (t: number): number => sigma(t) ** 2;
  const alphaDerivative = options.alphaDerivative ?? ((t): number => derivative(alpha, t, 0, T));
  const varianceDerivative = options.varianceDerivative ?? ((t): number => derivative(variance, t, 0, T));
  const drift = (t: number): number => alphaDerivative(t) / alpha(t);
  return linearProcess({
    type: 'custom',
    T,
    config: { type: 'custom', T },
    prior: options.prior ?? { mean: 0, std: sigma(T) },
    alpha,
    sigma,
    drift,
    diffusionSquared: (t) => Math.max(0, varianceDerivative(t) - 2 * drift(t) * variance(t)),
    ...(timeOfLambda && { timeOfLambda }),
  });
}
