/**
 * SEEDS-2 (Gonzalez, Fernandez Pinto, Tran, Gherbi, Hajri and Masmoudi 2023, algorithm 2; ComfyUI's `seeds_2`): the two
 * evaluations of DPM-Solver++ 2S with the data-held noise of level b, the two stages on one noise path. With z = x − m,
 * h = λ(r) − λ(t), k = 1 + b², and the inner time s at λ(t) + ρ h:
 *
 *   z_s = (σ_s/σ_t) e^{−b²ρh} z + α_s (1 − e^{−kρh}) x̂0_t + N_s
 *   z'  = (σ_r/σ_t) e^{−b²h} z + α_r (1 − e^{−kh}) ((1 − 1/2ρ) x̂0_t + (1/2ρ) x̂0_s) + N_r
 *   N_s = σ_s √(1 − e^{−2b²ρh}) ξ₁,   N_r = (σ_r/σ_s) e^{−b²(1−ρ)h} N_s + σ_r √(1 − e^{−2b²(1−ρ)h}) ξ₂
 *
 * So the second evaluation sees the noise that the step ends with, and the weak order is 2 where `dpmSolverSde`, whose
 * draws are independent, has 1. Strong order 1. b = 0 is DPM-Solver++ 2S. A step to σ = 0 or from α = 0 is of order 1.
 */
import { DomainError, shown } from '@diff/core';
import type { NoiseLevel } from '@diff/sde';
import { heldUpdate } from './exponential-integrator.ts';
import { noiseLevelFunction } from './noise-level.ts';
import type { Sampler } from './sampler.ts';
import { stageSampler } from './stage-sampler.ts';
import { transition } from './transition.ts';

export interface Seeds2Options {
  /** b ≥ 0, or b(t), taken at the start of each step; default 1. ComfyUI's eta is b². */
  readonly noiseLevel?: NoiseLevel;
  /** Where in the step, in λ, the inner stage lies: ρ in (0, 1); default ½. */
  readonly innerShare?: number;
}

/**
 * SEEDS-2 on any linear process.
 *
 * @returns a sampler of weak order 2 with two evaluations a step.
 * @throws DomainError for a negative noise level, or unless 0 < innerShare < 1.
 * @example
 * ```ts
 * import { seeds2 } from '@diff/samplers';
 * const sampler = seeds2({ noiseLevel: 1 });
 * ```
 */
export function seeds2({ noiseLevel = 1, innerShare = 0.5 }: Seeds2Options = {}): Sampler {
  const b = noiseLevelFunction('seeds2', noiseLevel);
  if (typeof innerShare !== 'number' || !(innerShare > 0 && innerShare < 1)) {
    throw new DomainError(
      `seeds2: innerShare must lie in (0, 1), got ${shown(innerShare)}. Leave it out for 0.5.`,
    );
  }
  return stageSampler({
    name: 'seeds2',
    order: 2,
    strongOrder: noiseLevel !== 0 ? 1 : undefined,
    stochastic: noiseLevel !== 0,
    nfe: (steps) => 2 * steps,
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
      const s = process.timeOfLambda(process.lambda(t) + innerShare * h);
      const inner = heldUpdate(process, 'data', t, s, level);
      const rest = heldUpdate(process, 'data', s, r, level);
      const weight = 1 / (2 * innerShare);
      return {
        hold: 'data',
        stages: [
          { to: s, carry: inner.carry, gains: [inner.gain], noise: inner.noise },
          {
            to: r,
            carry: whole.carry,
            gains: [(1 - weight) * whole.gain, weight * whole.gain],
            noise: rest.noise,
            shared: [rest.carry * inner.noise],
          },
        ],
      };
    },
  });
}
