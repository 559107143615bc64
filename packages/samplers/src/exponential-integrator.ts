/**
 * Exponential integrators: the linear part of the reverse process solved exactly, one quantity of the model held
 * constant over the step from t to r. With z = x − m, h = λ(r) − λ(t), ς = σ/α, for every constant noise level b:
 *
 *   score   z' = (α_r/α_t) z + ½(1 + b²) G·score + b √V ξ
 *   noise   z' = (α_r/α_t) z − (1 + b²) α_r (ς_t − ς_r) ε̂ + b α_r √(ς_t² − ς_r²) ξ
 *   data    z' = (σ_r/σ_t) e^{−b²h} z + α_r (1 − e^{−(1+b²)h}) x̂0 + σ_r √(1 − e^{−2b²h}) ξ
 *
 * G = ∫_r^t (α_r/α_u) g_u² du and V = (α_r/α_t)² σ_t² − σ_r² = α_r² (ς_t² − ς_r²) (MATH §5).
 *
 * Derivation of the first two: y = z/α obeys dy = ½(1 + b²)(g²/α) score ds + b (g/α) dB, and g²/α² du = d(ς²), so
 * with score = −ε̂/(α ς) and d(ς²) = 2 ς dς the held ε̂ integrates to −(1 + b²)(ς_t − ς_r) ε̂.
 *
 * Equivalences: noise and data held coincide at b = 0 (DDIM); data held at b = 1 is DDPM's posterior step, noise held
 * at b = 1 is SDE-DPM-Solver-1; data held at any b is gDDIM on these processes (Zhang, Tao and Chen 2023, proposition 6); score held is the exponential integrator of the theory papers. A held score is *not*
 * DDPM or DDIM. Exact in one step where the held quantity does not change: a data set of one point for `data`.
 *
 * Order 1 (weak order 1 for b > 0). At r = 0 all three are finite; `data` ends on x̂0, the others keep noise in the
 * last step when b > 0 unless `finalNoise` is false. A function b(t) is held at its value at the start of the step.
 */
import { requireOneOf } from '@diff/core';
import type { LinearProcess, NoiseLevel } from '@diff/sde';
import { noiseLevelFunction } from './noise-level.ts';
import { oneStepSampler } from './one-step-sampler.ts';
import type { Sampler } from './sampler.ts';
import { decayed, remaining, transition } from './transition.ts';
import { type HeldUpdate, resolve } from './update.ts';

/** What an exponential integrator keeps constant over a step. */
export type Held = 'score' | 'noise' | 'data';

export interface ExponentialIntegratorOptions {
  readonly hold: Held;
  /** b ≥ 0, or b(t), taken at the start of each step; default 1. */
  readonly noiseLevel?: NoiseLevel;
  /** Draw noise in the last step too; default true. False ends on the mean of the last step. */
  readonly finalNoise?: boolean;
}

/** The centred coefficients of one step; exported for tests and for methods built on them. */
export function heldUpdate(process: LinearProcess, hold: Held, t: number, r: number, b: number): HeldUpdate {
  const { alphaT, sigmaT, alphaR, sigmaR, h } = transition(process, t, r);
  if (hold === 'data') {
    return {
      carry: (sigmaR / sigmaT) * remaining(b * b, h),
      gain: alphaR * decayed(1 + b * b, h),
      noise: sigmaR * Math.sqrt(decayed(2 * b * b, h)),
    };
  }
  const carry = alphaR / alphaT;
  if (hold === 'score') {
    return {
      carry,
      gain: 0.5 * (1 + b * b) * process.scoreGain(t, r),
      noise: b === 0 ? 0 : b * Math.sqrt(process.noiseVariance(t, r)),
    };
  }
  // α_r ς_t (1 − e^{−h}) is α_r (ς_t − ς_r) without the cancellation of close times.
  const spread = carry * sigmaT;
  return {
    carry,
    gain: -(1 + b * b) * spread * decayed(1, h),
    noise: b === 0 ? 0 : b * spread * Math.sqrt(decayed(2, h)),
  };
}

/**
 * Exponential integrator with the held quantity and the noise level of your choice.
 *
 * @returns a sampler of order 1 with one evaluation a step.
 * @throws DomainError for an unknown held quantity or a negative noise level.
 * @example
 * ```ts
 * import { exponentialIntegrator } from '@diff/samplers';
 * const sampler = exponentialIntegrator({ hold: 'score', noiseLevel: 1 });
 * ```
 */
export function exponentialIntegrator({
  hold,
  noiseLevel = 1,
  finalNoise = true,
}: ExponentialIntegratorOptions): Sampler {
  requireOneOf('exponentialIntegrator', 'hold', hold, ['score', 'noise', 'data']);
  const b = noiseLevelFunction('exponentialIntegrator', noiseLevel);
  return oneStepSampler({
    name: `exponentialIntegrator(${hold})`,
    order: 1,
    strongOrder: noiseLevel !== 0 ? 1 : undefined,
    stochastic: noiseLevel !== 0,
    update(plan, t, r, last) {
      const held = heldUpdate(plan.process, hold, t, r, b(t));
      const noise = last && !finalNoise ? 0 : held.noise;
      return resolve(plan, t, transition(plan.process, t, r), hold, { ...held, noise });
    },
  });
}
