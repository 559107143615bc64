/**
 * DPM-Solver(++), SDE-DPM-Solver(++) and DEIS with the order of every step given one by one, as the multistep schedulers
 * count them: at most as many predictions as there are, one in a step to σ = 0. A step between equal levels, with which
 * some of their grids end, changes nothing.
 */
import { exponentialForm, usableNodes } from '../exponential-form.ts';
import { multistepSampler } from '../multistep.ts';
import type { Sampler } from '../sampler.ts';
import { transition } from '../transition.ts';

export interface OrderedExponential {
  readonly name: string;
  readonly hold: 'data' | 'noise';
  readonly noiseLevel: 0 | 1;
  /** The order of each step. */
  readonly orders: readonly number[];
  readonly moments: (a: number, count: number) => readonly number[];
}

export function orderedExponential({ name, hold, noiseLevel, orders, moments }: OrderedExponential): Sampler {
  const most = Math.max(...orders);
  return multistepSampler({
    name,
    order: noiseLevel === 0 ? most : 1,
    strongOrder: noiseLevel === 0 ? undefined : 1,
    stochastic: noiseLevel > 0,
    hold,
    memory: most - 1,
    predictor(plan, index) {
      if (transition(plan.process, plan.grid[index]!, plan.grid[index + 1]!).h === 0) {
        return { carry: 1, gains: [0], noise: 0 };
      }
      const count = usableNodes(plan, index, orders[index]!);
      const nodes = Array.from({ length: count }, (_, j) => index - j);
      return exponentialForm(plan, { hold, noiseLevel, from: index, to: index + 1, nodes, moments });
    },
  });
}

/** The orders of n steps: 1 in the last if `first`, and at most 2 in the one before if `second`. */
export function ordersAtEnd(n: number, order: number, first: boolean, second: boolean): readonly number[] {
  return Array.from({ length: n }, (_, i) => {
    if (first && i === n - 1) return 1;
    return second && i === n - 2 ? Math.min(order, 2) : order;
  });
}
