/**
 * DPM-Solver-fast (Lu et al. 2022a, §3.4; k-diffusion's `sample_dpm_fast`): a run of exactly n evaluations in
 * m = ⌊n/3⌋ + 1 steps of DPM-Solver-3, the last ones of lower order:
 *
 *   orders 3, …, 3, 2, 1 if 3 | n,   else 3, …, 3, n mod 3
 *
 * With noise held, y = (x − m)/α, ς = σ/α, h = λ(r) − λ(t) and E(a) = 1 − e^{−ah}, order 3 is
 *
 *   y₁ = y − ς_t E(⅓) ε̂_t,   y₂ = y − ς_t E(⅔) ε̂_t − 2 ς_t (E(⅔)/(⅔h) − e^{−⅔h}) (ε̂₁ − ε̂_t)
 *   y' = y − ς_t E(1) ε̂_t − (3/2) ς_t (E(1)/h − e^{−h}) (ε̂₂ − ε̂_t)
 *
 * at λ_t + h/3 and λ_t + 2h/3; order 2 is DPM2's midpoint step, order 1 DDIM. With η > 0 each step goes down to ς_d of
 * `ancestralStep`, but not below the level at which the grid ends, and up again with noise.
 *
 * Made for grids that are uniform in λ: `logSnrGrid`. The order of a run is one more than that of its last step, 3 at
 * most; for η > 0 in the law at the grid's times. A step to σ = 0 or from α = 0 is Euler ancestral's, with one evaluation.
 */
import { DomainError, shown } from '@diff/core';
import { type AncestralOptions, type AncestralStep, ancestralStep, checkedEta } from './ancestral-step.ts';
import { midpointScheme } from './midpoint-scheme.ts';
import type { RunPlan, Sampler } from './sampler.ts';
import { type Scheme, stageSampler } from './stage-sampler.ts';
import { decayed, remaining, transition } from './transition.ts';

export interface DpmFastOptions extends AncestralOptions {
  /** Model evaluations n of the whole run, at least 3; the grid must have ⌊n/3⌋ + 1 steps. */
  readonly evaluations: number;
}

function singleScheme({ process, grid }: RunPlan, index: number, { down, up }: AncestralStep): Scheme {
  const [t, r] = [grid[index]!, grid[index + 1]!];
  const { alphaT, sigmaT, alphaR, sigmaR, h } = transition(process, t, r);
  const carry = alphaR / alphaT;
  const gain = -carry * sigmaT * decayed(1, h - Math.log(down));
  return { hold: 'noise', stages: [{ to: r, carry, gains: [gain], noise: sigmaR * up }] };
}

function tripleScheme({ process, grid }: RunPlan, index: number, { down, up }: AncestralStep): Scheme {
  const [t, r] = [grid[index]!, grid[index + 1]!];
  const { alphaT, sigmaT, alphaR, sigmaR, h } = transition(process, t, r);
  const whole = h - Math.log(down);
  const inner = (share: number): { to: number; carry: number } => {
    const to = process.timeOfLambda(process.lambda(t) + share * whole);
    return { to, carry: process.alpha(to) / alphaT };
  };
  /** Gains of ε̂_t and of the difference, for a state at `a` with the slope taken over `share` of the way to it. */
  const gains = (carry: number, a: number, share: number): [number, number] => {
    const slope = (-carry * sigmaT * (decayed(1, a) / a - remaining(1, a))) / share;
    return [-carry * sigmaT * decayed(1, a) - slope, slope];
  };
  const [one, two, carry] = [inner(1 / 3), inner(2 / 3), alphaR / alphaT];
  const last = gains(carry, whole, 2 / 3);
  return {
    hold: 'noise',
    stages: [
      { ...one, gains: [-one.carry * sigmaT * decayed(1, whole / 3)] },
      { ...two, gains: gains(two.carry, (2 * whole) / 3, 1 / 2) },
      { to: r, carry, gains: [last[0], 0, last[1]], noise: sigmaR * up },
    ],
  };
}

/**
 * DPM-Solver-fast on any linear process.
 *
 * @param options.eta share of fresh noise; default 0, deterministic.
 * @returns a sampler for grids of ⌊evaluations/3⌋ + 1 steps; another grid is refused before the run.
 * @throws DomainError unless evaluations is an integer of at least 3, 0 ≤ eta ≤ 1 and noiseScale ≥ 0.
 * @example
 * ```ts
 * import { dpmFast } from '@diff/samplers';
 * import { edm, logSnrGrid } from '@diff/sde';
 * const sampler = dpmFast({ evaluations: 20 });
 * const grid = logSnrGrid({ process: edm(), steps: 7, end: 0.002 });
 * console.log(sampler.nfe(grid.length - 1)); // 20
 * ```
 */
export function dpmFast({ evaluations, eta = 0, noiseScale = 1 }: DpmFastOptions): Sampler {
  if (!Number.isSafeInteger(evaluations) || evaluations < 3) {
    throw new DomainError(
      `dpmFast: evaluations must be an integer of at least 3, got ${shown(evaluations)}. Use ddim() for fewer.`,
    );
  }
  const etaAt = checkedEta('dpmFast', eta, noiseScale);
  const steps = Math.floor(evaluations / 3) + 1;
  const rest = evaluations % 3;
  const orderOf = (index: number): number => {
    if (index === steps - 1) return rest === 0 ? 1 : rest;
    return rest === 0 && index === steps - 2 ? 2 : 3;
  };

  function scheme(plan: RunPlan, index: number): Scheme {
    const { process, grid } = plan;
    if (grid.length - 1 !== steps) {
      throw new DomainError(
        `dpmFast: the grid must have ${steps} steps for ${evaluations} evaluations, got ${grid.length - 1}. Make it with logSnrGrid({ process, steps: ${steps}, end }).`,
      );
    }
    const [t, r, end] = [grid[index]!, grid[index + 1]!, grid.at(-1)!];
    const { h } = transition(process, t, r);
    const free = ancestralStep(etaAt(t), h);
    const least = r === end ? 1 : remaining(1, transition(process, r, end).h);
    const down = Math.max(free.down, least);
    const split = { down, up: noiseScale * Math.sqrt((1 - down) * (1 + down)) };
    const order = orderOf(index);
    if (order === 2 || h === Number.POSITIVE_INFINITY) return midpointScheme(process, 'noise', t, r, split);
    return (order === 1 ? singleScheme : tripleScheme)(plan, index, split);
  }

  return stageSampler({
    name: `dpmFast(${evaluations})`,
    order: rest === 2 ? 3 : 2,
    strongOrder: eta !== 0 && noiseScale > 0 ? 1 : undefined,
    stochastic: eta !== 0 && noiseScale > 0,
    nfe: () => evaluations,
    scheme,
  });
}
