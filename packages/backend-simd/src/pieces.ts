/**
 * How the threads of the pool share the pieces of a job. Runs in every thread: it is a part of the workers' source.
 *
 * All that is shared lies in one small SharedArrayBuffer. A job is described there, then its pieces are offered as
 * tickets: each thread has a share of neighbouring pieces, the same in every job, so that what one op leaves in a core's
 * cache the next op finds there. A thread takes its own share, then from those of others, by counting TICKETS down; after
 * each piece it counts PENDING down. The job is done when PENDING is 0, and only then is the description written again.
 * So whoever holds a ticket reads the job that it belongs to, a thread that comes late finds none, and nobody waits for
 * a thread that has not taken a piece.
 */
import type { WasmExports } from './generated/wasm-exports.ts';

/** Words of 64 bytes: what different threads write is that far apart, lest they pull a line of the cache to and fro. */
const LINE = 16;
/** Most threads of a pool. */
export const MAX_THREADS = 64;

/** 32-bit words of the shared control block, each on a line of its own. */
export const WORDS = {
  /** Counts jobs; idle workers sleep on it. */
  WAKE: 0,
  /** Pieces that are not done. */
  PENDING: 16,
  /** Is the calling thread asleep on PENDING? */
  WAITING: 32,
  /** Workers that are asleep. */
  SLEEPING: 48,
  /** A worker of this number or a greater one ends. */
  THREADS: 64,
  /** Did a piece throw? */
  FAILED: 80,
  /** What the job calls: the position among the module's exports. */
  KERNEL: 96,
  /** Pieces of the first thread's share that nobody has taken; those of the next a line further on. */
  TICKETS: 112,
} as const;

/** Behind them float64 words: items, items of a unit, pieces, shares, arguments, then 4 for each argument. */
const HEAD = (WORDS.TICKETS + MAX_THREADS * LINE) / 2;
const JOB = {
  ITEMS: HEAD,
  UNIT: HEAD + 1,
  PIECES: HEAD + 2,
  SHARES: HEAD + 3,
  ARITY: HEAD + 4,
  ARGUMENTS: HEAD + 5,
} as const;
const MAX_ARITY = 24;
/** Then the message of the error, as its length and UTF-16 code units. */
const MESSAGE = 8 * (JOB.ARGUMENTS + 4 * MAX_ARITY);
const MESSAGE_LENGTH = 250;

export const CONTROL_BYTES: number = MESSAGE + 2 * (MESSAGE_LENGTH + 1);

/** An argument of a kernel: base + perItem · begin + perCount · count + perThread · thread. */
export interface PieceArgument {
  readonly base: number;
  readonly perItem: number;
  readonly perCount: number;
  readonly perThread: number;
}

/** The control block as a thread sees it. */
export interface Control {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly job: Float64Array<SharedArrayBuffer>;
  readonly message: Uint16Array<SharedArrayBuffer>;
}

/** What a worker is started with. */
export interface WorkerStart {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly control: SharedArrayBuffer;
  readonly thread: number;
  /** Address of the worker's own memory (assembly/thread-memory.ts). */
  readonly room: number;
}

/** The functions of a module in the order of its exports, which is the same in every thread. */
export type Kernels = readonly ((...values: number[]) => unknown)[];

export function controlOf(buffer: SharedArrayBuffer): Control {
  return {
    words: new Int32Array(buffer, 0, 2 * HEAD),
    job: new Float64Array(buffer, 0, MESSAGE / 8),
    message: new Uint16Array(buffer, MESSAGE, MESSAGE_LENGTH + 1),
  };
}

/** The position of each exported name is its number in a job. */
export function kernelsOf(exports: WebAssembly.Exports | WasmExports): { names: string[]; kernels: Kernels } {
  const entries = Object.entries(exports);
  return {
    names: entries.map(([name]) => name),
    kernels: entries.map(([, value]) => value as Kernels[number]),
  };
}

/** Items that are cut into so many pieces, each of whole units, none a unit longer than another. */
export interface Cut {
  readonly items: number;
  readonly unit: number;
  readonly pieces: number;
}

/** First item of a piece. */
function beginOf(piece: number, items: number, unit: number, pieces: number): number {
  return Math.min(items, Math.floor((piece * Math.ceil(items / unit)) / pieces) * unit);
}

