/**
 * Rows of numbers, perhaps with a class each, perhaps images.
 */
import { type Key, uniform } from '@diff/core';

export interface Dataset {
  readonly name: string;
  /** n rows of d numbers, row-major. */
  readonly values: Float32Array;
  readonly n: number;
  readonly d: number;
  /** One class 0 … classes − 1 per row. */
  readonly labels?: Int32Array;
  readonly classes: number;
  /** What the user calls them. */
  readonly classNames?: readonly string[];
  /** Side of the square images that the rows are, if they are. */
  readonly side?: number;
}

/** The rows with these indices, in this order. */
export function take(data: Dataset, indices: readonly number[]): Dataset {
  const { d, labels } = data;
  const values = new Float32Array(indices.length * d);
  indices.forEach((row, i) => {
    values.set(data.values.subarray(row * d, (row + 1) * d), i * d);
  });
  return {
    ...data,
    n: indices.length,
    values,
    ...(labels && { labels: Int32Array.from(indices, (row) => labels[row]!) }),
  };
}

/** Two random halves; the first has the odd row. */
export async function halves(data: Dataset, key: Key): Promise<readonly [Dataset, Dataset]> {
  const order = await permutation(key, data.n);
  const middle = Math.ceil(data.n / 2);
  return [take(data, order.slice(0, middle)), take(data, order.slice(middle))];
}

/** A random order of 0 … n − 1: the ranks of n uniforms. */
async function permutation(key: Key, n: number): Promise<number[]> {
  const draws = uniform(key, [n]);
  const u = await draws.data();
  draws.dispose();
  return Array.from({ length: n }, (_, i) => i).sort((a, b) => u[a]! - u[b]! || a - b);
}
