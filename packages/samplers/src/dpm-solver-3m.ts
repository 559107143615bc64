/**
 * DPM-Solver++ 3M with noise (k-diffusion's `sample_dpmpp_3m_sde`; Lu et al. 2022b): x̂0 extrapolated by a parabola in λ
 * through its last three values. z = x − m, h = λ(r) − λ(t), noise level b, H = (1 + b²) h, ρ₀ = h₁/h, ρ₁ = h₂/h with
 * h₁, h₂ the lengths of the two steps before:
 *
 *   Δ₀ = (D − D₁)/ρ₀,  Δ₁ = (D₁ − D₂)/ρ₁,  D' = Δ₀ + (Δ₀ − Δ₁) ρ₀/(ρ₀ + ρ₁),  D'' = (Δ₀ − Δ₁)/(ρ₀ + ρ₁)
 *   z' = (σ_r/σ_t) e^{−b²h} z + α_r ((1 − e^{−H}) D + φ₂ D' − φ₃ D'') + κ σ_r √(1 − e^{−2b²h}) ξ
 *   φ₂ = 1 − (1 − e^{−H})/H,   φ₃ = φ₂/H − ½
 *
 * This is the published program, `correction: 'published'`. D'' in it is half of the parabola's second derivative, so
 * that for b = 0 it is of order 2; the default 'taylor' has 2 φ₃ in place of φ₃ and integrates the parabola exactly:
 * order 3 for b = 0. The first step is of order 1, the second of order 2 with D' = Δ₀, with errors far below the others'
 * where the grid starts at much noise. A last step to σ = 0 is x̂0. k-diffusion's eta is b². For b > 0 the
 * law converges with weak order 2 on Gaussian data, where it can be measured.
 */
import { requireOneOf } from '@diff/core';
import { requireNoiseScale } from './ancestral-step.ts';
import { heldUpdate } from './exponential-integrator.ts';
import { multistepSampler } from './multistep-sampler.ts';
import { noiseLevelFunction } from './noise-level.ts';
import type { Sampler } from './sampler.ts';
import { transition } from './transition.ts';

export interface DpmSolver3mOptions {
  /** b ≥ 0, constant; default 1. k-diffusion's eta is b². */
  readonly noiseLevel?: number;
  /** Factor on the fresh noise, ≥ 0; default 1. */
  readonly noiseScale?: number;
  /** How the parabola is weighted: 'taylor' (default), exactly; 'published', as k-diffusion does. */
  readonly correction?: 'taylor' | 'published';
}

/** φ₂ = 1 − (1 − e^{−H})/H and φ₃ = φ₂/H − ½, without cancellation at small H. */
function phis(H: number): readonly [phi2: number, phi3: number] {
  if (H > 0.5) {
    const phi2 = 1 + Math.expm1(-H) / H;
    return [phi2, phi2 / H - 0.5];
  }
  // φ₂ = H/2! − H²/3! + …,  φ₃ = −H/3! + H²/4! − …
  let [phi2, phi3, term] = [0, 0, -1];
  for (let n = 2; n < 20; n++) {
    term *= -H / n;
    phi2 += term;
    phi3 -= term / (n + 1);
  }
  return [phi2, phi3];
}

/**
 * DPM-Solver++ 3M on any linear process, with any constant noise level.
 *
 * @returns a sampler with one evaluation a step.
 * @throws DomainError unless noiseLevel and noiseScale are finite and ≥ 0, and for another correction.
 * @example
 * ```ts
 * import { dpmSolver3m } from '@diff/samplers';
 * const sampler = dpmSolver3m({ noiseLevel: 1 });
 * ```
 */
export function dpmSolver3m({
  noiseLevel = 1,
  noiseScale = 1,
  correction = 'taylor',
}: DpmSolver3mOptions = {}): Sampler {
  const b = noiseLevelFunction('dpmSolver3m', noiseLevel)(0);
  requireNoiseScale('dpmSolver3m', noiseScale);
  requireOneOf('dpmSolver3m', 'correction', correction, ['taylor', 'published']);
  const curvature = correction === 'taylor' ? 2 : 1;
  return multistepSampler({
    name: 'dpmSolver3m',
    order: b === 0 && correction === 'taylor' ? 3 : 2,
    strongOrder: b > 0 && noiseScale > 0 ? 1 : undefined,
    stochastic: b > 0 && noiseScale > 0,
    depth: 2,
    update({ process, grid }, index) {
      const [t, r] = [grid[index]!, grid[index + 1]!];
      const held = heldUpdate(process, 'data', t, r, b);
      const { alphaR, h } = transition(process, t, r);
      const base = { hold: 'data', carry: held.carry, noise: noiseScale * held.noise } as const;
      const lengths = [1, 2]
        .filter((k) => index >= k)
        .map((k) => transition(process, grid[index - k]!, grid[index - k + 1]!).h / h)
        .filter((ratio) => ratio < Number.POSITIVE_INFINITY);
      const [r0, r1] = lengths;
      if (h === Number.POSITIVE_INFINITY || r0 === undefined) return { ...base, gains: [held.gain] };
      const [phi2, phi3] = phis((1 + b * b) * h);
      if (r1 === undefined) {
        const c = (alphaR * phi2) / r0;
        return { ...base, gains: [held.gain + c, -c] };
      }
      // φ₂ D' − (1 or 2) φ₃ D'' = first·Δ₀ + second·Δ₁
      const second = -(phi2 * r0 - curvature * phi3) / (r0 + r1);
      const first = phi2 - second;
      const [c0, c1] = [(alphaR * first) / r0, (alphaR * second) / r1];
      return { ...base, gains: [held.gain + c0, c1 - c0, -c1] };
    },
  });
}
