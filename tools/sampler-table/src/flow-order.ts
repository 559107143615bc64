/** Errors and measured orders of deterministic samplers: runs in float64 against the reference flow. */
import { key } from '@diff/core';
import { type Sampler, sample } from '@diff/samplers';
import { gridFor } from './budget.ts';
import { float64Tensor, float64Values } from './float64-backend.ts';
import { float64Model } from './mixture.ts';
import type { ExactProblem } from './problems.ts';
import { referenceFlow } from './reference-flow.ts';
import type { Entry } from './registry.ts';
import { stepped } from './specimen.ts';

const ROWS = 12;

/** Rows from which the flow is followed: twelve points within two standard deviations or so. */
export function flowStart({ process, law }: ExactProblem): Float64Array {
  const d = law.means[0]!.length;
  return Float64Array.from({ length: ROWS * d }, (_, i) => {
    const [row, column] = [Math.floor(i / d), i % d];
    const radius = (2 * Math.sqrt((row + 0.5) / ROWS)) / Math.sqrt(d / 2);
    const angle = 2.399963 * row + 1.7 * Math.floor(column / 2) * (row + 1);
    return process.prior.mean + process.prior.std * radius * Math.cos(angle + (column % 2 ? Math.PI / 2 : 0));
  });
}

/** Where the flow takes them. */
export function exactFlow(problem: ExactProblem): Float64Array {
  return referenceFlow(problem.law, problem.process, flowStart(problem), [problem.grid(1)[0]!, problem.end]);
}

/** Root mean square over the rows of |x − exact|, and the evaluations of the run. */
export async function flowError(
  problem: ExactProblem,
  sampler: Sampler,
  grid: readonly number[],
  exact: Float64Array,
): Promise<{ readonly error: number; readonly nfe: number }> {
  const shape = [ROWS, exact.length / ROWS];
  const initial = float64Tensor(flowStart(problem), shape);
  let nfe = 0;
  const x = await sample({
    model: float64Model(problem.law, problem.process, 'data'),
    sampler,
    grid,
    shape,
    key: key(0),
    initial,
    onStep: (report) => {
      nfe = report.nfe;
    },
  });
  const squares = float64Values(x).reduce((sum, v, i) => sum + (v - exact[i]!) ** 2, 0);
  initial.dispose();
  x.dispose();
  return { error: Math.sqrt(squares / ROWS), nfe };
}

/** Nested grids. */
const ORDER_COUNTS = [128, 256, 512, 1024, 2048] as const;

/** Below this an error is that of the reference flow or of float64. */
const LEAST = 5e-12;

/**
 * The slope over the last doubling of the steps, up to 2048, whose errors lie above what float64 resolves. Samplers with
 * adaptive steps make one inner step in each step of the grid.
 */
export async function measuredOrder(
  problem: ExactProblem,
  entry: Entry,
  exact: Float64Array,
): Promise<number> {
  let finer: number | undefined;
  for (const steps of [...ORDER_COUNTS].reverse()) {
    const sampler = stepped(entry, steps, problem.process);
    const { error } = await flowError(problem, sampler, gridFor(problem, entry, steps), exact);
    if (finer !== undefined) return Math.log2(error / finer);
    if (error > LEAST) finer = error;
  }
  return Number.NaN;
}
