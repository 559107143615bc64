/**
 * ER-SDE-Solver (Cui, Zhang, Yuan, Zhang and Zhang 2023, "Elucidating the solution space of extended reverse-time SDE",
 * eqs 17 to 19; ComfyUI's `er_sde`): reverse SDEs whose noise is given by a function φ of the noise level ς = σ/α instead
 * of a b. With y = (x − m)/α, D = x̂0 and q = φ(ς_r)/φ(ς_t),
 *
 *   y_r = q y_t + (1 − q) D_t + (ς_r − ς_t + φ(ς_r) ∫_{ς_r}^{ς_t} dς/φ) D' + √(ς_r² − q² ς_t²) ξ
 *
 * with D' = 0 at order 1, and at order 2 the slope of D in ς over the step before. Order 3 adds
 *
 *   (½(ς_r − ς_t)² + φ(ς_r) ∫_{ς_r}^{ς_t} (ς − ς_t)/φ dς) D"
 *
 * with D" the difference of the last two slopes over the distance of their middles; D' stays the slope of the step before,
 * so this is a term of third order and not a method of it. φ(ς) = ς^{1+b²} is the process of noise level b, and order 1
 * then `exponentialIntegrator({ hold: 'data', noiseLevel: b })`; φ(ς) = ς is the flow. The default is the authors' ER-SDE 5,
 * φ(ς) = ς (e^{ς^0.3} + 10). φ/ς must not fall as ς grows.
 *
 * Weak order as asked up to 2, strong order 1. A step to σ = 0 ends on x̂0 without noise; one from α = 0 is not defined.
 */
import { DomainError, shown } from '@diff/core';
import { integrate } from '@diff/sde';
import { usableNodes } from './exponential-form.ts';
import { noiseRatio } from './flow-runge-kutta.ts';
import { multistepSampler } from './multistep.ts';
import type { Sampler } from './sampler.ts';

export interface ErSdeOptions {
  /** 1, 2 or 3; default 2. ComfyUI's default is 3. */
  readonly order?: 1 | 2 | 3;
  /** φ(ς) > 0 for ς > 0, with φ/ς not falling; default ς (e^{ς^0.3} + 10). */
  readonly scale?: (level: number) => number;
}

const DEFAULT_SCALE = (level: number): number => level * (Math.exp(level ** 0.3) + 10);

/**
 * ER-SDE-Solver on any linear process.
 *
 * @returns a stochastic sampler with one evaluation a step.
 * @throws DomainError for another order; before a run where φ has no noise to give, q ς_t > ς_r.
 * @example
 * ```ts
 * import { erSde } from '@diff/samplers';
 * const sampler = erSde({ order: 2 });
 * ```
 */
export function erSde({ order = 2, scale = DEFAULT_SCALE }: ErSdeOptions = {}): Sampler {
  if (order !== 1 && order !== 2 && order !== 3) {
    throw new DomainError(`erSde: order must be 1, 2 or 3, got ${shown(order)}. Use 2.`);
  }
  if (typeof scale !== 'function') {
    throw new DomainError(
      `erSde: scale must be a function of the noise level, got ${shown(scale)}. Pass for example (s) => s ** 2.`,
    );
  }
  return multistepSampler({
    name: `erSde(${order})`,
    order: Math.min(order, 2),
    strongOrder: 1,
    stochastic: true,
    hold: 'data',
    memory: order - 1,
    predictor(plan, index) {
      const { process, grid } = plan;
      const [t, r] = [grid[index]!, grid[index + 1]!];
      const [alphaT, alphaR] = [process.alpha(t), process.alpha(r)];
      if (alphaT === 0) {
        throw new DomainError(
          `erSde: alpha must be positive where a step starts, got α = 0 at t = ${t}. Start the grid below a time without signal.`,
        );
      }
      const [levelT, levelR] = [noiseRatio(process, t), noiseRatio(process, r)];
      if (levelR === 0) return { carry: 0, gains: [alphaR], noise: 0 };
      const q = scale(levelR) / scale(levelT);
      const variance = (levelR - q * levelT) * (levelR + q * levelT);
      if (!(q > 0 && variance >= -1e-12 * levelR ** 2)) {
        throw new DomainError(
          `erSde: scale(ς)/ς must be positive and not fall as ς grows, got ${scale(levelR)} at ς = ${levelR} and ${scale(levelT)} at ${levelT}. Pass for example (s) => s ** 2.`,
        );
      }
      const noise = alphaR * Math.sqrt(Math.max(0, variance));
      const step = { carry: (alphaR / alphaT) * q, noise };
      const gain = alphaR * (1 - q);
      const count = usableNodes(plan, index, order);
      if (count < 2) return { ...step, gains: [gain] };
      // In ln ς the integrand ς/φ is smooth over many scales.
      const inner = (of: (level: number) => number): number =>
        scale(levelR) *
        integrate(
          (u) => (of(Math.exp(u)) * Math.exp(u)) / scale(Math.exp(u)),
          Math.log(levelR),
          Math.log(levelT),
        );
      const one = noiseRatio(process, grid[index - 1]!);
      const slope = (levelR - levelT + inner(() => 1)) / (levelT - one);
      if (count < 3) return { ...step, gains: [gain + alphaR * slope, -alphaR * slope] };
      const two = noiseRatio(process, grid[index - 2]!);
      const bend = ((levelR - levelT) ** 2 / 2 + inner((level) => level - levelT)) / ((levelT - two) / 2);
      const [near, far] = [bend / (levelT - one), bend / (one - two)];
      return {
        ...step,
        gains: [gain + alphaR * (slope + near), -alphaR * (slope + near + far), alphaR * far],
      };
    },
  });
}
