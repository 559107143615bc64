/**
 * The compiled kernels: which of the builds this engine can run, one instance of it, and its one memory.
 *
 * Nothing is compiled at import; the first call of `wasm()` does it (about 2 ms). There is a single
 * WebAssembly.Memory for the process, whatever number of backend instances tfjs makes: engines limit how many may
 * be alive at once.
 */
import { BackendUnavailableError } from '@diff/core';
import { SimdBackendError } from './errors.ts';
import type { WasmExports } from './generated/wasm-exports.ts';
import { createHeap, type Heap } from './heap.ts';
import { moduleBytes } from './module-bytes.ts';
import { createParallel, type Parallel } from './parallel.ts';
import { MAX_THREADS } from './pieces.ts';
import { createPool, type Pool } from './pool.ts';
import { sharedMemory, whyNoThreads, withSharedMemory } from './shared-memory.ts';

/**
 * `relaxed`: fused multiply-add where the processor has it. `base`: plain 128-bit SIMD. `threads`: the better of these
 * two that the engine has, over a shared memory, so that `setThreads` can start workers.
 */
export type Variant = 'threads' | 'relaxed' | 'base';

/** Everything that the process shares. */
export interface Wasm {
  readonly variant: Variant;
  readonly exports: WasmExports;
  readonly heap: Heap;
  readonly memory: WebAssembly.Memory;
  /** Calls a kernel over a range, on all threads that there are. */
  readonly parallel: Parallel;
  /** The threads; undefined where the memory is not shared. */
  readonly pool: Pool | undefined;
}

const HEADER = [0, 97, 115, 109, 1, 0, 0, 0];
// One function of type () → v128 with nothing but the instructions in question.
const TYPE_V128 = [1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0];
const ZERO = [65, 0, 253, 15]; // i32.const 0, i8x16.splat
const PROBES: Readonly<Record<'base' | 'relaxed', readonly number[]>> = {
  base: [...HEADER, ...TYPE_V128, 10, 8, 1, 6, 0, ...ZERO, 11],
  // f32x4.relaxed_madd is 0xfd 0x105
  relaxed: [...HEADER, ...TYPE_V128, 10, 19, 1, 17, 0, ...ZERO, ...ZERO, ...ZERO, 253, 133, 2, 11],
};

/** Can this engine run the given build? */
export function supports(variant: Variant): boolean {
  if (variant === 'threads') return supports('base') && whyNoThreads() === undefined;
  return typeof WebAssembly === 'object' && WebAssembly.validate(new Uint8Array(PROBES[variant]));
}

/** The best build that this engine can run; undefined where there is no SIMD. */
export function bestVariant(): Variant | undefined {
  return (['threads', 'relaxed', 'base'] as const).find(supports);
}

let wanted: Variant | 'auto' = 'auto';
let instance: Wasm | undefined;

/**
 * Chooses the build by hand, before the backend is first used: for tests and benchmarks.
 *
 * @param variant `'auto'` (the default) takes `threads` where the engine has it, else `relaxed`, else `base`.
 * @throws SimdBackendError when another build is already running
 * @throws BackendUnavailableError when the engine cannot run it
 */
export function setVariant(variant: Variant | 'auto'): void {
  if (variant !== 'auto' && !supports(variant)) {
    const needs = {
      base: 'SIMD in WebAssembly, which this engine does not have',
      relaxed: 'relaxed SIMD in WebAssembly, which this engine does not have',
      threads: `shared memory, but ${whyNoThreads() ?? 'this engine has no SIMD in WebAssembly'}`,
    };
    throw new BackendUnavailableError(
      `setVariant: the '${variant}' build needs ${needs[variant]}. Use 'auto'.`,
    );
  }
  if (instance && variant !== 'auto' && variant !== instance.variant) {
    throw new SimdBackendError(
      `setVariant: the build must be chosen before the backend is first used, but '${instance.variant}' is running already. Call setVariant right after the import.`,
    );
  }
  wanted = variant;
}

/** The running module, or undefined if the backend has not been used yet. */
export function runningWasm(): Wasm | undefined {
  return instance;
}

/** The module of this process, started at the first call. @throws BackendUnavailableError where there is no SIMD */
export function wasm(): Wasm {
  if (instance) return instance;
  if (!supports('base')) {
    throw new BackendUnavailableError(
      `simd: needs WebAssembly with SIMD, which this engine does not have. Update it (any browser since 2023, Node ≥ 22), or use another backend.`,
    );
  }
  const variant = wanted === 'auto' ? (bestVariant() ?? 'base') : wanted;
  const isRelaxed = variant === 'relaxed' || (variant === 'threads' && supports('relaxed'));
  const bytes = moduleBytes(isRelaxed ? 'relaxed' : 'base');
  const isShared = variant === 'threads';
  const module = new WebAssembly.Module(isShared ? withSharedMemory(bytes) : bytes);
  const memory = isShared ? sharedMemory(64) : new WebAssembly.Memory({ initial: 64, maximum: 65536 });
  const exports = new WebAssembly.Instance(module, { env: { memory, abort } })
    .exports as WebAssembly.Exports & WasmExports;
  const heapBase = exports.heapBase.value as number;
  if (!isShared) {
    const parallel = createParallel(exports, undefined);
    instance = { variant, exports, heap: createHeap(memory, heapBase), memory, parallel, pool: undefined };
    return instance;
  }
  // Each thread's own memory comes first. This thread moves there too: a worker's start writes the static data anew.
  const room = exports.threadMemoryBytes();
  const roomOf = (thread: number): number => Math.ceil(heapBase / 64) * 64 + thread * room;
  exports.useThreadMemory(roomOf(0));
  const pool = createPool({ module, memory, exports, roomOf });
  const heap = createHeap(memory, roomOf(MAX_THREADS));
  instance = { variant, exports, heap, memory, parallel: createParallel(exports, pool), pool };
  return instance;
}

function abort(_message: number, _file: number, line: number, column: number): never {
  throw new SimdBackendError(`simd: a kernel stopped at line ${line}, column ${column}. Please report this.`);
}
