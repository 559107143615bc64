/**
 * Linear multistep (k-diffusion's `sample_lms`; Adams–Bashforth on a grid of unequal steps) on dy/dς = ε̂,
 * y = (x − m)/α, ς = σ/α: the polynomial through the last k values of ε̂ integrated from ς_i to ς_{i+1},
 *
 *   y_{i+1} = y_i + Σ_{j<k} c_j ε̂_{i−j},   c_j = ∫ Π_{l≠j} (ς − ς_{i−l})/(ς_{i−j} − ς_{i−l}) dς
 *
 * The integrand has degree k − 1 ≤ 3, for which two Gauss points are exact. Step i uses k = min(i + 1, order): it has
 * to start with an Euler step, whose error of second order is far below the others' where the grid starts at much noise,
 * as grids do (from ς = 80 the measured orders are 1, 2, 3, 4), but remains in the limit.
 * ComfyUI's `ipndm_v` is this at orders 1 and 2; its published third order has a misplaced parenthesis, and is this if mended.
 * A time without signal (ς = ∞) is no node: a step from there is DDIM's. The end may have σ = 0.
 *
 * `variable: 'straight'` does the same in y = (x − m)/(α + σ), τ = σ/(α + σ), where dy/dτ = ε̂ − x̂0, which is the velocity of a
 * straight-line flow (azula's vAB; its zAB is 'level'). τ is finite at both ends, so a run may start without signal.
 */
import { DomainError, requireOneOf, shown } from '@diff/core';
import type { LinearProcess } from '@diff/sde';
import { multistepSampler } from './multistep.ts';
import type { Sampler } from './sampler.ts';
import { decayed, transition } from './transition.ts';

/**
 * The weights c_j for nodes ς_i, ς_{i−1}, …, from the first node to `end`, in units of |end − ς_i|; the nodes are given
 * as distances (ς_{i−j} − ς_i)/(ς_i − end) ≥ 0.
 */
function adamsWeights(nodes: readonly number[]): number[] {
  // ς = ς_i − (ς_i − end) u, u in [0, 1]; a node at distance d has u = −d.
  const points = [0.5 - Math.sqrt(1 / 12), 0.5 + Math.sqrt(1 / 12)];
  return nodes.map((own, j) => {
    const basis = (u: number): number =>
      nodes.reduce((product, other, l) => (l === j ? product : (product * (u + other)) / (other - own)), 1);
    return points.reduce((sum, u) => sum + basis(u) / 2, 0);
  });
}

const level = (process: LinearProcess, t: number): number => process.sigma(t) / process.alpha(t);

/** The method in τ = σ/(α + σ). */
function straightLms(order: number): Sampler {
  const size = (process: LinearProcess, t: number): number => process.alpha(t) + process.sigma(t);
  const share = (process: LinearProcess, t: number): number => process.sigma(t) / size(process, t);
  return multistepSampler({
    name: `lms(${order}, straight)`,
    order,
    stochastic: false,
    hold: 'straight',
    memory: order - 1,
    predictor({ process, grid }, index) {
      const [t, r] = [grid[index]!, grid[index + 1]!];
      const [here, end] = [share(process, t), share(process, r)];
      const nodes = grid.slice(Math.max(0, index - order + 1), index + 1).reverse();
      const weights = adamsWeights(nodes.map((u) => (share(process, u) - here) / (here - end)));
      const whole = size(process, r) * (end - here);
      return {
        carry: size(process, r) / size(process, t),
        gains: weights.map((weight) => weight * whole),
        noise: 0,
      };
    },
  });
}

/**
 * Linear multistep sampling on any linear process.
 *
 * @param options.order 1 to 4, how many evaluations a step uses; default 4, as in k-diffusion.
 * @param options.variable 'level', σ/α (default), or 'straight', σ/(α + σ).
 * @returns a deterministic sampler with one evaluation a step.
 * @throws DomainError for another order.
 * @example
 * ```ts
 * import { lms } from '@diff/samplers';
 * const sampler = lms({ order: 3 });
 * ```
 */
export function lms({
  order = 4,
  variable = 'level',
}: {
  readonly order?: 1 | 2 | 3 | 4;
  readonly variable?: 'level' | 'straight';
} = {}): Sampler {
  if (![1, 2, 3, 4].includes(order)) {
    throw new DomainError(
      `lms: order must be 1, 2, 3 or 4, got ${shown(order)}. Higher orders are not stable on these grids.`,
    );
  }
  requireOneOf('lms', 'variable', variable, ['level', 'straight']);
  if (variable === 'straight') return straightLms(order);
  return multistepSampler({
    name: `lms(${order})`,
    order,
    stochastic: false,
    hold: 'noise',
    memory: order - 1,
    predictor({ process, grid }, index) {
      const [t, r] = [grid[index]!, grid[index + 1]!];
      const { alphaT, sigmaT, alphaR, sigmaR, h } = transition(process, t, r);
      if (alphaT === 0) return { hold: 'data', carry: sigmaR / sigmaT, gains: [alphaR], noise: 0 };
      const [here, end] = [level(process, t), level(process, r)];
      const levels = grid.slice(Math.max(0, index - order + 1), index + 1).map((u) => level(process, u));
      const nodes = levels
        .filter((value) => value < Number.POSITIVE_INFINITY)
        .map((value) => (value - here) / (here - end))
        .reverse();
      const carry = alphaR / alphaT;
      const whole = -carry * sigmaT * decayed(1, h);
      return { carry, gains: adamsWeights(nodes).map((weight) => weight * whole), noise: 0 };
    },
  });
}
