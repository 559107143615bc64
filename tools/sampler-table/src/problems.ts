/**
 * The two problems of the catalogue, whose scores, flows and laws are exact.
 *
 *   'ring'   eight Gaussians on a circle of radius 2, standard deviation 0.2, in the plane; EDM, σ from 80 to 0.01,
 *            Karras's grid with ρ = 7
 *   'cube'   four Gaussians in 16 dimensions at corners of a cube, of unequal weights and widths; VP with linear β from
 *            0.1 to 20, t from 1 to 0.001, steps equal in λ
 */
import { edm, karrasGrid, type LinearProcess, logSnrGrid, variancePreserving } from '@diff/sde';
import type { Mixture } from './mixture.ts';

export interface ExactProblem {
  readonly name: 'ring' | 'cube';
  readonly process: LinearProcess;
  readonly law: Mixture;
  /** Where a run ends. */
  readonly end: number;
  grid(steps: number): readonly number[];
}

const ringProcess = edm({ T: 80 });

export const ring: ExactProblem = {
  name: 'ring',
  process: ringProcess,
  law: {
    weights: new Array<number>(8).fill(1 / 8),
    means: Array.from({ length: 8 }, (_, k) => [
      2 * Math.cos((Math.PI * k) / 4),
      2 * Math.sin((Math.PI * k) / 4),
    ]),
    stds: new Array<number>(8).fill(0.2),
  },
  end: 0.01,
  grid: (steps) => karrasGrid({ process: ringProcess, steps, end: 0.01 }),
};

const cubeProcess = variancePreserving({ schedule: 'linear', betaMin: 0.1, betaMax: 20, T: 1 });

/** Signs of a Walsh function: rows 0 … 15 are orthogonal. */
const walsh = (row: number, column: number): number => {
  let bits = row & column;
  let parity = 0;
  for (; bits > 0; bits >>= 1) parity ^= bits & 1;
  return parity ? -1 : 1;
};

export const cube: ExactProblem = {
  name: 'cube',
  process: cubeProcess,
  law: {
    weights: [0.1, 0.2, 0.3, 0.4],
    means: [1, 6, 11, 12].map((row) => Array.from({ length: 16 }, (_, j) => 0.8 * walsh(row, j))),
    stds: [0.3, 0.4, 0.5, 0.6],
  },
  end: 0.001,
  grid: (steps) => logSnrGrid({ process: cubeProcess, steps, end: 0.001 }),
};
