/**
 * The contestants of a run and their processes. A process that was stopped or has crashed is started again for the
 * next case.
 */

import { Refusal } from '../suite/contender.ts';
import type { ContestantResult } from '../suite/results.ts';
import { type ContestantProcess, startContestant } from './contestant-process.ts';
import type { ContestantSpec } from './contestants.ts';

const HELLO_LIMIT = 60_000;

interface Member {
  readonly spec: ContestantSpec;
  readonly result: ContestantResult;
  /** Its process, started if need be. */
  process(): Promise<ContestantProcess>;
}

export interface Crew {
  /** Those who can take part. */
  readonly present: readonly Member[];
  /** All, with versions or with the reason of their absence. */
  readonly results: readonly ContestantResult[];
  /** Has everybody go on in a fresh process. */
  refresh(): void;
  end(): void;
}

export async function assembleCrew(specs: readonly ContestantSpec[]): Promise<Crew> {
  const processes = new Map<string, ContestantProcess>();
  const start = (spec: ContestantSpec): ContestantProcess => {
    const started = startContestant(spec.command);
    processes.set(spec.id, started);
    return started;
  };
  const end = (): void => {
    for (const process of processes.values()) process.end();
  };
  const members = await Promise.all(
    specs.map(async (spec): Promise<Member> => {
      let current = start(spec);
      const { id, label, yardstick } = spec;
      const common = { id, label, environment: 'node', ...(yardstick && { yardstick }) };
      const process = async (): Promise<ContestantProcess> => {
        if (current.alive) return current;
        current = start(spec);
        await current.ask({ do: 'hello' }, HELLO_LIMIT);
        return current;
      };
      try {
        const hello = await current.ask({ do: 'hello' }, HELLO_LIMIT);
        return { spec, process, result: { ...common, ...hello } };
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        current.end();
        return { spec, process, result: { ...common, versions: {}, threads: 0, absent: error.message } };
      }
    }),
  );
  return {
    present: members.filter(({ result }) => result.absent === undefined),
    results: members.map(({ result }) => result),
    refresh: end,
    end,
  };
}
