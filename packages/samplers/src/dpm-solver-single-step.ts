/**
 * DPM-Solver and DPM-Solver++, single-step, on a grid of which every time is one evaluation: the steps of order p come
 * in groups of p that start again from the same time a, as in diffusers (Lu et al. 2022a, algorithms 1 and 2; 2022b,
 * algorithm 1 with the intermediate times taken from the grid).
 *
 *   order 2   a → b by order 1;  a → c by order 2 with D at a and b
 *   order 3   a → b by order 1;  a → c by order 2;  a → d by order 3 with D at a, b and c
 *
 * Each is the exponential formula with D the line (order 2) or the parabola (order 3) through its evaluations.
 * 'midpoint' has m_1 = m_0/2 at order 2, and the line through a and c at order 3. Order 3 needs b and c near thirds of
 * the step in λ, as every grid that is smooth in its index gives when refined (error terms of the inner steps cancel
 * there); on others it is of order 2.
 *
 * With noise level b the formula is that of SDE-DPM-Solver++ (see `dpmSolver`), weak order 1.
 *
 * A group cut short by the end of the grid has its lower orders only, a last step to σ = 0 is of order 1, and with
 * `lastStep: 'first'` the last step always is, as with diffusers' `lower_order_final`.
 */
import { exponentialForm, usableNodes } from './exponential-form.ts';
import { exponentialMoments } from './exponential-moments.ts';
import { multistepSampler } from './multistep.ts';
import type { Sampler } from './sampler.ts';

export interface SingleStepOptions {
  readonly order: 1 | 2 | 3;
  readonly hold: 'data' | 'noise';
  readonly taylor: boolean;
  readonly lastStep: 'auto' | 'first';
  /** b ≥ 0: every step draws anew, from the state where its group starts; default 0. */
  readonly noiseLevel?: number;
  /** The weights of a parabola's terms, from the exact moments; default these. */
  readonly parabola?: (exact: readonly number[]) => readonly number[];
}

/** Which step of its group step `index` is, from 0. */
function placeInGroup(order: number, lastStep: 'auto' | 'first', index: number, steps: number): number {
  if (lastStep === 'first' && index === steps - 1) {
    // diffusers cuts [1,2,3] to [1,2],[1] and [1,2] to [1],[1]; a group that the end cuts short stays as it is.
    return steps % order === order - 1 && order > 2 ? index % order : 0;
  }
  return index % order;
}

export function singleStepDpmSolver(options: SingleStepOptions): Sampler {
  const { order, hold, taylor, lastStep, noiseLevel = 0, parabola } = options;
  const moments = (a: number, count: number): readonly number[] => {
    const exact = exponentialMoments(a, count);
    if (count === 3) return parabola?.(exact) ?? exact;
    return count === 2 && !taylor ? [exact[0]!, exact[0]! / 2] : exact;
  };
  return multistepSampler({
    name: `dpmSolver${hold === 'data' ? '++' : ''}(${order}S)`,
    order: noiseLevel > 0 ? 1 : order,
    strongOrder: noiseLevel > 0 ? 1 : undefined,
    stochastic: noiseLevel > 0,
    hold,
    memory: order - 1,
    predictor(plan, index) {
      const place = placeInGroup(order, lastStep, index, plan.grid.length - 1);
      const start = usableNodes(plan, index, 1 + place) > place ? index - place : index;
      const back = index - start;
      const step = { hold, noiseLevel, from: start, to: index + 1 };
      if (back === 2 && !taylor) {
        const { gains, ...rest } = exponentialForm(plan, { ...step, nodes: [index, start] });
        return { ...rest, base: 2, gains: [gains[0]!, 0, gains[1]!] };
      }
      const nodes = Array.from({ length: back + 1 }, (_, j) => index - j);
      return { ...exponentialForm(plan, { ...step, nodes, moments }), base: back };
    },
  });
}
