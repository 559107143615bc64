/**
 * The midpoint step in λ = −ln ς from t to r with noise held (DPM-Solver-2, DPM2) or data held (DPM-Solver++ 2S), and
 * its ancestral form, which goes down to ς_d = down·ς_r and up again with noise. y = (x − m)/α, ς = σ/α,
 * ς_s = √(ς_t ς_d):
 *
 *   noise  y_s = y + (ς_s − ς_t) ε̂_t             y' = y + (ς_d − ς_t) ε̂_s + ς_u ξ
 *   data   y_s = (ς_s/ς_t) y + (1 − ς_s/ς_t) x̂0_t   y' = (ς_d/ς_t) y + (1 − ς_d/ς_t) x̂0_s + ς_u ξ
 *
 * Where ς_r = 0 or ς_t = ∞ there is no midpoint: the step is Euler's with the data held, the same for both.
 */
import type { LinearProcess } from '@diff/sde';
import type { AncestralStep } from './ancestral-step.ts';
import type { Scheme } from './stage-sampler.ts';
import { decayed, remaining, transition } from './transition.ts';

export function midpointScheme(
  process: LinearProcess,
  hold: 'noise' | 'data',
  t: number,
  r: number,
  { down, up }: AncestralStep = { down: 1, up: 0 },
): Scheme {
  const { alphaT, sigmaT, alphaR, sigmaR, h } = transition(process, t, r);
  const noise = sigmaR * up;
  if (h === Number.POSITIVE_INFINITY) {
    const carry = (sigmaR * down) / sigmaT;
    return { hold: 'data', stages: [{ to: r, carry, gains: [alphaR - carry * alphaT], noise }] };
  }
  const whole = h - Math.log(down);
  const half = whole / 2;
  const s = process.timeOfLambda(process.lambda(t) + half);
  const alphaS = process.alpha(s);
  if (hold === 'data') {
    return {
      hold,
      stages: [
        { to: s, carry: (alphaS / alphaT) * remaining(1, half), gains: [alphaS * decayed(1, half)] },
        {
          to: r,
          carry: (alphaR / alphaT) * remaining(1, whole),
          gains: [0, alphaR * decayed(1, whole)],
          noise,
        },
      ],
    };
  }
  const [inner, outer] = [alphaS / alphaT, alphaR / alphaT];
  return {
    hold,
    stages: [
      { to: s, carry: inner, gains: [-inner * sigmaT * decayed(1, half)] },
      { to: r, carry: outer, gains: [0, -outer * sigmaT * decayed(1, whole)], noise },
    ],
  };
}
