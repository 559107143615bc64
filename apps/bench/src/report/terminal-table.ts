/** The table of the terminal: a row per case, a column per contestant, in each the time and its ratio to the baseline. */
import Table from 'cli-table3';
import { pairedRatio } from '../statistics/paired-ratio.ts';
import { median } from '../statistics/quantile.ts';
import {
  baselineOf,
  type CaseResult,
  type ContestantResult,
  type Results,
  samplesOf,
} from '../suite/results.ts';
import { judgeTargets } from '../targets/judge-targets.ts';
import { shownRatio, shownTime } from './shown.ts';

/** What a cell of the table says. */
export function shownCell(result: CaseResult, contestant: string, baseline: string): string {
  const cell = result.cells[contestant];
  if (!cell) return '';
  if (cell.status !== 'timed') return { cannot: '–', wrong: 'WRONG', error: 'ERROR' }[cell.status];
  const time = shownTime(median(cell.samples));
  const own = baselineOf(contestant, baseline);
  const ratio = contestant === own ? undefined : pairedRatio(cell.samples, samplesOf(result, own));
  return ratio ? `${time} ×${shownRatio(ratio.value)}` : time;
}

/** All contestants that took part. */
export function terminalTable(
  cases: readonly CaseResult[],
  contestants: readonly ContestantResult[],
  baseline: string,
): string {
  const present = contestants.filter(({ absent }) => absent === undefined);
  const table = new Table({
    head: ['', ...present.map(({ label }) => label)],
    style: { head: [], border: [], compact: true },
    colAligns: ['left', ...present.map(() => 'right' as const)],
  });
  for (const result of cases) {
    table.push([result.title, ...present.map(({ id }) => shownCell(result, id, baseline))]);
  }
  return table.toString();
}

/** Promised ratios, measured ones, and whether they are kept; targets whose case was not run are only counted. */
export function targetsTable(results: Results): string {
  const verdicts = judgeTargets(results);
  const run = verdicts.filter(({ target }) => results.cases.some(({ id }) => id === target.case));
  const table = new Table({
    head: ['Targets', 'promised', 'measured', ''],
    style: { head: [], border: [], compact: true },
    colAligns: ['left', 'right', 'right', 'left'],
  });
  for (const { title, target, ratio, verdict, reason } of run) {
    const measured = ratio
      ? `${shownRatio(ratio.value)} (${shownRatio(ratio.low)} to ${shownRatio(ratio.high)})`
      : '–';
    table.push([title, `≥ ${target.atLeast}`, measured, reason ? `${verdict}: ${reason}` : verdict]);
  }
  const others = verdicts.length - run.length;
  return [
    ...(run.length > 0 ? [table.toString()] : []),
    ...(others > 0 ? [`${others} targets are open: their cases were not run.`] : []),
  ].join('\n');
}

/** One line for each cell that has no time, with the reason. */
export function remarks(
  cases: readonly CaseResult[],
  contestants: readonly ContestantResult[],
): readonly string[] {
  const absent = contestants.flatMap(({ label, absent: reason }) =>
    reason ? [`${label}: absent, ${reason}`] : [],
  );
  const cells = cases.flatMap(({ id, cells }) =>
    contestants.flatMap((contestant) => {
      const cell = cells[contestant.id];
      if (!cell || cell.status === 'timed' || contestant.yardstick) return [];
      return [`${id}, ${contestant.label}: ${cell.status}, ${cell.reason}`];
    }),
  );
  return [...absent, ...cells];
}
