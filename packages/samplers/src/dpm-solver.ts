/**
 * DPM-Solver and DPM-Solver++, multistep (Lu et al. 2022a, 2022b; the SDE versions as in diffusers and k-diffusion).
 * With z = x − m, h = λ(r) − λ(t), s = (λ − λ_t)/h, noise level b, k = 1 + b², and D(s) = D + D₁ s + D₂ s² the
 * polynomial through the held predictions at t and at the one (order 2) or two (order 3) grid times before:
 *
 *   data (++)  z' = (σ_r/σ_t) e^{−b²h} z + α_r (m_0 D + m_1 D₁ + m_2 D₂) + σ_r √(1 − e^{−2b²h}) ξ,     m_n = m_n(kh)
 *   noise      z' = (α_r/α_t) z + k σ_r (m_0 D + m_1 D₁ + m_2 D₂) + b σ_r √(e^{2h} − 1) ξ,            m_n = m_n(−h)
 *
 * with m_n(a) = ∫_0^1 a e^{−a(1−s)} sⁿ ds. `correction` says which moments are used:
 *
 *   'taylor'       these; diffusers calls it heun at order 2
 *   'midpoint'     m_1 = m_0/2; order 2, where it is the usual one
 *   'published'    m_2/2, and 'midpoint' in the second step; order 3: the authors' program and diffusers. Their second
 *                  difference is a derivative without its factor 2, which makes it a method of order 2
 *   'k-diffusion'  m_2/2, and 'taylor' in the second step; order 3: k-diffusion's `sample_dpmpp_3m_sde`
 *
 * The first steps have fewer predictions and a lower order. So has a last step to σ_r = 0, where h = ∞ (with data held
 * it returns D); `lastStep: 'first'` lets the order fall to 1 at the end, which steadies runs of fewer than about 15
 * steps. The one first step of order 1 has an error of its own, O(h²) times D′ at the start, which is small where the
 * run starts with little signal; a third order lasts below it only if the first two steps of the grid are shorter.
 *
 * Order as asked for b = 0. For b > 0 strong order 1 and weak order min(order, 2): the extrapolation takes the noise of
 * the step before for that of this one, which has the same law. One evaluation a step, one `combine`.
 */
import { DomainError, requireOneOf, shown } from '@diff/core';
import type { NoiseLevel } from '@diff/sde';
import { requireNoiseScale } from './ancestral-step.ts';
import { singleStepDpmSolver } from './dpm-solver-single-step.ts';
import { exponentialForm, usableNodes } from './exponential-form.ts';
import { exponentialMoments } from './exponential-moments.ts';
import { multistepSampler } from './multistep.ts';
import { noiseLevelFunction } from './noise-level.ts';
import type { Sampler } from './sampler.ts';

export interface DpmSolverOptions {
  /** 1, 2 or 3; default 2. */
  readonly order?: 1 | 2 | 3;
  /** true (default) uses the evaluations of earlier steps; false is the single-step solver, without noise. */
  readonly multistep?: boolean;
  /** What is extrapolated: 'data' is DPM-Solver++ (default), 'noise' is DPM-Solver. */
  readonly hold?: 'data' | 'noise';
  /** How the higher terms are weighted; default 'midpoint', but 'taylor' for multistep order 3. */
  readonly correction?: 'midpoint' | 'taylor' | 'published' | 'k-diffusion';
  /** b ≥ 0, or b(t), taken at the start of each step; default 0. 1 gives SDE-DPM-Solver(++); k-diffusion's eta is b². */
  readonly noiseLevel?: NoiseLevel;
  /** Factor on the fresh noise, ≥ 0; default 1. Other values do not converge to the data law. */
  readonly noiseScale?: number;
  /** 'auto' (default): of first order only where σ = 0 at the end. 'first': always of first order. */
  readonly lastStep?: 'auto' | 'first';
}

/**
 * DPM-Solver++(2M) and its relatives: 1M, 2M, 3M, the single-step 2S and 3S, and SDE versions of the multistep ones.
 *
 * @returns a sampler with one evaluation a step.
 * @throws DomainError for an option outside its choices.
 * @example
 * ```ts
 * import { dpmSolver } from '@diff/samplers';
 * const sampler = dpmSolver({ order: 3 });
 * const singleStep = dpmSolver({ order: 2, multistep: false });
 * ```
 */
export function dpmSolver({
  order = 2,
  multistep = true,
  hold = 'data',
  correction = order === 3 && multistep ? 'taylor' : 'midpoint',
  noiseLevel = 0,
  noiseScale = 1,
  lastStep = 'auto',
}: DpmSolverOptions = {}): Sampler {
  if (order !== 1 && order !== 2 && order !== 3) {
    throw new DomainError(`dpmSolver: order must be 1, 2 or 3, got ${shown(order)}. Use 2.`);
  }
  if (typeof multistep !== 'boolean') {
    throw new DomainError(
      `dpmSolver: multistep must be true or false, got ${shown(multistep)}. Leave it out for the multistep solver.`,
    );
  }
  requireOneOf('dpmSolver', 'hold', hold, ['data', 'noise']);
  const corrections =
    order === 3 && multistep ? ['taylor', 'published', 'k-diffusion'] : ['midpoint', 'taylor'];
  requireOneOf('dpmSolver', 'correction', correction, corrections);
  requireOneOf('dpmSolver', 'lastStep', lastStep, ['auto', 'first']);
  requireNoiseScale('dpmSolver', noiseScale);
  const b = noiseLevelFunction('dpmSolver', noiseLevel);
  if (!multistep) {
    if (noiseLevel !== 0) {
      throw new DomainError(
        `dpmSolver: noiseLevel must be 0 for the single-step solver, got ${shown(noiseLevel)}. Use multistep: true for the SDE versions.`,
      );
    }
    return singleStepDpmSolver({ order, hold, taylor: correction === 'taylor', lastStep });
  }

  /** The last steps fall to order 1, one order a step. */
  const wanted = (index: number, steps: number): number =>
    lastStep === 'first' ? Math.min(order, steps - index) : order;

  function moments(a: number, count: number): readonly number[] {
    const [m0, m1, m2] = exponentialMoments(a, 3) as [number, number, number];
    if (count === 2) return correction === 'midpoint' || correction === 'published' ? [m0, m0 / 2] : [m0, m1];
    return correction === 'taylor' ? [m0, m1, m2] : [m0, m1, m2 / 2];
  }

  const noisy = noiseLevel !== 0 && noiseScale > 0;
  const halved = correction === 'published' || correction === 'k-diffusion';
  return multistepSampler({
    name: `dpmSolver${hold === 'data' ? '++' : ''}(${order}M)`,
    order: noiseLevel !== 0 || halved ? Math.min(order, 2) : order,
    strongOrder: noisy ? 1 : undefined,
    stochastic: noisy,
    hold,
    memory: order - 1,
    predictor(plan, index) {
      const count = usableNodes(plan, index, wanted(index, plan.grid.length - 1));
      const nodes = Array.from({ length: count }, (_, j) => index - j);
      const level = b(plan.grid[index]!);
      const step = { hold, noiseLevel: level, from: index, to: index + 1, nodes, moments };
      const form = exponentialForm(plan, step);
      return { ...form, noise: noiseScale * form.noise };
    },
  });
}
