/** What was promised, and whether these results keep it: each target is a ratio of two times in one case. */

import { type PairedRatio, pairedRatio } from '../statistics/paired-ratio.ts';
import { type CaseResult, type Results, samplesOf } from '../suite/results.ts';
import list from './targets.json' with { type: 'json' };

export interface Target {
  /** Id of the case. */
  readonly case: string;
  /** Contestant whose time is the numerator. For a yardstick the ratio is the share of what the machine can do. */
  readonly slower: string;
  readonly faster: string;
  readonly atLeast: number;
}

export const TARGETS: readonly Target[] = list;

export interface Verdict {
  readonly target: Target;
  readonly title: string;
  /** `open`: not measured, for the reason given. */
  readonly verdict: 'pass' | 'miss' | 'open';
  readonly ratio?: PairedRatio;
  readonly reason?: string;
}

function whyNot(result: CaseResult | undefined, results: Results, contestant: string): string | undefined {
  const known = results.contestants.find(({ id }) => id === contestant);
  if (!known) return `${contestant} was not asked to take part`;
  if (known.absent !== undefined) return `${known.label}: ${known.absent}`;
  if (!result) return 'the case was not run';
  const cell = result.cells[contestant];
  return cell && cell.status !== 'timed' ? `${known.label}: ${cell.reason}` : undefined;
}

/** A verdict on each target. */
export function judgeTargets(results: Results, targets: readonly Target[] = TARGETS): readonly Verdict[] {
  const label = (id: string): string => results.contestants.find((c) => c.id === id)?.label ?? id;
  return targets.map((target) => {
    const { slower, faster, atLeast } = target;
    const result = results.cases.find(({ id }) => id === target.case);
    const yardstick = results.contestants.find(({ id }) => id === slower)?.yardstick;
    const of = result?.title ?? target.case;
    const title = yardstick
      ? `${of}: ${label(faster)}, share of the peak`
      : `${of}: ${label(faster)} against ${label(slower)}`;
    const ratio = result && pairedRatio(samplesOf(result, slower), samplesOf(result, faster));
    if (!ratio) {
      const reason =
        whyNot(result, results, faster) ?? whyNot(result, results, slower) ?? 'it was not measured';
      return { target, title, verdict: 'open', reason };
    }
    return { target, title, verdict: ratio.value >= atLeast ? 'pass' : 'miss', ratio };
  });
}
