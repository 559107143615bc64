/** The table of the terminal: a row per case, a column per contestant, in each the time and its ratio to the baseline. */
import Table from 'cli-table3';
import type { CaseResult, ContestantResult, Results } from '../suite/results.ts';
import { judgeTargets } from '../targets/judge-targets.ts';
import { shownRatio } from './shown.ts';
import { shownCell } from './shown-cell.ts';

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
