/**
 * Results as the chosen clock tells them, and how far the clocks are apart.
 *
 * On a busy machine the time that passes says more about the other programs than about the one that is measured. The
 * processor's clock counts only what a process used itself; it says nothing about programs with several threads, whose
 * point is to use more of it in less time.
 */
import { median } from '../statistics/quantile.ts';
import type { CaseResult, Cell, Clock, ContestantResult, Results } from '../suite/results.ts';

function cellBy(clock: Clock, cell: Cell, threads: number): Cell {
  if (clock === 'wall' || cell.status !== 'timed') return cell;
  if (threads > 1) return { status: 'cannot', reason: 'processor time says nothing about several threads' };
  if (!cell.cpu) return { status: 'cannot', reason: 'its processor time is not known' };
  return { ...cell, samples: cell.cpu };
}

/** The case with the samples of the clock in place of its samples. */
export function caseByClock(
  result: CaseResult,
  contestants: readonly ContestantResult[],
  clock: Clock,
): CaseResult {
  const threads = (id: string): number => contestants.find((c) => c.id === id)?.threads ?? 1;
  const cells = Object.entries(result.cells).map(([id, cell]) => [id, cellBy(clock, cell, threads(id))]);
  return { ...result, cells: Object.fromEntries(cells) as CaseResult['cells'] };
}

export function byClock(results: Results): Results {
  const { cases, contestants, clock } = results;
  return { ...results, cases: cases.map((result) => caseByClock(result, contestants, clock)) };
}

/** The share of a core that programs of one thread had while they were timed, from 0 to 1: the median over all cells. */
export function shareOfCore({ cases, contestants }: Results): number | undefined {
  const single = contestants.filter(({ threads }) => threads === 1);
  const shares = cases.flatMap(({ cells }) =>
    single.flatMap(({ id }) => {
      const cell = cells[id];
      if (cell?.status !== 'timed' || !cell.cpu) return [];
      return [median(cell.cpu) / median(cell.samples)];
    }),
  );
  return shares.length > 0 ? Math.min(1, median(shares)) : undefined;
}
