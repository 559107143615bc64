/**
 * A stretch of a run's rows as a run of its own: the same key, the rows' place in the noise streams, and their share of
 * condition and initial state. With a model and a sampler that treat rows independently the piece is the same bits as
 * those rows of the whole.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { SampleOptions } from './sample-options.ts';

/** The stretch `start … start + size − 1` of the tensors' rows, placed at `firstRow` in the noise streams. */
export interface Piece {
  readonly start: number;
  readonly size: number;
  readonly firstRow: number;
}

/** Calls `use` with the options of the piece; its tensors live until the promise is settled. */
export async function withPiece<T>(
  options: SampleOptions,
  { start, size, firstRow }: Piece,
  use: (piece: SampleOptions) => Promise<T>,
): Promise<T> {
  const rowsOf = (x: tf.Tensor | undefined): tf.Tensor | undefined => x && tf.slice(x, [start], [size]);
  const [condition, initial] = [rowsOf(options.condition), rowsOf(options.initial)];
  try {
    const shape = [size, ...options.shape.slice(1)];
    return await use({ ...options, shape, firstRow, condition, initial });
  } finally {
    tf.dispose([condition, initial].filter((x) => x !== undefined));
  }
}
