/** The reductions over pairs of rows, and their gradients. */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import type { DiffusionOps } from './diffusion-ops.ts';
import { expectClose } from './expect-close.ts';
import { matrix, numbers, read, rows } from './test-tensors.ts';
import { squaredDistanceTwin } from './twins.ts';

export function describePairwise(ops: DiffusionOps): void {
  describe('pairwise', () => {
    const shapes = [
      [0, 5, 2],
      [1, 1, 1],
      [3, 4, 1],
      [5, 7, 2],
      [9, 31, 3],
      [31, 9, 4],
      [8, 1000, 5],
      [4, 65, 64],
      [3, 20_000, 2],
    ] as const;
    it.each(shapes)('%i × %i pairs in %i dimensions', async (n, m, d) => {
      const x = rows(n, d, 1);
      const y = rows(m, d, 2);
      const weights = numbers(m, 3).map(Math.abs);
      const potential = numbers(m, 4);
      const squared = x.map((a) => y.map((b) => squaredDistanceTwin(a, b)));
      const [X, Y] = [matrix(x, d), matrix(y, d)];
      const sum = (f: (s: number, j: number) => number): number[] =>
        squared.map((line) => line.reduce((total, s, j) => total + f(s, j), 0));
      const close = { absolute: 1e-5, relative: 2e-6 * Math.sqrt(d) };
      expectClose(
        await read(ops.pairwiseSumExp(X, Y, { scale: 0.3 })),
        sum((s) => Math.exp(-0.3 * s)),
        close,
        'sumExp',
      );
      expectClose(
        await read(ops.pairwiseSumExp(X, Y, { scale: 0.3, weights: tf.tensor1d(weights) })),
        sum((s, j) => weights[j]! * Math.exp(-0.3 * s)),
        close,
        'weighted sumExp',
      );
      expectClose(await read(ops.pairwiseSumDistance(X, Y)), sum(Math.sqrt), close, 'sumDistance');
      expectClose(
        await read(ops.pairwiseLogSumExp(X, Y, { scale: 2, potential: tf.tensor1d(potential) })),
        squared.map((line) => {
          const terms = line.map((s, j) => potential[j]! - 2 * s);
          const top = Math.max(...terms);
          return top + Math.log(terms.reduce((total, t) => total + Math.exp(t - top), 0));
        }),
        { absolute: 1e-5 * d, relative: 1e-6 },
        'logSumExp',
      );
      const k = Math.min(3, m);
      const { distance, index } = ops.pairwiseNearest(X, Y, { k });
      const sorted = squared.map((line) =>
        line.map((s, j) => [s, j] as const).sort((a, b) => a[0] - b[0] || a[1] - b[1]),
      );
      expectClose(
        await read(distance),
        sorted.flatMap((line) => line.slice(0, k).map(([s]) => Math.sqrt(s))),
        close,
        'nearest',
      );
      expect(index.dtype).toBe('int32');
      const chosen = Array.from(await index.data());
      expectClose(
        chosen.map((j, e) => Math.sqrt(squared[Math.floor(e / k)]![j]!)),
        sorted.flatMap((line) => line.slice(0, k).map(([s]) => Math.sqrt(s))),
        close,
        'distance at the index',
      );
    });

    it('leaves out the diagonal and breaks ties by the smaller index', async () => {
      const x = tf.tensor2d([[0], [1], [0], [3]]);
      const { distance, index } = ops.pairwiseNearest(x, x, { k: 2, excludeDiagonal: true });
      expectClose(await read(distance), [0, 1, 1, 1, 0, 1, 2, 3], { absolute: 1e-6 });
      expect(Array.from(await index.data())).toEqual([2, 1, 0, 2, 0, 1, 1, 0]);
      expectClose(await read(ops.pairwiseSumDistance(x, x, { excludeDiagonal: true })), [4, 4, 4, 8], {
        absolute: 1e-6,
      });
    });

    it('keeps the digits of near pairs far from the origin', async () => {
      const x = tf.tensor2d([[1000, 1000]]);
      const y = tf.tensor2d([
        [1000.25, 1000],
        [1003, 1004],
      ]);
      expectClose(await read(ops.pairwiseSumDistance(x, y)), [5.25], { absolute: 1e-6 });
    });

    it('has gradients, with 0 for the distance of a point to itself', async () => {
      const x = tf.tensor2d([
        [0, 0],
        [1, 0],
      ]);
      const y = tf.tensor2d([
        [0, 0],
        [1, 1],
      ]);
      const gradient = tf.grad((xx: tf.Tensor) => ops.pairwiseSumDistance(xx, y))(x);
      const r = Math.SQRT1_2;
      expectClose(await read(gradient), [-r, -r, 1, -1], { absolute: 1e-6 });
      const density = tf.grad((xx: tf.Tensor) => ops.pairwiseSumExp(xx, y, { scale: 0.5 }))(x);
      const e = Math.exp(-0.5);
      expectClose(await read(density), [Math.exp(-1), Math.exp(-1), -e, e], { absolute: 1e-6 });
    });
  });
}
