/**
 * The threads: workers that have the module over the same memory, and the jobs that the calling thread shares with them.
 *
 * The calling thread takes pieces like everybody and waits for the last ones. It first looks again and again, since a
 * piece takes microseconds, then sleeps where it may (not on a browser's main thread).
 */
import { SimdBackendError } from './errors.ts';
import type { WasmExports } from './generated/wasm-exports.ts';
import {
  CONTROL_BYTES,
  type Cut,
  controlOf,
  kernelsOf,
  offer,
  type PieceArgument,
  takeFailure,
  WORDS,
  wakeWorkers,
  work,
} from './pieces.ts';
import { type HostedWorker, startWorker } from './worker-host.ts';

export interface Pool {
  /** Threads that compute, the calling one among them. */
  readonly threads: () => number;
  /** Starts or ends workers until there are `threads`. @throws SimdBackendError if a worker does not start */
  readonly resize: (threads: number) => Promise<void>;
  /** Calls the kernel for every piece. @throws SimdBackendError if a piece threw or a worker died */
  readonly run: (kernel: string, cut: Cut, args: readonly (number | boolean | PieceArgument)[]) => void;
}

/** What a pool runs over. */
export interface PoolOptions {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly exports: WasmExports;
  /** Address of the own memory of each thread. */
  readonly roomOf: (thread: number) => number;
  /** Milliseconds after which a worker that has a piece counts as dead; for tests. */
  readonly patience?: number;
  readonly start?: typeof startWorker;
}

/** Looks at the pieces of others before it sleeps. */
const LOOKS = 4000;
/** A worker starts in some ten milliseconds; this long on a machine that is very busy. */
const START_MS = 30_000;

/** After this an idle worker that was told to end is ended. */
const END_MS = 2000;

const ignore = (): void => {};

/** May this thread sleep? A browser's main thread may not. */
function maySleep(words: Int32Array): boolean {
  try {
    Atomics.wait(words, WORDS.WAITING, 1, 0);
    return true;
  } catch {
    return false;
  }
}

export function createPool({
  module,
  memory,
  exports,
  roomOf,
  patience = 60_000,
  start = startWorker,
}: PoolOptions): Pool {
  const buffer = new SharedArrayBuffer(CONTROL_BYTES);
  const control = controlOf(buffer);
  const { words } = control;
  const { names, kernels } = kernelsOf(exports);
  const numbers = new Map(names.map((name, index) => [name, index]));
  const sleeps = maySleep(words);
  /** Worker i is thread i + 1. */
  const workers: HostedWorker[] = [];
  /** Those that have ended unasked. */
  const dead = new WeakSet<HostedWorker>();
  let resizing: Promise<void> = Promise.resolve();

  function started(thread: number): Promise<HostedWorker> {
    return new Promise((resolve, reject) => {
      const fail = (reason: string): void => {
        reject(
          new SimdBackendError(
            `setThreads: thread ${thread} could not start: ${reason}. A Content-Security-Policy must allow ` +
              "worker-src blob: and script-src 'wasm-unsafe-eval'; setThreads(1) needs no workers.",
          ),
        );
      };
      let worker: HostedWorker;
      try {
        worker = start(`simd-${thread}`, { module, memory, control: buffer, thread, room: roomOf(thread) });
      } catch (error) {
        fail(String(error));
        return;
      }
      const timer = setTimeout(() => {
        worker.terminate();
        fail(`no answer in ${START_MS / 1000} s`);
      }, START_MS);
      worker.onError = (reason) => {
        clearTimeout(timer);
        worker.terminate();
        fail(reason);
      };
      worker.onMessage = () => {
        clearTimeout(timer);
        worker.unref();
        // From now on: without it, and those numbered after it, the pool goes on.
        worker.onError = () => {
          worker.onError = ignore;
          dead.add(worker);
          resizing = resizing.then(() => end(workers.indexOf(worker)));
        };
        resolve(worker);
      };
    });
  }

  /** Ends worker `first` and those after it; until they have ended, their numbers must not be given again. */
  async function end(first: number): Promise<void> {
    if (first < 0) return;
    const leaving = workers.splice(first);
    Atomics.store(words, WORDS.THREADS, workers.length + 1);
    wakeWorkers(control);
    await Promise.all(
      leaving
        .filter((worker) => !dead.has(worker))
        .map(
          (worker) =>
            new Promise<void>((resolve) => {
              const gone = (): void => {
                clearTimeout(timer);
                worker.onMessage = worker.onError = ignore;
                worker.terminate();
                resolve();
              };
              const timer = setTimeout(gone, END_MS);
              worker.onMessage = worker.onError = gone;
            }),
        ),
    );
  }

  async function resize(threads: number): Promise<void> {
    if (threads <= workers.length + 1) return end(threads - 1);
    Atomics.store(words, WORDS.THREADS, threads);
    const first = workers.length + 1;
    const results = await Promise.allSettled(
      Array.from({ length: threads - first }, (_, i) => started(first + i)),
    );
    const failed = results.find((result) => result.status === 'rejected');
    const ready = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    if (failed) {
      workers.push(...ready);
      await end(first - 1);
      throw failed.reason;
    }
    workers.push(...ready);
  }

  /** Waits until all pieces are done. */
  function join(): void {
    for (let looks = LOOKS; looks > 0; looks--) if (Atomics.load(words, WORDS.PENDING) === 0) return;
    let left = Atomics.load(words, WORDS.PENDING);
    let since = performance.now();
    Atomics.store(words, WORDS.WAITING, 1);
    while (left > 0) {
      if (sleeps) Atomics.wait(words, WORDS.PENDING, left, patience);
      const now = Atomics.load(words, WORDS.PENDING);
      if (now !== left) since = performance.now();
      else if (performance.now() - since >= patience) {
        Atomics.store(words, WORDS.WAITING, 0);
        // What it may still write goes to memory that is given back, so it must not be left running.
        for (const worker of workers) worker.terminate();
        resizing = resizing.then(() => end(0));
        throw new SimdBackendError(
          `simd: a thread has died or did not answer for ${patience / 1000} s. The threads were ended; results that were ` +
            'being computed are lost. Go on with one thread, or call setThreads again.',
        );
      }
      left = now;
    }
    Atomics.store(words, WORDS.WAITING, 0);
  }

  return {
    threads: () => workers.length + 1,
    resize(threads) {
      const next = resizing.then(() => resize(threads));
      resizing = next.catch(() => {});
      return next;
    },
    run(kernel, cut, args) {
      offer(control, numbers.get(kernel)!, cut, workers.length + 1, args);
      wakeWorkers(control);
      work(control, kernels, 0);
      join();
      const failure = takeFailure(control);
      if (failure !== undefined)
        throw new SimdBackendError(`simd: a kernel failed: ${failure}. Please report this.`);
    },
  };
}
