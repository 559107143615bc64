/**
 * Euler–Maruyama on the reverse SDE of noise level b, from t to r = t − Δ:
 *
 *   x' = x + Δ·(−f(t) x − c(t) + ½(1 + b²) g(t)² score) + b g(t) √Δ ξ
 *
 * with c(t) the process's constant drift. With `exactNoise` the last term is √(∫_r^t b² g² du) ξ instead, the exact
 * law of the stochastic integral (MATH §5; Tang and Zhao 2024, eqs 6.16 and 6.17). b = 0 is Euler's method on the
 * probability flow. Coefficients are taken at t, so the grid may end at 0; the last step then still carries its
 * noise unless `finalNoise` is false.
 *
 * Weak order 1 (strong order 1 too, the noise being additive). Not exact on the linear part: steps with f Δ or
 * g² Δ/σ² above 1 blow up.
 */
import { conversion } from '@diff/score';
import { integrate, type NoiseLevel } from '@diff/sde';
import { noiseLevelFunction } from './noise-level.ts';
import { oneStepSampler } from './one-step-sampler.ts';
import type { RunPlan, Sampler } from './sampler.ts';
import type { Update } from './update.ts';

export interface EulerMaruyamaOptions {
  /** b ≥ 0 or b(t); default 1. */
  readonly noiseLevel?: NoiseLevel;
  /** Use the exact variance ∫ b² g² of the noise over a step instead of b² g(t)² Δ; default false. */
  readonly exactNoise?: boolean;
  /** Draw noise in the last step too; default true. False ends on the mean of the last step. */
  readonly finalNoise?: boolean;
}

/**
 * Euler–Maruyama for the reverse process of noise level b.
 *
 * @returns a sampler of order 1 with one evaluation a step.
 * @throws DomainError for a negative noise level.
 * @example
 * ```ts
 * import { eulerMaruyama } from '@diff/samplers';
 * const sampler = eulerMaruyama({ noiseLevel: (t) => (t > 0.1 ? 1 : 0) });
 * ```
 */
export function eulerMaruyama({
  noiseLevel = 1,
  exactNoise = false,
  finalNoise = true,
}: EulerMaruyamaOptions = {}): Sampler {
  const b = noiseLevelFunction('eulerMaruyama', noiseLevel);
  return oneStepSampler({
    name: 'eulerMaruyama',
    order: 1,
    strongOrder: noiseLevel !== 0 ? 1 : undefined,
    stochastic: noiseLevel !== 0,
    update({ process, kind }: Pick<RunPlan, 'process' | 'kind'>, t, r, last): Update {
      const [delta, level, g] = [t - r, b(t), process.diffusion(t)];
      const gain = 0.5 * delta * (1 + level ** 2) * g ** 2;
      const score = conversion(process, t, kind, 'score');
      const variance = exactNoise
        ? integrate((u) => (b(u) * process.diffusion(u)) ** 2, r, t)
        : (level * g) ** 2 * delta;
      return {
        x: 1 - delta * process.drift(t) + gain * score.x,
        prediction: gain * score.p,
        constant: -delta * process.offset(t) + gain * score.constant,
        noise: last && !finalNoise ? 0 : Math.sqrt(variance),
      };
    },
  });
}
