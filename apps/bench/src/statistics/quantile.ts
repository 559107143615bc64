/** Quantiles with linear interpolation between order statistics (type 7 of Hyndman and Fan 1996). */

/** The q-quantile of at least one number, 0 ≤ q ≤ 1. */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) throw new RangeError('quantile: values must hold at least one number, got none.');
  const sorted = values.toSorted((a, b) => a - b);
  const place = q * (sorted.length - 1);
  const [low, high] = [Math.floor(place), Math.ceil(place)];
  return sorted[low]! + (place - low) * (sorted[high]! - sorted[low]!);
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);
