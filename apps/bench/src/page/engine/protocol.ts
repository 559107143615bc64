/** What the page, its conductor and the contestants, each a worker, say to each other. */

import type { Digest } from '../../suite/digest.ts';
import type { CaseResult, ContestantResult, Results } from '../../suite/results.ts';
import type { Introduction } from '../../suite/run-here.ts';
import type { Duration } from '../../suite/session.ts';
import type { ContestantId } from './contestants.ts';

/** What is to be measured. */
export interface Assignment {
  readonly contestants: readonly ContestantId[];
  /** Ids of cases. */
  readonly cases: readonly string[];
  readonly rounds: number;
}

/** From the page to the conductor. */
export type Order = { readonly kind: 'start'; readonly assignment: Assignment } | { readonly kind: 'cancel' };

/** From the conductor to the page. */
export type News =
  | { readonly kind: 'contestants'; readonly contestants: readonly ContestantResult[] }
  | {
      readonly kind: 'progress';
      readonly title: string;
      readonly contestant: string;
      readonly what: string;
    }
  | { readonly kind: 'case'; readonly result: CaseResult }
  | { readonly kind: 'done'; readonly results: Results }
  | { readonly kind: 'failed'; readonly message: string };

/** From the conductor to a contestant. */
export type Request =
  | { readonly do: 'hello'; readonly contestant: ContestantId }
  | { readonly do: 'prepare'; readonly case: string }
  | { readonly do: 'time'; readonly repetitions: number; readonly bursts: number }
  | { readonly do: 'finish' };

/** What the answer to each request is. */
export interface Answers {
  hello: Introduction;
  prepare: Digest;
  time: Duration;
  finish: Readonly<Record<never, never>>;
}

export type Reply<T> = { readonly ok: T } | { readonly cannot: string } | { readonly error: string };
