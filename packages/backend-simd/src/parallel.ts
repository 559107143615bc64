/**
 * Calls of compiled kernels over ranges of items, cut into pieces for the threads of the pool.
 *
 * Every kernel that is called through here gives the same bits however its range is cut (what an item gives depends on
 * the item alone), so results depend neither on the number of threads nor on which of them took which piece. The
 * arguments of a piece follow from where it begins, how many items it has, and which thread does it:
 *
 *   argument = base + perItem · begin + perCount · count + perThread · thread
 *
 * A range that is not worth waking others for is one call on the calling thread, and so is everything without a pool.
 */
import type { WasmExports } from './generated/wasm-exports.ts';
import type { PieceArgument } from './pieces.ts';
import type { Pool } from './pool.ts';

type RangeArgument = number | boolean | PieceArgument;

/** Names of the exported functions. */
export type KernelName = Exclude<keyof WasmExports, 'heapBase'>;

/** What to go through. */
export interface Range {
  /** How many items there are. */
  readonly items: number;
  /** What an item costs one thread, in nanoseconds, roughly. */
  readonly cost: number;
  /** Pieces begin at multiples of this many items (default 1). */
  readonly multiple?: number;
}

/** Calls a kernel over a range. */
export type Parallel = (kernel: KernelName, range: Range, args: readonly RangeArgument[]) => void;

/** `base` for the first item of the range, `perItem` more for each further one. */
export function each(base: number, perItem: number): PieceArgument {
  return { base, perItem, perCount: 0, perThread: 0 };
}

/** How many items the piece has. */
export const COUNT: PieceArgument = { base: 0, perItem: 0, perCount: 1, perThread: 0 };
/** The number of the piece's first item. */
export const BEGIN: PieceArgument = { base: 0, perItem: 1, perCount: 0, perThread: 0 };
/** The number after the piece's last item. */
export const END: PieceArgument = { base: 0, perItem: 1, perCount: 1, perThread: 0 };

/** Nanoseconds of work below which a range stays whole, and the least that a piece should have. Tests cut finer. */
export const grain: { worth: number; piece: number } = { worth: 20_000, piece: 8_000 };
/** Pieces for each thread: several, so that a thread that is held up leaves its share to the others. */
const PER_THREAD = 4;

export function createParallel(exports: WasmExports, pool: Pool | undefined): Parallel {
  return (kernel, { items, cost, multiple = 1 }, args) => {
    if (items <= 0) return;
    const work = items * cost;
    if (pool && work >= grain.worth && items > multiple) {
      const threads = pool.threads();
      const units = Math.ceil(items / multiple);
      const pieces = Math.min(PER_THREAD * threads, Math.floor(work / grain.piece), units);
      if (threads > 1 && pieces > 1) {
        pool.run(kernel, { items, unit: multiple, pieces }, args);
        return;
      }
    }
    const values = args.map((argument) =>
      typeof argument === 'object' ? argument.base + argument.perCount * items : argument,
    );
    // The whole range is one piece: it begins at 0, on thread 0. END is COUNT then.
    Reflect.apply(exports[kernel], undefined, values);
  };
}
