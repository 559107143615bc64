import { expectClose } from '@diff/testkit';
import { describe, expect, it } from 'vitest';
import { builds } from './builds.ts';
import { noise } from './noise.ts';

const ROWS = [1, 2, 3, 4, 5, 7, 8, 9, 31, 1000];
const LENGTHS = [2, 3, 4, 5, 8, 15, 16];

/** Rows of numbers, some of them special. */
function fill(x: Float32Array, seed: number, special: boolean): void {
  x.set(noise(x.length, seed).map((v) => 8 * v));
  if (!special) return;
  for (let i = 0; i < x.length; i += 7) x[i] = [Number.NaN, Infinity, -Infinity, 3e38, -3e38][(i / 7) % 5]!;
}

describe.each(builds)('short rows, $name build', ({ kernels, floats }) => {
  const each = (run: (rows: number, n: number, x: Float32Array<ArrayBuffer>) => void): void => {
    for (const rows of ROWS) {
      for (const n of LENGTHS) run(rows, n, floats(0, rows * n));
    }
  };
  const row = (x: Float32Array, i: number, n: number): number[] => Array.from(x.subarray(i * n, (i + 1) * n));

  it('sum in order, then divide', () => {
    each((rows, n, x) => {
      const out = floats(1, rows + 1);
      for (const [special, divisor] of [
        [false, 1],
        [false, n],
        [true, 3],
      ] as const) {
        fill(x, rows + n, special);
        out.fill(-7);
        kernels.sumShortRows(x.byteOffset, out.byteOffset, rows, n, divisor);
        const twin = Array.from({ length: rows }, (_, i) =>
          Math.fround(row(x, i, n).reduce((a, b) => Math.fround(a + b)) / divisor),
        );
        expect(Array.from(out)).toEqual([...twin, -7]);
      }
    });
  });

  it('find the greatest and the least, and NaN', () => {
    each((rows, n, x) => {
      const out = floats(1, rows + 1);
      for (const special of [false, true]) {
        fill(x, rows + n, special);
        out.fill(-7);
        kernels.maxShortRows(x.byteOffset, out.byteOffset, rows, n);
        expect(Array.from(out)).toEqual([
          ...Array.from({ length: rows }, (_, i) => Math.max(...row(x, i, n))),
          -7,
        ]);
        kernels.minShortRows(x.byteOffset, out.byteOffset, rows, n);
        expect(Array.from(out)).toEqual([
          ...Array.from({ length: rows }, (_, i) => Math.min(...row(x, i, n))),
          -7,
        ]);
      }
    });
  });

  it('end where the memory may end: nothing is read behind the last', () => {
    each((rows, n, { buffer }) => {
      const x = new Float32Array(buffer, buffer.byteLength - 4 * rows * n);
      x.set(noise(rows * n, rows + n));
      const out = floats(1, rows * n);
      kernels.sumShortRows(x.byteOffset, out.byteOffset, rows, n, 1);
      expect(out[rows - 1]).toBe(row(x, rows - 1, n).reduce((a, b) => Math.fround(a + b)));
      kernels.maxShortRows(x.byteOffset, out.byteOffset, rows, n);
      expect(out[rows - 1]).toBe(Math.max(...row(x, rows - 1, n)));
      kernels.softmaxShortRows(x.byteOffset, out.byteOffset, rows, n);
      expect(out[rows * n - 1]).toBeGreaterThan(0);
    });
  });

  it('become softmax, whichever rows are beside them', () => {
    each((rows, n, x) => {
      const out = floats(1, rows * n + 1);
      const one = floats(2, n);
      for (const special of [false, true]) {
        fill(x, rows + n, special);
        out.fill(-7);
        kernels.softmaxShortRows(x.byteOffset, out.byteOffset, rows, n);
        expect(out[rows * n]).toBe(-7);
        for (let i = 0; i < rows; i++) {
          const terms = row(x, i, n).map((v, _, all) => Math.exp(v - Math.max(...all)));
          const sum = terms.reduce((a, b) => a + b);
          const actual = row(out, i, n);
          expectClose(
            actual,
            terms.map((e) => e / sum),
            { relative: 3e-7 * n, absolute: 1e-37 },
            `row ${i} of ${n}`,
          );
          kernels.softmaxShortRows(x.byteOffset + 4 * i * n, one.byteOffset, 1, n);
          expect(Array.from(one)).toEqual(actual);
        }
      }
    });
  });
});
