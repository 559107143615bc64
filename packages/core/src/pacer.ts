/**
 * A cooperative loop: everything longer than a moment reports progress, obeys an AbortSignal and gives the event
 * loop a turn, so that a page stays alive and a service can cancel.
 */
import { requirePositive } from './checks.ts';

export interface PacerOptions {
  /** Aborting it makes the next `turn()` reject with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Longest time between two turns of the event loop, in milliseconds; default 12. */
  readonly budget?: number;
}

export interface Pacer {
  /** Call once per iteration: throws if aborted; lets the event loop run when the budget is spent. */
  turn(): Promise<void>;
}

/** Resolves in a later turn of the event loop, without the 4 ms floor that browsers put on timers. */
function nextTurn(): Promise<void> {
  if (typeof setImmediate === 'function') {
    return new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
  return new Promise((resolve) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = (): void => {
      channel.port1.close();
      resolve();
    };
    channel.port2.postMessage(null);
  });
}

/**
 * Makes the pacer of one loop.
 *
 * @example
 * ```ts
 * import { createPacer } from '@diff/core';
 * const pacer = createPacer({ signal: AbortSignal.timeout(1000) });
 * for (let step = 0; step < 100; step++) await pacer.turn();
 * ```
 */
export function createPacer({ signal, budget = 12 }: PacerOptions = {}): Pacer {
  requirePositive('createPacer', 'budget', budget);
  let last = performance.now();
  return {
    async turn(): Promise<void> {
      signal?.throwIfAborted();
      if (performance.now() - last < budget) return;
      await nextTurn();
      last = performance.now();
      signal?.throwIfAborted();
    },
  };
}
