/** `combine`: weighted sums with a constant and noise, and their gradients. */
import * as tf from '@tensorflow/tfjs-core';
import { describe, it } from 'vitest';
import type { DiffusionOps } from './diffusion-ops.ts';
import { expectClose, expectSameBits } from './expect-close.ts';
import { LENGTHS, numbers, read, SHORT } from './test-tensors.ts';
import { normalTwin, streamOf } from './twins.ts';

export function describeCombine(ops: DiffusionOps): void {
  const seeded = ops.key(20_24);
  const words = streamOf(seeded.words, ops.threefry4x32);

  describe('combine', () => {
    const cases = [1, 2, 3, 4, 6].flatMap((terms) =>
      (['scalar', 'per row', 'mixed'] as const).flatMap((weights) =>
        ([undefined, 'scalar', 'per row'] as const).map((noise) => ({ terms, weights, noise })),
      ),
    );
    it.each(cases)(
      '$terms terms, $weights weights, noise scale $noise',
      async ({ terms, weights, noise }) => {
        for (const n of terms === 2 ? LENGTHS : SHORT) {
          for (const d of n > 1000 ? [2] : [1, 2, 5]) {
            const xs = Array.from({ length: terms }, (_, i) => numbers(n * d, i));
            const perRow = (i: number): boolean =>
              weights === 'per row' || (weights === 'mixed' && i % 2 === 1);
            const w = Array.from({ length: terms }, (_, i) => numbers(perRow(i) ? n : 1, 100 + i));
            const c = numbers(noise === 'per row' ? n : 1, 999);
            const actual = await read(
              ops.combine(
                xs.map(
                  (x, i) => [perRow(i) ? tf.tensor1d(w[i]!) : w[i]![0]!, tf.tensor2d(x, [n, d])] as const,
                ),
                {
                  constant: 0.25,
                  firstRow: 3,
                  ...(noise && { noise: [noise === 'per row' ? tf.tensor1d(c) : c[0]!, seeded] as const }),
                },
              ),
            );
            const expected = Array.from({ length: n * d }, (_, e) => {
              const row = Math.floor(e / d);
              const sum = xs.reduce((s, x, i) => s + w[i]![perRow(i) ? row : 0]! * x[e]!, 0.25);
              return noise ? sum + c[noise === 'per row' ? row : 0]! * normalTwin(words, 3 * d + e) : sum;
            });
            expectClose(actual, expected, { absolute: 4e-6 }, `[${n}, ${d}]`);
          }
        }
      },
    );

    it('accepts one tensor in several terms and leaves its inputs alone', async () => {
      const x = tf.tensor2d(numbers(30, 1), [15, 2]);
      const before = await read(x);
      expectClose(
        await read(
          ops.combine([
            [2, x],
            [-0.5, x],
          ]),
        ),
        before.map((v) => 1.5 * v),
        { absolute: 1e-6 },
      );
      expectSameBits(await read(ops.combine([[1, x]])), before);
      expectSameBits(await read(x), before);
    });

    it('passes NaN and infinities on, 0·NaN included', async () => {
      const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1, 2];
      const out = await read(
        ops.combine([
          [0, tf.tensor1d(special)],
          [1, tf.ones([5])],
        ]),
      );
      expectClose(out, [Number.NaN, Number.NaN, Number.NaN, 1, 1], {});
    });

    it('does not depend on how a batch is cut', async () => {
      const x = tf.tensor2d(numbers(3000, 1), [1000, 3]);
      const p = tf.tensor2d(numbers(3000, 2), [1000, 3]);
      const scale = tf.tensor1d(numbers(1000, 3));
      const call = (start: number, size: number): tf.Tensor =>
        ops.combine(
          [
            [0.7, tf.slice(x, [start, 0], [size, 3])],
            [tf.slice(scale, start, size), tf.slice(p, [start, 0], [size, 3])],
          ],
          { noise: [0.3, seeded], firstRow: start },
        );
      const whole = await read(call(0, 1000));
      for (const size of [143, 1]) {
        const parts: number[] = [];
        for (let start = 0; start < 1000; start += size) {
          parts.push(...(await read(call(start, Math.min(size, 1000 - start)))));
        }
        expectSameBits(parts, whole, `pieces of ${size}`);
      }
    });

    it('has the gradients of a weighted sum', async () => {
      const x = tf.tensor2d(numbers(10, 1), [5, 2]);
      const w = tf.tensor1d(numbers(5, 2));
      const c = tf.tensor1d(numbers(5, 3));
      const dy = tf.tensor2d(numbers(10, 4), [5, 2]);
      const [dx, dw, dc] = tf.grads((xx: tf.Tensor, ww: tf.Tensor, cc: tf.Tensor) =>
        ops.combine(
          [
            [ww, xx],
            [2, xx],
          ],
          { noise: [cc, seeded] },
        ),
      )([x, w, c], dy);
      const xi = await read(ops.normal(seeded, [5, 2]));
      const [X, W, D] = [await read(x), await read(w), await read(dy)];
      expectClose(
        await read(dx!),
        X.map((_, e) => (W[e >> 1]! + 2) * D[e]!),
        { absolute: 1e-5 },
        'dx',
      );
      expectClose(
        await read(dw!),
        W.map((_, i) => X[2 * i]! * D[2 * i]! + X[2 * i + 1]! * D[2 * i + 1]!),
        { absolute: 1e-5 },
        'dw',
      );
      expectClose(
        await read(dc!),
        W.map((_, i) => xi[2 * i]! * D[2 * i]! + xi[2 * i + 1]! * D[2 * i + 1]!),
        { absolute: 1e-5 },
        'dc',
      );
    });
  });
}
