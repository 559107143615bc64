import type { WasmExports } from '../src/generated/wasm-exports.ts';
import { moduleBytes } from '../src/module-bytes.ts';

/** One build of the kernels over a memory of its own, without backend or tensors. */
export interface Build {
  readonly name: 'base' | 'relaxed';
  readonly kernels: WasmExports;
  /** A block of n floats at a multiple of 64 bytes, with room up to the next. The same place in every call. */
  readonly floats: (slot: number, n: number) => Float32Array<ArrayBuffer>;
  /** The last n floats of the memory. */
  readonly last: (n: number) => Float32Array<ArrayBuffer>;
}

/** Bytes between two slots. */
const SLOT = 1 << 22;

function start(name: 'base' | 'relaxed'): Build {
  const memory = new WebAssembly.Memory({ initial: (8 * SLOT) >> 16, maximum: 65536 });
  const module = new WebAssembly.Module(moduleBytes(name));
  const abort = (): never => {
    throw new Error('a kernel stopped');
  };
  const { exports } = new WebAssembly.Instance(module, { env: { memory, abort } });
  return {
    name,
    kernels: exports as WebAssembly.Exports & WasmExports,
    floats: (slot, n) => new Float32Array(memory.buffer, (slot + 1) * SLOT, n),
    last: (n) => new Float32Array(memory.buffer, memory.buffer.byteLength - 4 * n, n),
  };
}

/** Both builds: tests of what the backend's own choice of a build must not decide. */
export const builds: readonly Build[] = [start('base'), start('relaxed')];
