/** A contestant as the measurement sees it, wherever it runs: in a process of its own, or in this page. */
import type { BenchCase } from './bench-case.ts';
import type { Digest } from './digest.ts';
import type { Duration } from './session.ts';

export interface Contender {
  readonly id: string;
  /** A yardstick measures the machine; its results are not compared with anything. */
  readonly yardstick?: boolean;
  /** Prepares a case and runs its check. Each of these may throw a `Refusal`; `limit` is in milliseconds. */
  prepare(benchCase: BenchCase, limit: number): Promise<Digest>;
  time(plan: { readonly repetitions: number; readonly bursts: number }, limit: number): Promise<Duration>;
  /** Frees the case's memory, and tells the greatest size of the process so far where that is known. */
  finish(limit: number): Promise<{ readonly peakBytes?: number }>;
}

/** An answer with a reason instead of a result: no way to do it, a failure, too slow, or gone. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly kind: 'cannot' | 'error' | 'slow' | 'ended';

  constructor(kind: Refusal['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}
