/**
 * A random order of the rows 0 … n − 1, keyed (Fisher–Yates; Durstenfeld, Algorithm 235, Comm. ACM 7, 1964).
 */
import { type Key, uniform } from '@diff/core';

/** @param n ≥ 0; the order is uniform to within n·2⁻²⁴ a step, the grain of the uniforms. */
export async function shuffledRows(key: Key, n: number): Promise<Int32Array> {
  const draws = uniform(key, [n]);
  try {
    const u = await draws.data<'float32'>();
    const order = Int32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = Math.floor(u[i]! * (i + 1));
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    return order;
  } finally {
    draws.dispose();
  }
}
