/**
 * Comparing arrays of numbers so that a failure says where, what, and how far off.
 */
import { expect } from 'vitest';

export interface Tolerance {
  /** Largest allowed |actual − expected|. */
  readonly absolute?: number;
  /** Largest allowed |actual − expected| / |expected|; the two bounds add up. */
  readonly relative?: number;
}

/** Equal NaNs and equal infinities count as equal. */
function gap(actual: number, expected: number): number {
  if (Number.isNaN(actual) && Number.isNaN(expected)) return 0;
  return actual === expected ? 0 : Math.abs(actual - expected);
}

/** Fails unless every element is within `absolute + relative·|expected|`; NaN only matches NaN. */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { absolute = 0, relative = 0 }: Tolerance,
  label = 'values',
): void {
  expect(actual.length, `${label}: number of elements`).toBe(expected.length);
  let worst = -1;
  let worstExcess = 0;
  for (let i = 0; i < expected.length; i++) {
    const allowed = absolute + relative * (Number.isFinite(expected[i]!) ? Math.abs(expected[i]!) : 0);
    const excess = gap(actual[i]!, expected[i]!) - allowed;
    if (excess > worstExcess || Number.isNaN(excess)) {
      worst = i;
      worstExcess = Number.isNaN(excess) ? Number.POSITIVE_INFINITY : excess;
    }
  }
  if (worst >= 0) {
    expect.fail(
      `${label}[${worst}] is ${actual[worst]}, expected ${expected[worst]}; ` +
        `off by ${gap(actual[worst]!, expected[worst]!)}, allowed ${absolute} + ${relative}·|expected|`,
    );
  }
}

/** Fails unless both hold the same bits, element by element. */
export function expectSameBits(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  label = 'values',
): void {
  expect(actual.length, `${label}: number of elements`).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    if (!Object.is(actual[i], expected[i])) {
      expect.fail(`${label}[${i}] is ${actual[i]}, expected exactly ${expected[i]}`);
    }
  }
}
