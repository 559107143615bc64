/** The noise ops: each element as it is defined, cut anywhere, with the right moments. */
import { describe, expect, it } from 'vitest';
import type { DiffusionOps } from './diffusion-ops.ts';
import { expectClose, expectSameBits } from './expect-close.ts';
import { LENGTHS, read } from './test-tensors.ts';
import { normalTwin, rademacherTwin, streamOf, uniformTwin } from './twins.ts';

export function describeNoise(ops: DiffusionOps): void {
  const seeded = ops.key(20_24);
  const words = streamOf(seeded.words, ops.threefry4x32);

  describe('noise', () => {
    const kinds = [
      ['normal', ops.normal, normalTwin, 1e-6],
      ['uniform', ops.uniform, uniformTwin, 0],
      ['rademacher', ops.rademacher, rademacherTwin, 0],
    ] as const;
    for (const [name, op, twin, tolerance] of kinds) {
      it(`${name} is the function of (key, row, column) that it is defined to be`, async () => {
        for (const n of LENGTHS) {
          for (const d of n > 1000 ? [1, 3] : [1, 2, 3, 5]) {
            for (const firstRow of n > 1000 ? [1] : [0, 1, 7, 2 ** 33 + 1]) {
              const shape = d === 1 ? [n] : [n, d];
              const actual = await read(op(seeded, shape, { firstRow }));
              const expected = Array.from(actual, (_, i) => twin(words, firstRow * d + i));
              expect(actual.length).toBe(n * d);
              expectClose(
                actual,
                expected,
                { absolute: tolerance, relative: tolerance },
                `${name} [${shape}]`,
              );
            }
          }
        }
      });

      it(`${name} does not depend on how a batch is cut`, async () => {
        const whole = await read(op(seeded, [1000, 3]));
        for (const pieces of [7, 1000]) {
          const size = Math.ceil(1000 / pieces);
          const parts: number[] = [];
          for (let start = 0; start < 1000; start += size) {
            parts.push(...(await read(op(seeded, [Math.min(size, 1000 - start), 3], { firstRow: start }))));
          }
          expectSameBits(parts, whole, `${pieces} pieces`);
        }
      });
    }

    it('normal has the moments of N(0, 1) and finite tails', async () => {
      const n = 2 ** 18;
      const z = await read(ops.normal(ops.key(1), [n]));
      const moment = (p: number): number => z.reduce((sum, v) => sum + v ** p, 0) / n;
      const within = (value: number, expected: number, variance: number): void =>
        expect(Math.abs(value - expected)).toBeLessThan(5 * Math.sqrt(variance / n));
      within(moment(1), 0, 1);
      within(moment(2), 1, 2);
      within(moment(3), 0, 15);
      within(moment(4), 3, 96);
      expect(Math.max(...z.map(Math.abs).subarray(0, 60_000))).toBeLessThan(6.8);
    });
  });
}
