/** Everything that the catalogue says about a sampler beyond its claims. */
import type { BrownianPath, Sampler } from '@diff/samplers';
import * as tf from '@tensorflow/tfjs-core';
import { runWithin } from './budget.ts';
import { exactFlow, flowError, measuredOrder } from './flow-order.ts';
import { lawError, lawFloor } from './law-error.ts';
import { keptPath, measuredStrongOrder } from './path-order.ts';
import { cube, type ExactProblem, ring } from './problems.ts';
import type { Entry } from './registry.ts';
import { singlePrecisionFloor } from './single-precision.ts';
import { specimen } from './specimen.ts';
import { measuredWeakOrder } from './weak-order.ts';

export interface Point {
  readonly nfe: number;
  readonly error: number;
}

export interface Curves {
  /** Root mean square distance from the exact flow's end, of deterministic samplers. */
  readonly flow: readonly Point[];
  /** Sliced W₂ to the exact law. */
  readonly law: readonly Point[];
}

export interface Measured {
  readonly entry: Entry;
  /** Of the solution if deterministic, weak if not; NaN where there is none. */
  readonly order: number;
  readonly strongOrder: number;
  readonly ring: Curves;
  readonly cube: Curves;
}

interface Floors {
  readonly flow: number;
  readonly law: number;
}

export interface Catalogue {
  readonly measured: readonly Measured[];
  readonly ring: Floors;
  readonly cube: Floors;
}

/** The columns of the table. */
export const BUDGETS = [10, 20, 50] as const;

const FLOW_BUDGETS = [5, 7, 10, 14, 20, 28, 40, 50, 70, 100, 140, 200, 280];
const LAW_BUDGETS: readonly number[] = BUDGETS;
/** Stochastic samplers are plotted further. */
const LONG_LAW_BUDGETS = [5, 10, 20, 50, 100];

/** The last point within a budget; undefined where a single step takes more. */
export function within(points: readonly Point[], budget: number): Point | undefined {
  return points.findLast(({ nfe }) => nfe <= budget);
}

type Run = (sampler: Sampler, grid: readonly number[]) => Promise<Point>;

/** Points by evaluations: of runs within these budgets, or, with adaptive steps, at halved tolerances. */
async function curve(
  problem: ExactProblem,
  entry: Entry,
  budgets: readonly number[],
  run: Run,
): Promise<Point[]> {
  const points: Point[] = [];
  const most = budgets.at(-1)!;
  if (entry.adaptive) {
    const grid = [problem.grid(1)[0]!, problem.end];
    for (let tolerance = 4; (points.at(-1)?.nfe ?? 0) <= most; tolerance /= 2) {
      points.push(await run(entry.adaptive(tolerance), grid));
    }
  } else {
    for (const budget of budgets) {
      const found = runWithin(problem, entry, budget);
      if (found) points.push(await run(found.sampler, found.grid));
    }
  }
  points.sort((p, q) => p.nfe - q.nfe);
  return points.filter(({ nfe }, i) => nfe <= most && nfe !== points[i + 1]?.nfe);
}

async function flowCurve(problem: ExactProblem, entry: Entry, exact: Float64Array): Promise<Point[]> {
  await tf.setBackend('float64');
  return curve(problem, entry, FLOW_BUDGETS, (sampler, grid) => flowError(problem, sampler, grid, exact));
}

async function lawCurve(problem: ExactProblem, entry: Entry, budgets: readonly number[]): Promise<Point[]> {
  await tf.setBackend('simd');
  return curve(problem, entry, budgets, (sampler, grid) => lawError(problem, sampler, grid));
}

interface Oracle {
  readonly problem: ExactProblem;
  readonly exact: Float64Array;
}

async function curves({ problem, exact }: Oracle, entry: Entry): Promise<Curves> {
  const { stochastic } = specimen(entry);
  const long = stochastic && problem.name === 'ring';
  return {
    flow: stochastic ? [] : await flowCurve(problem, entry, exact),
    law: await lawCurve(problem, entry, long ? LONG_LAW_BUDGETS : LAW_BUDGETS),
  };
}

async function orders(
  { problem, exact }: Oracle,
  entry: Entry,
  path: BrownianPath,
): Promise<Pick<Measured, 'order' | 'strongOrder'>> {
  await tf.setBackend('float64');
  const { order, stochastic, strongOrder } = specimen(entry);
  const none = order === 0 || entry.orderIn !== undefined;
  if (!stochastic) return { order: await measuredOrder(problem, entry, exact), strongOrder: Number.NaN };
  return {
    order: none ? Number.NaN : await measuredWeakOrder(entry),
    strongOrder: strongOrder && !none ? await measuredStrongOrder(problem, entry, path) : Number.NaN,
  };
}

/**
 * Measures all entries but those that are `known`; `report` is told of each when it is done. Leaves the backend 'simd'
 * set.
 */
export async function measureAll(
  entries: readonly Entry[],
  known: ReadonlyMap<string, Measured>,
  report: (measured: Measured) => void,
): Promise<Catalogue> {
  await tf.setBackend('float64');
  const [first, second] = [ring, cube].map((problem) => ({ problem, exact: exactFlow(problem) })) as [
    Oracle,
    Oracle,
  ];
  const path = keptPath(ring);
  const measured: Measured[] = [];
  for (const entry of entries) {
    const found = known.get(entry.call);
    const one = found
      ? { ...found, entry }
      : {
          entry,
          ...(await orders(first, entry, path)),
          ring: await curves(first, entry),
          cube: await curves(second, entry),
        };
    measured.push(one);
    report(one);
  }
  await tf.setBackend('simd');
  const floors = async ({ problem, exact }: Oracle): Promise<Floors> => ({
    flow: await singlePrecisionFloor(problem, exact),
    law: await lawFloor(problem),
  });
  return { measured, ring: await floors(first), cube: await floors(second) };
}
