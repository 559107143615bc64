/**
 * SEEDS-3 (Gonzalez, Fernandez Pinto, Tran, Gherbi, Hajri and Masmoudi 2023, algorithm 3; ComfyUI's `seeds_3`): the three
 * evaluations of DPM-Solver++ 3S with the data-held noise of level b, all stages on one noise path. With z = x − m,
 * h = λ(r) − λ(t), k = 1 + b², the inner times s₁, s₂ at λ(t) + ρ₁ h and λ(t) + ρ₂ h, D_i = x̂0 at s_i, D_0 that at t, and
 * the moments m_n(a) = ∫_0^1 a e^{−a(1−u)} uⁿ du,
 *
 *   z_1 = (σ_1/σ_t) e^{−b²ρ₁h} z + α_1 m_0(kρ₁h) D_0 + N_1
 *   z_2 = (σ_2/σ_t) e^{−b²ρ₂h} z + α_2 (m_0(kρ₂h) D_0 + (ρ₂/ρ₁) m_1(kρ₂h) (D_1 − D_0)) + N_2
 *   z'  = (σ_r/σ_t) e^{−b²h} z + α_r (m_0(kh) D_0 + (1/ρ₂) m_1(kh) (D_2 − D_0)) + N_r
 *
 * N_i being the exact noise up to s_i, carried on from stage to stage as in `seeds2`. b = 0 is of order 3 (with ρ₂ = ⅔, of
 * order 2 otherwise); with noise the strong order is 1 and the weak order 2. A step to σ = 0 or from α = 0 is of order 1.
 */
import { DomainError, shown } from '@diff/core';
import type { NoiseLevel } from '@diff/sde';
import { heldUpdate } from './exponential-integrator.ts';
import { exponentialMoments } from './exponential-moments.ts';
import { noiseLevelFunction } from './noise-level.ts';
import type { Sampler } from './sampler.ts';
import { stageSampler } from './stage-sampler.ts';
import { transition } from './transition.ts';

export interface Seeds3Options {
  /** b ≥ 0, or b(t), taken at the start of each step; default 1. ComfyUI's eta is b². */
  readonly noiseLevel?: NoiseLevel;
  /** Where in the step, in λ, the inner stages lie: 0 < ρ₁ < ρ₂ < 1; default ⅓ and ⅔. */
  readonly innerShares?: readonly [number, number];
}

/**
 * SEEDS-3 on any linear process.
 *
 * @returns a sampler of weak order 2 (of order 3 without noise) with three evaluations a step.
 * @throws DomainError for a negative noise level, or unless 0 < ρ₁ < ρ₂ < 1.
 * @example
 * ```ts
 * import { seeds3 } from '@diff/samplers';
 * const sampler = seeds3({ noiseLevel: 1 });
 * ```
 */
export function seeds3({ noiseLevel = 1, innerShares = [1 / 3, 2 / 3] }: Seeds3Options = {}): Sampler {
  const b = noiseLevelFunction('seeds3', noiseLevel);
  const [rho1 = 0, rho2 = 0] = Array.isArray(innerShares) ? (innerShares as readonly number[]) : [];
  if (!(rho1 > 0 && rho2 > rho1 && rho2 < 1)) {
    throw new DomainError(
      `seeds3: innerShares must be two numbers with 0 < ρ₁ < ρ₂ < 1, got ${shown(innerShares)}. Leave them out for ⅓ and ⅔.`,
    );
  }
  return stageSampler({
    name: 'seeds3',
    order: noiseLevel === 0 && rho2 === 2 / 3 ? 3 : 2,
    strongOrder: noiseLevel !== 0 ? 1 : undefined,
    stochastic: noiseLevel !== 0,
    nfe: (steps) => 3 * steps,
    scheme({ process, grid }, i) {
      const [t, r] = [grid[i]!, grid[i + 1]!];
      const level = b(t);
      const whole = heldUpdate(process, 'data', t, r, level);
      const { h } = transition(process, t, r);
      if (h === Number.POSITIVE_INFINITY) {
        return {
          hold: 'data',
          stages: [{ to: r, carry: whole.carry, gains: [whole.gain], noise: whole.noise }],
        };
      }
      const at = (share: number): number => process.timeOfLambda(process.lambda(t) + share * h);
      const [s1, s2] = [at(rho1), at(rho2)];
      const first = heldUpdate(process, 'data', t, s1, level);
      const second = heldUpdate(process, 'data', t, s2, level);
      const between = heldUpdate(process, 'data', s1, s2, level);
      const rest = heldUpdate(process, 'data', s2, r, level);
      const slope = (time: number, share: number): number =>
        process.alpha(time) * exponentialMoments((1 + level * level) * share * h, 2)[1]!;
      const inner = (rho2 / rho1) * slope(s2, rho2);
      const outer = slope(r, 1) / rho2;
      return {
        hold: 'data',
        stages: [
          { to: s1, carry: first.carry, gains: [first.gain], noise: first.noise },
          {
            to: s2,
            carry: second.carry,
            gains: [second.gain - inner, inner],
            noise: between.noise,
            shared: [between.carry * first.noise],
          },
          {
            to: r,
            carry: whole.carry,
            gains: [whole.gain - outer, 0, outer],
            noise: rest.noise,
            shared: [rest.carry * between.carry * first.noise, rest.carry * between.noise],
          },
        ],
      };
    },
  });
}
