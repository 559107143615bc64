/**
 * The compiled kernels: which of the builds this engine can run, one instance of it, and its one memory.
 *
 * Nothing is compiled at import; the first call of `wasm()` does it (about 2 ms). There is a single
 * WebAssembly.Memory for the process, whatever number of backend instances tfjs makes: engines limit how many may
 * be alive at once.
 */
import { BackendUnavailableError } from '@diff/core';
import { SimdBackendError } from './errors.ts';
import { bytes as base } from './generated/wasm-base.ts';
import type { WasmExports } from './generated/wasm-exports.ts';
import { bytes as relaxed } from './generated/wasm-relaxed.ts';
import { createHeap, type Heap } from './heap.ts';

/** `relaxed`: fused multiply-add where the processor has it. `base`: plain 128-bit SIMD. */
export type Variant = 'relaxed' | 'base';

/** Everything that the process shares. */
export interface Wasm {
  readonly variant: Variant;
  readonly exports: WasmExports;
  readonly heap: Heap;
  readonly memory: WebAssembly.Memory;
}

const HEADER = [0, 97, 115, 109, 1, 0, 0, 0];
// One function of type () → v128 with nothing but the instructions in question.
const TYPE_V128 = [1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0];
const ZERO = [65, 0, 253, 15]; // i32.const 0, i8x16.splat
const PROBES: Readonly<Record<Variant, readonly number[]>> = {
  base: [...HEADER, ...TYPE_V128, 10, 8, 1, 6, 0, ...ZERO, 11],
  // f32x4.relaxed_madd is 0xfd 0x105
  relaxed: [...HEADER, ...TYPE_V128, 10, 19, 1, 17, 0, ...ZERO, ...ZERO, ...ZERO, 253, 133, 2, 11],
};

/** Can this engine run the given build? */
export function supports(variant: Variant): boolean {
  return typeof WebAssembly === 'object' && WebAssembly.validate(new Uint8Array(PROBES[variant]));
}

function decode(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const out = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i);
  return out;
}

let wanted: Variant | 'auto' = 'auto';
let instance: Wasm | undefined;

/**
 * Chooses the build by hand, before the backend is first used: for tests and benchmarks.
 *
 * @param variant `'auto'` (the default) takes `relaxed` where the engine has it, else `base`.
 * @throws SimdBackendError when another build is already running
 * @throws BackendUnavailableError when the engine cannot run it
 */
export function setVariant(variant: Variant | 'auto'): void {
  if (variant !== 'auto' && !supports(variant)) {
    throw new BackendUnavailableError(
      `setVariant: the '${variant}' build needs ${variant === 'base' ? 'SIMD' : 'relaxed SIMD'} in WebAssembly, which this engine does not have. Use 'auto'.`,
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
  const variant = wanted === 'auto' ? (supports('relaxed') ? 'relaxed' : 'base') : wanted;
  const memory = new WebAssembly.Memory({ initial: 64, maximum: 65536 });
  const module = new WebAssembly.Module(decode(variant === 'relaxed' ? relaxed : base));
  const exports = new WebAssembly.Instance(module, { env: { memory, abort } })
    .exports as WebAssembly.Exports & WasmExports;
  const heap = createHeap(memory, exports.heapBase.value as number);
  instance = { variant, exports, heap, memory };
  return instance;
}

function abort(_message: number, _file: number, line: number, column: number): never {
  throw new SimdBackendError(`simd: a kernel stopped at line ${line}, column ${column}. Please report this.`);
}
