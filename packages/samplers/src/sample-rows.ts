/**
 * Chosen rows of a run made again: row i depends on (key, i) and its condition alone, so the images that somebody picked
 * from a contact sheet need not be drawn with all the others. Neighbouring rows are drawn together.
 */
import { DomainError, ShapeError, shown } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { checkRun } from './check-run.ts';
import { type Piece, withPiece } from './run-piece.ts';
import { sample } from './sample.ts';
import type { SampleOptions } from './sample-options.ts';

export interface SampleRowsOptions extends Omit<SampleOptions, 'firstRow' | 'onStep'> {
  /** [number of rows chosen, …event]; `condition` and `initial` have the same rows. */
  readonly shape: readonly number[];
  /** Which rows of the run of this key, in any order: integers ≥ 0. */
  readonly rows: readonly number[];
}

/** Stretches of rows that follow one another. */
function stretches(rows: readonly number[]): Piece[] {
  const found: Piece[] = [];
  for (const [at, row] of rows.entries()) {
    const last = found.at(-1);
    if (last && row === last.firstRow + last.size) found[found.length - 1] = { ...last, size: last.size + 1 };
    else found.push({ start: at, size: 1, firstRow: row });
  }
  return found;
}

/**
 * Draws chosen rows of a run: what `sample` with the same key gives in these rows, bit for bit under the same conditions
 * as `sampleInBatches`.
 *
 * @returns [rows, …event] in the order of `rows`, owned by the caller.
 * @throws as `sample`; DomainError unless rows are integers ≥ 0; ShapeError unless there are as many as shape[0].
 * @example
 * ```ts
 * import { key } from '@diff/core';
 * import { ddim, sampleRows } from '@diff/samplers';
 * import { gaussian } from '@diff/score';
 * import { canonicalOu } from '@diff/sde';
 * import '@tensorflow/tfjs-backend-cpu';
 * const model = gaussian({ process: canonicalOu({ T: 5 }), mean: [1, 0] });
 * const run = { model, sampler: ddim(), grid: [5, 2, 1, 0.1], key: key(1) };
 * const picked = await sampleRows({ ...run, rows: [3, 17, 40], shape: [3, 2] });
 * ```
 */
export async function sampleRows(options: SampleRowsOptions): Promise<tf.Tensor> {
  const { rows, ...run } = options;
  checkRun('sampleRows', run);
  const bad = Array.isArray(rows) ? rows.findIndex((row) => !Number.isSafeInteger(row) || row < 0) : 0;
  if (bad >= 0) {
    throw new DomainError(
      `sampleRows: rows must be a list of integers of at least 0, got ${shown(rows)}. Pass the rows' numbers, for example [3, 17].`,
    );
  }
  if (rows.length !== run.shape[0]) {
    throw new ShapeError(
      `sampleRows: shape must begin with the number of rows, ${rows.length}, got ${shown(run.shape)}. Make the two agree.`,
    );
  }
  const made: tf.Tensor[] = [];
  try {
    for (const piece of stretches(rows)) made.push(await withPiece(run, piece, sample));
    return tf.concat(made, 0);
  } finally {
    tf.dispose(made);
  }
}
