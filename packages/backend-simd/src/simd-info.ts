import type { HeapStats } from './heap.ts';
import { type KernelCount, kernelCounts } from './kernel-counts.ts';
import { whyNoThreads } from './shared-memory.ts';
import { bestVariant, runningWasm, type Variant } from './wasm.ts';

/** State of the backend. */
export interface SimdInfo {
  /** Can this engine run the backend at all? */
  readonly available: boolean;
  /** The build that runs, or that would run; undefined where there is no SIMD. */
  readonly variant: Variant | undefined;
  /** Number of threads that compute: 1 until `setThreads` has started more. */
  readonly threads: number;
  /** Why there can be only one, in words; undefined where `setThreads` can start more. */
  readonly whyNoThreads: string | undefined;
  /** Bytes in use, the greatest number so far, blocks, and the size of the WebAssembly memory. */
  readonly memory: HeapStats;
  /** Calls per op, on own and on cpu kernels, since the start or `resetKernelCounts()`. */
  readonly kernels: readonly KernelCount[];
}

/**
 * What runs, how much memory it uses, and which ops run on kernels of this package.
 *
 * @example
 * ```ts
 * import { simdInfo } from '@diff/backend-simd';
 * import * as tf from '@tensorflow/tfjs-core';
 *
 * await tf.setBackend('simd');
 * const x = tf.ones([3, 4]);
 * const { variant, memory, kernels } = simdInfo();
 * console.log(variant, memory.inUse, kernels.filter((count) => count.fallback > 0));
 * x.dispose();
 * ```
 */
export function simdInfo(): SimdInfo {
  const running = runningWasm();
  const possible = bestVariant();
  return {
    available: possible !== undefined,
    variant: running?.variant ?? possible,
    threads: running?.pool?.threads() ?? 1,
    whyNoThreads:
      running && !running.pool
        ? (whyNoThreads() ?? `the '${running.variant}' build was chosen`)
        : whyNoThreads(),
    memory: running?.heap.stats() ?? { inUse: 0, highWater: 0, blocks: 0, reserved: 0 },
    kernels: kernelCounts(),
  };
}
