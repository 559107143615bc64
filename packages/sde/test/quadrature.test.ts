import { integrate } from '@diff/sde';
import { describe, expect, it } from 'vitest';

describe('integrate', () => {
  it('is exact to 1e-13 on smooth, peaked and end-singular integrands', () => {
    expect(integrate(Math.exp, 0, 3)).toBeCloseTo(Math.expm1(3), 12);
    expect(integrate((u) => u ** 20, -1, 2)).toBeCloseTo((2 ** 21 + 1) / 21, 8);
    expect(integrate((u) => 1 / (u * u + 1e-6), -1, 1)).toBeCloseTo(2e3 * Math.atan(1e3), 8);
    expect(integrate((u) => 1 / Math.sqrt(u), 0, 4)).toBeCloseTo(4, 7);
    expect(integrate(Math.abs, -1, 2)).toBeCloseTo(2.5, 12);
    expect(integrate(Math.exp, 1, 1)).toBe(0);
    expect(integrate(Math.exp, 3, 0)).toBeCloseTo(-Math.expm1(3), 12);
    expect(integrate(() => 0, 0, 1)).toBe(0);
  });

  it('says when it cannot', () => {
    expect(() => integrate(() => Number.NaN, 0, 1)).toThrow(
      'integrate: the integrand must be finite on (0, 1), got a sum of NaN.',
    );
    expect(() => integrate((u) => Math.sin(1e9 * u), 0, 1)).toThrow('integrate: the error must fall below');
  });
});
