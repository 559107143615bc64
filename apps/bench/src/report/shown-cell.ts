/** A cell of a table, in a terminal or on a page: the time and its ratio to the baseline. */
import { pairedRatio } from '../statistics/paired-ratio.ts';
import { median } from '../statistics/quantile.ts';
import { baselineOf, type CaseResult, samplesOf } from '../suite/results.ts';
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
