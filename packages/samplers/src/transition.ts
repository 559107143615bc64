/**
 * The float64 numbers that every update from t to r < t is made of.
 *
 *   X_t = α_t X₀ + m_t + σ_t ε,   h = λ(r) − λ(t) > 0,   λ = ln(α/σ)
 *
 * h is ∞ where the step ends without noise (σ_r = 0) or starts without signal (α_t = 0).
 */
import type { LinearProcess } from '@diff/sde';

export interface Transition {
  readonly alphaT: number;
  readonly sigmaT: number;
  readonly meanT: number;
  readonly alphaR: number;
  readonly sigmaR: number;
  readonly meanR: number;
  readonly h: number;
}

export function transition(process: LinearProcess, t: number, r: number): Transition {
  const alphaT = process.alpha(t);
  const sigmaR = process.sigma(r);
  return {
    alphaT,
    sigmaT: process.sigma(t),
    meanT: process.mean(t),
    alphaR: process.alpha(r),
    sigmaR,
    meanR: process.mean(r),
    h: sigmaR === 0 || alphaT === 0 ? Number.POSITIVE_INFINITY : process.lambda(r) - process.lambda(t),
  };
}

/** 1 − e^{−k h} for h in (0, ∞], exact for small k h; 0 where k = 0. */
export function decayed(k: number, h: number): number {
  return k === 0 ? 0 : -Math.expm1(-k * h);
}

/** e^{−k h} for h in (0, ∞]; 1 where k = 0. */
export function remaining(k: number, h: number): number {
  return k === 0 ? 1 : Math.exp(-k * h);
}
