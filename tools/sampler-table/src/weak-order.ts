/**
 * Measured weak orders: exact laws of runs on Gaussian data, whose error has no sampling noise. The error is the sum over
 * three runs, so that the term of lowest order shows even where it vanishes in one of them: the process of the ring
 * down to σ = 0.5 and to 0.01, and that of the cube to t = 0.02.
 */
import { karrasGrid, type LinearProcess, logSnrGrid } from '@diff/sde';
import { type Law, lawOf, marginal } from './gaussian-law.ts';
import { cube, ring } from './problems.ts';
import type { Entry } from './registry.ts';
import { stepped } from './specimen.ts';

const DATA: Law = { mean: 0.7, variance: 0.25 };

interface Setting {
  readonly process: LinearProcess;
  readonly end: number;
  readonly grid: typeof karrasGrid;
}

const SETTINGS: readonly Setting[] = [
  { process: ring.process, end: 0.5, grid: karrasGrid },
  { process: ring.process, end: 0.01, grid: karrasGrid },
  { process: cube.process, end: 0.02, grid: logSnrGrid },
];

/** Σ |mean − exact| + |variance − exact| at that number of steps. */
async function weakError(entry: Entry, steps: number): Promise<number> {
  let sum = 0;
  for (const { process, end, grid } of SETTINGS) {
    const law = await lawOf({
      sampler: stepped(entry, steps, process),
      process,
      data: DATA,
      grid: grid({ process, steps, end }),
    });
    const want = marginal(process, DATA, end);
    sum += Math.abs(law.mean - want.mean) + Math.abs(law.variance - want.variance);
  }
  return sum;
}

/**
 * The slope over the last doubling of the steps, which are doubled from 80 on until two slopes that follow one another
 * agree within 0.05, at most to 1280.
 */
export async function measuredWeakOrder(entry: Entry): Promise<number> {
  let [steps, error, slope] = [80, await weakError(entry, 80), Number.NaN];
  while (steps < 1280) {
    steps *= 2;
    const finer = await weakError(entry, steps);
    const next = Math.log2(error / finer);
    if (Math.abs(next - slope) < 0.05) return next;
    [error, slope] = [finer, next];
  }
  return slope;
}
