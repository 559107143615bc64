/**
 * DPM-Solver++ SDE (k-diffusion's `sample_dpmpp_sde`): DPM-Solver++ 2S with ancestral noise in the inner stage too.
 * With y = (x − m)/α, ς = σ/α, h = λ(r) − λ(t), the inner time s at λ(t) + ρ h, (d, u) of `ancestralStep` for t → s
 * and t → r:
 *
 *   y_s = (ς_d/ς_t) y + (1 − ς_d/ς_t) x̂0_t + κ ς_u ξ₁                                 t → s
 *   y'  = (ς_d/ς_t) y + (1 − ς_d/ς_t) ((1 − 1/2ρ) x̂0_t + (1/2ρ) x̂0_s) + κ ς_u ξ₂        t → r
 *
 * ξ₁ and ξ₂ are independent draws; κ is the noise scale. A step to σ_r = 0 or from α_t = 0 is Euler ancestral's.
 * Weak order 1 for η > 0; order 2 at η = 0, which at ρ = ½ is DPM-Solver++ 2S.
 */
import { DomainError, shown } from '@diff/core';
import { type AncestralOptions, ancestralStep, checkedEta } from './ancestral-step.ts';
import type { Sampler } from './sampler.ts';
import { stageSampler } from './stage-sampler.ts';
import { decayed, remaining, transition } from './transition.ts';

export interface DpmSolverSdeOptions extends AncestralOptions {
  /** Where in the step, in λ, the inner stage lies: ρ in (0, 1]; default ½. */
  readonly innerShare?: number;
}

/**
 * DPM-Solver++ SDE on any linear process.
 *
 * @returns a sampler with two evaluations a step, of weak order 1 (order 2 at eta 0).
 * @throws DomainError unless 0 ≤ eta ≤ 1, noiseScale ≥ 0 and 0 < innerShare ≤ 1.
 * @example
 * ```ts
 * import { dpmSolverSde } from '@diff/samplers';
 * const sampler = dpmSolverSde({ eta: 1, innerShare: 0.5 });
 * ```
 */
export function dpmSolverSde({
  eta = 1,
  noiseScale = 1,
  innerShare = 0.5,
}: DpmSolverSdeOptions = {}): Sampler {
  const etaAt = checkedEta('dpmSolverSde', eta, noiseScale);
  if (typeof innerShare !== 'number' || !(innerShare > 0 && innerShare <= 1)) {
    throw new DomainError(
      `dpmSolverSde: innerShare must lie in (0, 1], got ${shown(innerShare)}. Leave it out for 0.5.`,
    );
  }
  return stageSampler({
    name: 'dpmSolverSde',
    order: eta === 0 ? 2 : 1,
    strongOrder: eta !== 0 && noiseScale > 0 ? 1 : undefined,
    stochastic: eta !== 0 && noiseScale > 0,
    nfe: (steps) => 2 * steps,
    scheme({ process, grid }, i) {
      const [t, r] = [grid[i]!, grid[i + 1]!];
      const { alphaT, sigmaT, alphaR, sigmaR, h } = transition(process, t, r);
      const end = ancestralStep(etaAt(t), h);
      const noise = noiseScale * sigmaR * end.up;
      if (h === Number.POSITIVE_INFINITY) {
        const carry = (sigmaR * end.down) / sigmaT;
        return { hold: 'data', stages: [{ to: r, carry, gains: [alphaR - carry * alphaT], noise }] };
      }
      const s = innerShare === 1 ? r : process.timeOfLambda(process.lambda(t) + innerShare * h);
      const [alphaS, inner] = [process.alpha(s), ancestralStep(etaAt(t), innerShare * h)];
      const [first, whole] = [innerShare * h - Math.log(inner.down), h - Math.log(end.down)];
      const [weight, gain] = [1 / (2 * innerShare), alphaR * decayed(1, whole)];
      return {
        hold: 'data',
        stages: [
          {
            to: s,
            carry: (alphaS / alphaT) * remaining(1, first),
            gains: [alphaS * decayed(1, first)],
            noise: noiseScale * process.sigma(s) * inner.up,
          },
          {
            to: r,
            carry: (alphaR / alphaT) * remaining(1, whole),
            gains: [(1 - weight) * gain, weight * gain],
            noise,
          },
        ],
      };
    },
  });
}
