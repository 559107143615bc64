/**
 * Heun++ (Carzit's sd-webui-samplers; ComfyUI's `heunpp2`): an Euler step on dy/dς = ε̂, y = (x − m)/α, ς = σ/α, whose
 * direction is averaged with those met further on, with weights that fall with the noise. From ς_i over ς_{i+1} to ς_{i+2},
 *
 *   y₂ = y + (ς_{i+1} − ς_i) ε̂(y, ς_i),   y₃ = y₂ + (ς_{i+2} − ς_{i+1}) ε̂(y₂, ς_{i+1})
 *   y' = y + (ς_{i+1} − ς_i) (w₁ ε̂(y) + w₂ ε̂(y₂) + w₃ ε̂(y₃)),   w₂ = ς_{i+1}/(3ς_0), w₃ = ς_{i+2}/(3ς_0), w₁ = 1 − w₂ − w₃
 *
 * The last step but one has no y₃: w₂ = ς_{i+1}/(2ς_0), w₁ = 1 − w₂; the last one is Euler's. The weights are no
 * quadrature, so the order is 1, and much of the direction at much noise is that of later times: a taste, not a solver;
 * for the same three evaluations `rungeKutta4` and `dpmSolver({ order: 3, multistep: false })` are far closer to the flow.
 * Where α = 0 at the start, ς_0 is taken at the first time with signal, and the step is DDIM's.
 */
import { noiseRatio } from './flow-runge-kutta.ts';
import type { RunPlan, Sampler } from './sampler.ts';
import { type Scheme, stageSampler } from './stage-sampler.ts';
import { transition } from './transition.ts';

/**
 * Heun++ 2 on any linear process.
 *
 * @returns a deterministic sampler of order 1 with three evaluations a step, at most.
 * @example
 * ```ts
 * import { heunPlusPlus } from '@diff/samplers';
 * const sampler = heunPlusPlus();
 * ```
 */
export function heunPlusPlus(): Sampler {
  return stageSampler({
    name: 'heunPlusPlus',
    order: 1,
    stochastic: false,
    nfe: (steps) => Math.max(steps, 3 * steps - 3),
    scheme({ process, grid }: RunPlan, i: number): Scheme {
      const [t, r, after] = [grid[i]!, grid[i + 1]!, grid[i + 2]];
      const { alphaT, sigmaT, alphaR, sigmaR } = transition(process, t, r);
      if (alphaT === 0) {
        return { hold: 'data', stages: [{ to: r, carry: sigmaR / sigmaT, gains: [alphaR] }] };
      }
      const level = (time: number): number => noiseRatio(process, time);
      const top = level(grid.find((time) => process.alpha(time) > 0)!);
      const carry = alphaR / alphaT;
      const step = level(r) - level(t);
      const whole = alphaR * step;
      const euler = { to: r, carry, gains: [whole] };
      if (after === undefined) return { hold: 'noise', stages: [euler] };
      if (i + 2 === grid.length - 1) {
        const w = level(r) / (2 * top);
        return { hold: 'noise', stages: [euler, { to: r, carry, gains: [(1 - w) * whole, w * whole] }] };
      }
      const alpha = process.alpha(after);
      const on = {
        to: after,
        carry: alpha / alphaT,
        gains: [alpha * step, alpha * (level(after) - level(r))],
      };
      const [w2, w3] = [level(r) / (3 * top), level(after) / (3 * top)];
      const gains = [1 - w2 - w3, w2, w3].map((w) => w * whole);
      return { hold: 'noise', stages: [euler, on, { to: r, carry, gains }] };
    },
  });
}
