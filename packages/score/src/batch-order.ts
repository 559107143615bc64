/**
 * Which rows each training batch holds: position p = k·B + j of an endless sequence of keyed permutations of the
 * data, so that every epoch visits every row once, and batch k depends on (key, k) alone.
 */
import { fold, type Key } from '@diff/core';
import { keyedPermutation } from './keyed-numbers.ts';

/** Row indices of batch `step`, drawn without replacement within an epoch of `rows` rows. */
export function batchOrder(key: Key, rows: number, batchSize: number): (step: number) => Int32Array {
  let cached: { epoch: number; order: Int32Array } | undefined;
  const orderOf = (epoch: number): Int32Array => {
    if (cached?.epoch !== epoch) cached = { epoch, order: keyedPermutation(fold(key, epoch), rows) };
    return cached.order;
  };
  return (step) => {
    const batch = new Int32Array(batchSize);
    for (let done = 0; done < batchSize; ) {
      const position = step * batchSize + done;
      const start = position % rows;
      const piece = orderOf(Math.floor(position / rows)).subarray(start, start + batchSize - done);
      batch.set(piece, done);
      done += piece.length;
    }
    return batch;
  };
}