/** Describes a job and offers its pieces. The one before must be done. */
export function offer(
  { words, job }: Control,
  kernel: number,
  { items, unit, pieces }: Cut,
  threads: number,
  args: readonly (number | boolean | PieceArgument)[],
): void {
  job[JOB.ITEMS] = items;
  job[JOB.UNIT] = unit;
  job[JOB.PIECES] = pieces;
  job[JOB.SHARES] = threads;
  job[JOB.ARITY] = args.length;
  let at: number = JOB.ARGUMENTS;
  for (const argument of args) {
    const varies = typeof argument === 'object';
    job[at] = varies ? argument.base : Number(argument);
    job[at + 1] = varies ? argument.perItem : 0;
    job[at + 2] = varies ? argument.perCount : 0;
    job[at + 3] = varies ? argument.perThread : 0;
    at += 4;
  }
  words[WORDS.KERNEL] = kernel;
  Atomics.store(words, WORDS.PENDING, pieces);
  for (let share = 0; share < threads; share++) {
    const tickets = firstOf(share + 1, pieces, threads) - firstOf(share, pieces, threads);
    Atomics.store(words, WORDS.TICKETS + LINE * share, tickets);
  }
}

/** First piece of a share. */
function firstOf(share: number, pieces: number, shares: number): number {
  return Math.floor((share * pieces) / shares);
}

/** Takes a ticket, of the thread's own share if there is one left; the number of the piece, or −1. */
function take({ words, job }: Control, thread: number): number {
  const shares = job[JOB.SHARES]!;
  for (let i = 0; i < shares; i++) {
    const share = (thread + i) % shares;
    const tickets = WORDS.TICKETS + LINE * share;
    for (let left = Atomics.load(words, tickets); left > 0; left = Atomics.load(words, tickets)) {
      if (Atomics.compareExchange(words, tickets, left, left - 1) !== left) continue;
      // Only now is it sure which job this is.
      const first = firstOf(share, job[JOB.PIECES]!, job[JOB.SHARES]!);
      return first + left - 1;
    }
  }
  return -1;
}

/** Does pieces until none is left. An error is noted in the control block: the others' pieces must end all the same. */
export function work(control: Control, kernels: Kernels, thread: number): void {
  const { words, job, message } = control;
  for (let piece = take(control, thread); piece >= 0; piece = take(control, thread)) {
    const [items, unit, pieces] = [job[JOB.ITEMS]!, job[JOB.UNIT]!, job[JOB.PIECES]!];
    const begin = beginOf(piece, items, unit, pieces);
    const count = beginOf(piece + 1, items, unit, pieces) - begin;
    const values: number[] = [];
    const end = JOB.ARGUMENTS + 4 * job[JOB.ARITY]!;
    for (let at = JOB.ARGUMENTS; at < end; at += 4) {
      values.push(job[at]! + job[at + 1]! * begin + job[at + 2]! * count + job[at + 3]! * thread);
    }
    try {
      kernels[words[WORDS.KERNEL]!]!(...values);
    } catch (error) {
      if (Atomics.exchange(words, WORDS.FAILED, 1) === 0) {
        const text = String(error).slice(0, MESSAGE_LENGTH);
        message[0] = text.length;
        for (let i = 0; i < text.length; i++) message[i + 1] = text.charCodeAt(i);
      }
    }
    if (Atomics.sub(words, WORDS.PENDING, 1) === 1 && Atomics.load(words, WORDS.WAITING) === 1) {
      Atomics.notify(words, WORDS.PENDING);
    }
  }
}

/** The message of a piece that threw since the last call, if one did. */
export function takeFailure({ words, message }: Control): string | undefined {
  if (Atomics.exchange(words, WORDS.FAILED, 0) === 0) return undefined;
  return String.fromCharCode(...message.subarray(1, 1 + message[0]!));
}

/** Looks this often for the next job before it sleeps: tens of microseconds, more than a tfjs op takes to begin. */
const LOOKS = 20_000;

/** What a worker does until it is told to end. */
export function serve(control: Control, kernels: Kernels, thread: number): void {
  const { words } = control;
  for (;;) {
    const wake = Atomics.load(words, WORDS.WAKE);
    if (thread >= Atomics.load(words, WORDS.THREADS)) return;
    work(control, kernels, thread);
    let looks = LOOKS;
    while (looks > 0 && Atomics.load(words, WORDS.WAKE) === wake) looks--;
    if (looks > 0) continue;
    Atomics.add(words, WORDS.SLEEPING, 1);
    Atomics.wait(words, WORDS.WAKE, wake);
    Atomics.sub(words, WORDS.SLEEPING, 1);
  }
}

/** Makes workers look: for pieces, or whether to end. */
export function wakeWorkers({ words }: Control): void {
  Atomics.add(words, WORDS.WAKE, 1);
  if (Atomics.load(words, WORDS.SLEEPING) > 0) Atomics.notify(words, WORDS.WAKE);
}
