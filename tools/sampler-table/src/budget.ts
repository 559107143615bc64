/** Runs by their number of model evaluations. */
import type { Sampler } from '@diff/samplers';
import { logSnrGrid } from '@diff/sde';
import type { ExactProblem } from './problems.ts';
import type { Entry } from './registry.ts';
import { specimen } from './specimen.ts';

export interface BudgetedRun {
  readonly sampler: Sampler;
  readonly grid: readonly number[];
}

export function gridFor(problem: ExactProblem, { grid }: Entry, steps: number): readonly number[] {
  const { process, end } = problem;
  return grid === 'logSnr' ? logSnrGrid({ process, steps, end }) : problem.grid(steps);
}

/** The run of most steps that takes at most this many evaluations; undefined where one step takes more. */
export function runWithin(problem: ExactProblem, entry: Entry, budget: number): BudgetedRun | undefined {
  for (let steps = budget; steps >= 1; steps--) {
    let sampler: Sampler;
    try {
      sampler = entry.make(steps, problem.process);
    } catch {
      continue;
    }
    if (sampler.nfe(steps) <= budget) return { sampler, grid: gridFor(problem, entry, steps) };
  }
  return undefined;
}

/** Evaluations of a run of N steps, as text. */
export function nfeText(entry: Entry): string {
  if (entry.adaptive) return 'as needed';
  const [few, many] = [specimen(entry, 20).nfe(20), specimen(entry, 40).nfe(40)];
  const slope = (many - few) / 20;
  const rest = few - 20 * slope;
  const product = slope === 1 ? 'N' : `${slope}N`;
  if (rest === 0) return product;
  return `${product} ${rest > 0 ? '+' : '−'} ${Math.abs(rest)}`;
}
