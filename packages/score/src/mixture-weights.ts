/**
 * The weights of a mixture and draws of its components.
 */
import { DomainError, type Key, ShapeError, shown, uniform } from '@diff/core';

/**
 * Normalises weights to sum 1.
 *
 * @param weights non-negative numbers with a positive sum; default equal ones.
 * @throws ShapeError for another number of them, DomainError for negative or non-finite ones or sum 0.
 */
export function normalizedWeights(
  where: string,
  weights: ArrayLike<number> | undefined,
  count: number,
): Float64Array {
  if (weights === undefined) return new Float64Array(count).fill(1 / count);
  if (weights.length !== count) {
    throw new ShapeError(
      `${where}: weights must have length ${count} (one per component), got ${weights.length}. Pass one weight each.`,
    );
  }
  let sum = 0;
  for (let k = 0; k < count; k++) {
    const w = weights[k]!;
    if (!(w >= 0 && Number.isFinite(w))) {
      throw new DomainError(
        `${where}: weights must be non-negative finite numbers, got ${shown(w)} at [${k}]. Pass probabilities or any multiple of them.`,
      );
    }
    sum += w;
  }
  if (!(sum > 0)) {
    throw new DomainError(
      `${where}: weights must have a positive sum, got ${sum}. Give at least one component some weight.`,
    );
  }
  return Float64Array.from(weights, (w) => w / sum);
}

/**
 * n independent components, drawn with the given probabilities: row i from uniform number i of the stream.
 *
 * @param weights normalised, non-negative.
 * @returns int32 indices [n].
 */
export async function drawComponents(
  key: Key,
  n: number,
  weights: Float64Array,
  firstRow: number,
): Promise<Int32Array> {
  const cumulative = new Float64Array(weights.length);
  let last = 0;
  let sum = 0;
  weights.forEach((w, k) => {
    sum += w;
    cumulative[k] = sum;
    if (w > 0) last = k;
  });
  const u = uniform(key, [n], { firstRow });
  const values = await u.data();
  u.dispose();
  return Int32Array.from(values, (value) => {
    let low = 0;
    let high = last;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (cumulative[middle]! > value) high = middle;
      else low = middle + 1;
    }
    return low;
  });
}
