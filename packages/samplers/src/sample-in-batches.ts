/**
 * Many samples in batches: memory is that of one batch, and the samples are those of one large run, because noise is
 * named by (key, step, row).
 */
import { requireInteger } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { checkRun } from './check-run.ts';
import { withPiece } from './run-piece.ts';
import { sample } from './sample.ts';
import type { SampleOptions, StepReport } from './sample-options.ts';

/** What `onStep` is told after each step of each batch. */
export interface BatchStepReport extends StepReport {
  /** Which batch this is, from 1 … */
  readonly batch: number;
  /** … of so many. */
  readonly batches: number;
}

export interface SampleInBatchesOptions extends Omit<SampleOptions, 'onStep'> {
  /** [total, …event]: all rows together. */
  readonly shape: readonly number[];
  /** Rows of a batch, at least 1; the last one may be smaller. */
  readonly batchSize: number;
  /** Called after every step of every batch; if it returns a promise, the run waits for it. */
  readonly onStep?: ((report: BatchStepReport) => void | Promise<void>) | undefined;
}

export interface SampleBatch {
  /** Samples of this batch, [≤ batchSize, …event]; disposed when the loop goes on. `tf.clone` what is to be kept. */
  readonly x: tf.Tensor;
  /** Row of the whole at which this batch begins, counted from the run's own firstRow. */
  readonly start: number;
  readonly batch: number;
  readonly batches: number;
}

async function* pieces(options: SampleInBatchesOptions): AsyncGenerator<SampleBatch, void, undefined> {
  const { batchSize, shape, firstRow = 0, onStep } = options;
  const total = shape[0]!;
  const batches = Math.ceil(total / batchSize);
  for (let batch = 1; batch <= batches; batch++) {
    const start = (batch - 1) * batchSize;
    const piece = { start, size: Math.min(batchSize, total - start), firstRow: firstRow + start };
    const report = onStep && ((step: StepReport) => onStep({ ...step, batch, batches }));
    const x = await withPiece({ ...options, onStep: report }, piece, sample);
    try {
      yield { x, start, batch, batches };
    } finally {
      tf.dispose(x);
    }
  }
}

/**
 * Draws `shape[0]` samples in batches and yields one batch after the other.
 *
 * The batches are the rows of `sample({ ...options })`, bit for bit where model and sampler treat rows independently and
 * the backend's kernels do not depend on the number of rows. Adaptive samplers choose their steps for the batch, so
 * their batches agree within the tolerance.
 *
 * @param options as for `sample`; `condition` and `initial` hold all rows and are cut.
 * @throws as `sample`; DomainError unless batchSize is a positive integer. Options are checked at once.
 * @example
 * ```ts
 * import { key } from '@diff/core';
 * import { ddim, sampleInBatches } from '@diff/samplers';
 * import { gaussian } from '@diff/score';
 * import { canonicalOu } from '@diff/sde';
 * import '@tensorflow/tfjs-backend-cpu';
 * const model = gaussian({ process: canonicalOu({ T: 5 }), mean: [1, 0] });
 * const run = { model, sampler: ddim(), grid: [5, 2, 1, 0.1], key: key(1) };
 * for await (const { x, batch, batches } of sampleInBatches({ ...run, shape: [10, 2], batchSize: 4 })) {
 *   console.log(`${batch}/${batches}`, await x.array());
 * }
 * ```
 */
export function sampleInBatches(
  options: SampleInBatchesOptions,
): AsyncGenerator<SampleBatch, void, undefined> {
  const { onStep: _, ...run } = options;
  checkRun('sampleInBatches', run);
  requireInteger('sampleInBatches', 'batchSize', options.batchSize, 1);
  return pieces(options);
}
