/**
 * How often each op ran on a kernel of this package and how often on a cpu kernel, and (only when asked) for how
 * long: what is slow in a program is where `fallback` is large.
 */

/** Calls of one op. Milliseconds are 0 unless `timeKernels(true)` was called; they include nested kernels. */
export interface KernelCount {
  readonly kernel: string;
  readonly own: number;
  readonly fallback: number;
  readonly ownMs: number;
  readonly fallbackMs: number;
}

interface Mutable {
  kernel: string;
  own: number;
  fallback: number;
  ownMs: number;
  fallbackMs: number;
}

const counts = new Map<string, Mutable>();
let timing = false;

function entry(kernel: string): Mutable {
  let count = counts.get(kernel);
  if (!count) {
    count = { kernel, own: 0, fallback: 0, ownMs: 0, fallbackMs: 0 };
    counts.set(kernel, count);
  }
  return count;
}

const untimed = (): void => {};

/** Counts a call of a kernel of this package; call the result when it ends. */
export function countOwn(kernel: string): () => void {
  const count = entry(kernel);
  count.own++;
  if (!timing) return untimed;
  const start = performance.now();
  return () => {
    count.ownMs += performance.now() - start;
  };
}

/** Counts a call of a cpu kernel; call the result when it ends. */
export function countFallback(kernel: string): () => void {
  const count = entry(kernel);
  count.fallback++;
  if (!timing) return untimed;
  const start = performance.now();
  return () => {
    count.fallbackMs += performance.now() - start;
  };
}

/** Switches the timing of kernels on or off (off at start: it costs 0.1 µs a call). */
export function timeKernels(on: boolean): void {
  timing = on;
}

/** All counts since the start or the last `resetKernelCounts`, slowest first (by time, then by fallback calls). */
export function kernelCounts(): KernelCount[] {
  return [...counts.values()]
    .map((count) => ({ ...count }))
    .sort(
      (p, q) => q.ownMs + q.fallbackMs - p.ownMs - p.fallbackMs || q.fallback - p.fallback || q.own - p.own,
    );
}

/**
 * Begins counting anew, for instance after a warm-up.
 *
 * @example
 * ```ts
 * import { kernelCounts, resetKernelCounts, timeKernels } from '@diff/backend-simd';
 * import * as tf from '@tensorflow/tfjs-core';
 *
 * await tf.setBackend('simd');
 * timeKernels(true);
 * resetKernelCounts();
 * tf.tidy(() => tf.matMul(tf.ones([100, 100]), tf.ones([100, 100])));
 * console.table(kernelCounts());
 * timeKernels(false);
 * ```
 */
export function resetKernelCounts(): void {
  counts.clear();
}
