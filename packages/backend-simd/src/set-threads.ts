import { BackendUnavailableError, DomainError, shown } from '@diff/core';
import { MAX_THREADS } from './pieces.ts';
import { whyNoThreads } from './shared-memory.ts';
import { wasm } from './wasm.ts';

/** What `'auto'` gives at most: beyond, memory is the limit for most kernels. */
const AUTO_MOST = 16;

/**
 * Computes on `n` threads from now on: the calling one and n − 1 workers, which are started (some 30 ms) or ended as
 * needed. Results have the same bits for every n. `setThreads(1)` ends all workers.
 *
 * The default is 1: workers cost memory and start-up time, an application may well want its other cores for itself
 * (or runs one process for each), and many tensors are too small to gain.
 *
 * @param n 1 … 64, or `'auto'`: as many as the machine offers (`navigator.hardwareConcurrency`), at most 16
 * @returns when the threads are ready, how many there are
 * @throws DomainError for another n
 * @throws BackendUnavailableError for n > 1 where there can be no threads: the message says why
 * @throws SimdBackendError when a worker cannot start
 *
 * @example
 * ```ts
 * import { setThreads, simdInfo } from '@diff/backend-simd';
 * import * as tf from '@tensorflow/tfjs-core';
 *
 * await tf.setBackend('simd');
 * await setThreads(2);
 * const x = tf.ones([1000, 1000]);
 * const y = tf.matMul(x, x); // on two threads
 * console.log(simdInfo().threads); // 2
 * tf.dispose([x, y]);
 * await setThreads(1);
 * ```
 */
export async function setThreads(n: number | 'auto'): Promise<number> {
  if (n !== 'auto' && !(Number.isInteger(n) && n >= 1 && n <= MAX_THREADS)) {
    throw new DomainError(
      `setThreads: n must be an integer from 1 to ${MAX_THREADS} or 'auto', got ${shown(n)}. Use 'auto' if in doubt.`,
    );
  }
  const { pool, variant } = wasm();
  if (!pool) {
    if (n === 1 || n === 'auto') return 1;
    const reason =
      whyNoThreads() ?? `the '${variant}' build was chosen. Choose 'threads' or 'auto' in setVariant`;
    throw new BackendUnavailableError(
      `setThreads: ${n} threads need a shared memory, but ${reason}. Everything works with one thread too.`,
    );
  }
  const offered = (globalThis as { navigator?: { hardwareConcurrency?: number } }).navigator
    ?.hardwareConcurrency;
  await pool.resize(n === 'auto' ? Math.min(offered ?? 1, AUTO_MOST) : n);
  return pool.threads();
}
