/**
 * What distinguishes the `threads` build: a memory that workers share.
 *
 * The kernels themselves need no atomic instruction (src/pieces.ts does the sharing out), so this build is another one
 * with one byte changed: the flags of the imported memory's limits, 1 (it has a maximum) → 3 (and is shared). It is what
 * the compiler makes with `--enable threads --sharedMemory`, as a test checks, at no download.
 */
import { SimdBackendError } from './errors.ts';

/** How the import `env.memory` reads in a module, up to the flags of its limits. */
const IMPORT = [3, ...Array.from('env', code), 6, ...Array.from('memory', code), 2];

function code(letter: string): number {
  return letter.charCodeAt(0);
}

/** A copy of the module, importing a shared memory. */
export function withSharedMemory(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const at = bytes.findIndex((_, start) => IMPORT.every((byte, i) => bytes[start + i] === byte));
  if (at < 0 || bytes[at + IMPORT.length] !== 1) {
    throw new SimdBackendError(
      'simd: the module must import env.memory with a maximum, got another import. Please report this.',
    );
  }
  return new Uint8Array(bytes).with(at + IMPORT.length, 3);
}

/** A shared memory with the greatest maximum that the engine grants: some reserve it at once. */
export function sharedMemory(initial: number): WebAssembly.Memory {
  for (let maximum = 65536; ; maximum /= 2) {
    try {
      return new WebAssembly.Memory({ initial, maximum, shared: true });
    } catch (error) {
      if (maximum / 2 < initial) throw error;
    }
  }
}

// A module with a shared memory and i32.atomic.load.
const PROBE = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 5, 4, 1, 3, 1, 1, 10, 11, 1, 9, 0, 65, 0, 254,
  16, 2, 0, 26, 11,
];

/** Why there can be no threads here, as words that follow "but"; undefined if there can. */
export function whyNoThreads(): string | undefined {
  const { crossOriginIsolated } = globalThis as { readonly crossOriginIsolated?: boolean };
  if (crossOriginIsolated === false) {
    return (
      'this page is not cross-origin isolated: its server must send the headers ' +
      '"Cross-Origin-Opener-Policy: same-origin" and "Cross-Origin-Embedder-Policy: require-corp"'
    );
  }
  if (typeof SharedArrayBuffer === 'undefined') return 'this engine has no SharedArrayBuffer';
  if (typeof WebAssembly !== 'object' || !WebAssembly.validate(new Uint8Array(PROBE))) {
    return 'this engine has no threads in WebAssembly';
  }
  return undefined;
}
