/** What the tables cannot show: why a contestant took no part, or has no time in a case. */
import type { CaseResult, ContestantResult } from '../suite/results.ts';

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
