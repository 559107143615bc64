/**
 * One contestant at work: prepares a case, has its result checked, and times runs of it.
 *
 * The same session serves a Node worker, a browser page and the peers outside tfjs: each brings a function that makes
 * a routine of a case, and a way to tell when the work of a run is done.
 */
import type { BenchCase, Inputs } from './bench-case.ts';
import { type Digest, digest } from './digest.ts';

/** A routine of any library; R is its tensor. */
export interface PeerRoutine<R> {
  run(): R | Promise<R>;
  check?(): R | Promise<R>;
  dispose?(): void;
}

export interface Contestant<R> {
  /** Makes the routine of a case; throws a CannotRun where there is none. */
  prepare(benchCase: BenchCase, inputs: Inputs): PeerRoutine<R> | Promise<PeerRoutine<R>>;
  read(result: R): Promise<ArrayLike<number>>;
  free(result: R): void;
  /** Waits until a result is computed; absent where `run` returns only then. */
  settle?(result: R): Promise<void>;
}

/** Thrown where a contestant has no way to run a case. */
export class CannotRun extends Error {
  override readonly name = 'CannotRun';
}

/** How long a run took, in milliseconds. */
export interface Duration {
  readonly milliseconds: number;
  /** Of processor time, all threads together; absent where nobody tells. */
  readonly cpu?: number;
}

export interface Session {
  /** Makes the routine of a case and runs its check; `inputs` are the case's own, made anew where absent. */
  prepare(benchCase: BenchCase, inputs?: Inputs): Promise<Digest>;
  /** One run: the mean over `repetitions` runs in a row, in the best of `bursts` such bursts, on each clock. */
  time(repetitions: number, bursts: number): Promise<Duration>;
  /** Frees the case's tensors. */
  finish(): void;
}

/** @param cpuClock milliseconds of processor time that the process has used so far. */
export function createSession<R>(contestant: Contestant<R>, cpuClock?: () => number): Session {
  let routine: PeerRoutine<R> | undefined;

  /** One run in a burst of them. */
  async function burst({ run }: PeerRoutine<R>, repetitions: number): Promise<Duration> {
    const { settle, free } = contestant;
    const used = cpuClock?.() ?? 0;
    const started = performance.now();
    for (let i = 0; i < repetitions; i++) {
      // Awaiting a value that is no promise costs a microtask, which would weigh on ops of a microsecond.
      const returned = run();
      const result = returned instanceof Promise ? await returned : returned;
      if (settle && i === repetitions - 1) await settle(result);
      free(result);
    }
    const milliseconds = (performance.now() - started) / repetitions;
    return { milliseconds, ...(cpuClock && { cpu: (cpuClock() - used) / repetitions }) };
  }

  return {
    async prepare(benchCase, inputs = benchCase.inputs()) {
      routine = await contestant.prepare(benchCase, inputs);
      const result = await (routine.check ?? routine.run)();
      const values = await contestant.read(result);
      const found = digest(values);
      contestant.free(result);
      return found;
    },
    async time(repetitions, bursts) {
      if (!routine) throw new Error('time: a case must be prepared first, got none.');
      let best = await burst(routine, repetitions);
      for (let i = 1; i < bursts; i++) {
        const { milliseconds, cpu } = await burst(routine, repetitions);
        best = {
          milliseconds: Math.min(best.milliseconds, milliseconds),
          ...(cpu !== undefined && { cpu: Math.min(best.cpu!, cpu) }),
        };
      }
      return best;
    },
    finish() {
      routine?.dispose?.();
      routine = undefined;
    },
  };
}
