/** Wrong results must be found, right ones let through. */
import { describe, expect, it } from 'vitest';
import { digest, disagreement } from '../src/suite/digest.ts';

const values = Float64Array.from({ length: 5000 }, (_, i) => Math.sin(i));
const expected = { values, absolute: 1e-3 };
const changed = (change: (v: Float64Array) => void): Float64Array => {
  const copy = values.slice();
  change(copy);
  return copy;
};

describe('digest', () => {
  it('lets through what is near enough', () => {
    expect(disagreement(digest(values.map((v) => v + 0.9e-3)), expected)).toBeUndefined();
    expect(disagreement(digest(Float32Array.from(values)), expected)).toBeUndefined();
    expect(disagreement(digest([]), { values: [] })).toBeUndefined();
  });

  it.each([
    [
      'a shift',
      changed((v) => v.set(v.map((x) => x + 2e-3))),
      /is -?[\d.e-]+ instead of -?[\d.e-]+ ± 0.0010/,
    ],
    ['a change of sign', values.map((v) => -v), /instead of/],
    ['another order', values.toReversed(), /instead of/],
    ['the first element', changed((v) => v.set([1])), /element 0 is 1.000000 instead of 0.000000 ± 0.0010/],
    ['the last element', changed((v) => v.set([9], 4999)), /element 4999 is 9.000000/],
    ['NaN', changed((v) => v.fill(Number.NaN)), /is not finite/],
    // Between the places that are looked at: the mean tells.
    ['one huge element', changed((v) => v.set([100], 5)), /the mean is/],
    ['one NaN', changed((v) => v.set([Number.NaN], 5)), /the mean is not finite/],
    ['a missing element', values.slice(1), /it has 4999 elements instead of 5000/],
  ])('finds %s', (_, wrong, message) => {
    expect(disagreement(digest(wrong), expected)).toMatch(message);
  });

  it('takes a limit for each element, and one relative to the value', () => {
    const wanted = { values: [1, 1000], absolute: [0.1, 0], relative: 0.01 };
    expect(disagreement(digest([1.1, 1009]), wanted)).toBeUndefined();
    expect(disagreement(digest([1.2, 1000]), wanted)).toContain('element 0');
    expect(disagreement(digest([1, 1011]), wanted)).toContain('element 1');
  });

  it('survives JSON', () => {
    const found = digest([1, Number.NaN, Number.POSITIVE_INFINITY]);
    expect(JSON.parse(JSON.stringify(found))).toEqual(found);
    expect(found.elements).toEqual([1, null, null]);
  });
});
