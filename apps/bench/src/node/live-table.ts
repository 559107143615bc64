/** Progress: a table that grows in place in a terminal, a line per finished case in a log. */
import logUpdate from 'log-update';
import { caseByClock } from '../report/by-clock.ts';
import { shownCell } from '../report/shown-cell.ts';
import { terminalTable } from '../report/terminal-table.ts';
import type { CaseResult, Clock, ContestantResult } from '../suite/results.ts';

export interface LiveTable {
  progress(done: readonly CaseResult[], title: string, contestant: string, what: string): void;
  finished(done: readonly CaseResult[], result: CaseResult): void;
  end(): void;
}

export function createLiveTable(
  contestants: readonly ContestantResult[],
  baseline: string,
  clock: Clock,
): LiveTable {
  const seen = (result: CaseResult): CaseResult => caseByClock(result, contestants, clock);
  const live = process.stdout.isTTY === true;
  const present = contestants.filter(({ absent }) => absent === undefined);
  return {
    progress(done, title, contestant, what) {
      // A table higher than the screen cannot be redrawn in place: show its end.
      const rows = Math.max(3, (process.stdout.rows ?? 40) - 10);
      if (live) {
        logUpdate(
          `${terminalTable(done.slice(-rows).map(seen), contestants, baseline)}\n${title}: ${contestant}, ${what} …`,
        );
      }
    },
    finished(_, result) {
      if (live) return;
      const cells = present.map(({ id, label }) => `${label} ${shownCell(seen(result), id, baseline)}`);
      process.stdout.write(`${result.id}: ${cells.join(' | ')}\n`);
    },
    end() {
      if (live) logUpdate.clear();
    },
  };
}
