/**
 * Core's pairwise reductions, taken over pieces of rows so that the event loop gets a turn and an AbortSignal is
 * obeyed between pieces. Sums come back in float64, one for each row.
 */
import { type Pacer, pairwiseNearest } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';

/** Multiply-adds of one piece: about a second on the slowest backend, some milliseconds on the fast ones. */
const PIECE_WORK = 2 ** 23;

async function overPieces(
  x: tf.Tensor,
  work: number,
  pacer: Pacer,
  visit: (piece: tf.Tensor, firstRow: number) => Promise<void>,
): Promise<void> {
  const [n, d] = x.shape as [number, number];
  const rows = Math.max(1, Math.floor(PIECE_WORK / work));
  for (let first = 0; first < n; first += rows) {
    await pacer.turn();
    const piece = tf.slice(x, [first, 0], [Math.min(rows, n - first), d]);
    try {
      await visit(piece, first);
    } finally {
      piece.dispose();
    }
  }
}

/** Σ_j of a pairwise reduction for every row of x, in float64. */
export async function rowSums(
  x: tf.Tensor,
  y: tf.Tensor,
  reduce: (piece: tf.Tensor, y: tf.Tensor) => tf.Tensor,
  pacer: Pacer,
): Promise<Float64Array> {
  const out = new Float64Array(x.shape[0]!);
  await overPieces(x, y.size, pacer, async (piece, firstRow) => {
    const sums = reduce(piece, y);
    try {
      out.set(await sums.data<'float32'>(), firstRow);
    } finally {
      sums.dispose();
    }
  });
  return out;
}

export interface Neighbours {
  /** n × k, nearest first. */
  readonly distance: Float32Array;
  readonly index: Int32Array;
  readonly k: number;
}

async function nearestOf(x: tf.Tensor, y: tf.Tensor, k: number, pacer: Pacer): Promise<Neighbours> {
  const n = x.shape[0]!;
  const distance = new Float32Array(n * k);
  const index = new Int32Array(n * k);
  await overPieces(x, y.size, pacer, async (piece, firstRow) => {
    const found = pairwiseNearest(piece, y, { k });
    try {
      distance.set(await found.distance.data<'float32'>(), firstRow * k);
      index.set(await found.index.data<'int32'>(), firstRow * k);
    } finally {
      tf.dispose([found.distance, found.index]);
    }
  });
  return { distance, index, k };
}

/** The k nearest rows of y to every row of x, nearest first. */
export function neighbours(x: tf.Tensor, y: tf.Tensor, k: number, pacer: Pacer): Promise<Neighbours> {
  return nearestOf(x, y, k, pacer);
}

/** The k nearest other rows of x to every row of x (a row is not its own neighbour; an equal row is). */
export async function neighboursWithin(x: tf.Tensor, k: number, pacer: Pacer): Promise<Neighbours> {
  const wide = await nearestOf(x, x, k + 1, pacer);
  const n = x.shape[0]!;
  const distance = new Float32Array(n * k);
  const index = new Int32Array(n * k);
  for (let i = 0; i < n; i++) {
    // Rows equal to row i may come before it; where k + 1 of them do, row i is not in the list: drop the last.
    let self = wide.index.subarray(i * (k + 1), (i + 1) * (k + 1)).indexOf(i);
    if (self < 0) self = k;
    for (let j = 0; j < k; j++) {
      const from = i * (k + 1) + (j < self ? j : j + 1);
      distance[i * k + j] = wide.distance[from]!;
      index[i * k + j] = wide.index[from]!;
    }
  }
  return { distance, index, k };
}
