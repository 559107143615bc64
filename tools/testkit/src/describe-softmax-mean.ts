/** `softmaxMean`: posterior means and log-densities of mixtures, and their gradients. */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import type { DiffusionOps } from './diffusion-ops.ts';
import { expectClose, expectSameBits } from './expect-close.ts';
import { matrix, numbers, read, rows, SHORT } from './test-tensors.ts';
import { softmaxMeanTwin } from './twins.ts';

export function describeSoftmaxMean(ops: DiffusionOps): void {
  describe('softmaxMean', () => {
    const shapes = [
      ...SHORT.map((n) => [n, 2, 8] as const),
      [1000, 2, 8],
      [5, 1, 1],
      [9, 1, 3],
      [9, 3, 5],
      [9, 4, 4],
      [9, 5, 31],
      [7, 16, 8],
      [6, 64, 100],
      [3, 65, 1000],
      [2003, 7, 33],
    ] as const;
    const variants = [
      { variance: 'number', noise: 'number', values: false },
      { variance: 'vector', noise: 'number', values: false },
      { variance: 'number', noise: 'vector', values: false },
      { variance: 'vector', noise: 'vector', values: true },
      { variance: 'zero', noise: 'number', values: true },
      { variance: 'zero', noise: 'vector', values: false },
    ] as const;
    it.each(variants)('variance $variance, noise variance $noise, values $values', async (variant) => {
      for (const [n, d, k] of shapes) {
        const x = rows(n, d, 1);
        const centres = rows(k, d, 2);
        const logWeights = numbers(k, 3);
        if (k > 4) logWeights[1] = Number.NEGATIVE_INFINITY;
        const variances = numbers(k, 4).map((v) => 0.1 + Math.abs(v));
        const noises = numbers(n, 5).map((v) => 0.05 + Math.abs(v));
        const values = rows(k, 3, 6);
        const variance = (i: number): number =>
          variant.variance === 'zero' ? 0 : variant.variance === 'number' ? 0.3 : variances[i]!;
        const noiseVariance = (i: number): number => (variant.noise === 'number' ? 0.4 : noises[i]!);
        const actual = ops.softmaxMean(matrix(x, d), matrix(centres, d), {
          variance: variant.variance === 'vector' ? tf.tensor1d(variances) : variance(0),
          noiseVariance: variant.noise === 'vector' ? tf.tensor1d(noises) : 0.4,
          logWeights: tf.tensor1d(logWeights),
          ...(variant.values && { values: matrix(values, 3) }),
        });
        const expected = softmaxMeanTwin(x, centres, {
          variance,
          noiseVariance,
          logWeight: (i) => logWeights[i]!,
          ...(variant.values && { values }),
        });
        const label = `[${n}, ${d}] on ${k}`;
        // Logits are sums of d squares of order one over 2v ≥ 0.1: their float32 error, d·10·2⁻²⁴, is what r inherits.
        const error = 1e-5 + d * 2e-6;
        expectClose(await read(actual.mean), expected.mean, { absolute: 2 * error }, `mean ${label}`);
        expectClose(
          await read(actual.logDensity),
          expected.logDensity,
          { absolute: error, relative: 1e-6 },
          `log-density ${label}`,
        );
      }
    });

    it.each([
      { of: 'posterior means', values: false, vectors: false },
      { of: 'posterior means, variances by component, noise by row', values: false, vectors: true },
      { of: 'values', values: true, vectors: false },
      { of: 'values, variances by component, noise by row', values: true, vectors: true },
    ])('blends x with $of', async ({ values: hasValues, vectors }) => {
      const blend = [-1.5, 0.75] as const;
      // Few row lengths: a backend may compile a program for each.
      for (const [n, d, k] of shapes.filter(([, length]) => length === 2 || length === 65)) {
        const x = rows(n, d, 1);
        const centres = rows(k, d, 2);
        const values = rows(k, d, 6);
        const variances = numbers(k, 4).map((v) => (vectors ? 0.1 + Math.abs(v) : 0.3));
        const noises = numbers(n, 5).map((v) => (vectors ? 0.05 + Math.abs(v) : 0.4));
        const actual = ops.softmaxMean(matrix(x, d), matrix(centres, d), {
          variance: vectors ? tf.tensor1d(variances) : 0.3,
          noiseVariance: vectors ? tf.tensor1d(noises) : 0.4,
          logWeights: tf.zeros([k]),
          ...(hasValues && { values: matrix(values, d) }),
          blend,
        });
        const expected = softmaxMeanTwin(x, centres, {
          variance: (i) => variances[i]!,
          noiseVariance: (i) => noises[i]!,
          logWeight: () => 0,
          ...(hasValues && { values }),
          blend,
        });
        const label = `[${n}, ${d}] on ${k}`;
        const error = 1e-5 + d * 2e-6;
        expectClose(await read(actual.mean), expected.mean, { absolute: 2 * error }, `blend ${label}`);
        expectClose(
          await read(actual.logDensity),
          expected.logDensity,
          { absolute: error, relative: 1e-6 },
          `log-density ${label}`,
        );
      }
    });

    it('stays finite far away and at tiny noise', async () => {
      const centres = tf.tensor2d([
        [0, 0],
        [1, 0],
        [0, 1],
      ]);
      const x = tf.tensor2d([
        [1e4, 1e4],
        [-1e4, 3],
        [1, 0],
        [0.5, 0.5],
      ]);
      for (const noiseVariance of [1e-8, 1e-4, 1, 1e8]) {
        const { mean, logDensity } = ops.softmaxMean(x, centres, { noiseVariance });
        for (const v of [...(await read(mean)), ...(await read(logDensity))]) expect(v).not.toBeNaN();
        // The third point is a centre: at small noise its own posterior mean, at large noise the centroid.
        const third = noiseVariance < 1e-2 ? [1, 0] : noiseVariance > 1e2 ? [1 / 3, 1 / 3] : undefined;
        if (third) expectClose((await read(mean)).slice(4, 6), third, { absolute: 1e-6 });
      }
    });

    it('gives weights that sum to one however large the logits are', async () => {
      const centres = tf.tensor2d([[1], [-1]]);
      for (const noiseVariance of [1e-2, 1e-4, 1e-6]) {
        const values = tf.tensor2d([[1], [1]]);
        const { mean } = ops.softmaxMean(tf.tensor2d([[0], [0.1]]), centres, { noiseVariance, values });
        expectClose(await read(mean), [1, 1], { absolute: 1e-6 }, `noise variance ${noiseVariance}`);
      }
    });

    it('gives a row the same bits wherever it stands', async () => {
      const [n, d, k] = [101, 2, 8];
      const x = matrix(rows(n, d, 1), d);
      const centres = matrix(rows(k, d, 2), d);
      const whole = ops.softmaxMean(x, centres, { variance: 0.1, noiseVariance: 0.2 });
      const parts: number[] = [];
      for (let i = 0; i < n; i++) {
        const one = ops.softmaxMean(tf.slice(x, [i, 0], [1, d]), centres, {
          variance: 0.1,
          noiseVariance: 0.2,
        });
        parts.push(...(await read(one.mean)));
      }
      expectSameBits(parts, await read(whole.mean));
    });

    it('gives a blended row the same bits wherever it stands', async () => {
      const [n, d, k] = [101, 2, 8];
      const x = matrix(rows(n, d, 1), d);
      const centres = matrix(rows(k, d, 2), d);
      const options = { variance: 0.1, noiseVariance: 0.2, values: centres, blend: [-2, 1.25] as const };
      const whole = ops.softmaxMean(x, centres, options);
      const parts: number[] = [];
      for (let i = 0; i < n; i++) {
        const one = ops.softmaxMean(tf.slice(x, [i, 0], [1, d]), centres, options);
        parts.push(...(await read(one.mean)));
      }
      expectSameBits(parts, await read(whole.mean));
    });

    it('has the gradient of a blend', async () => {
      const x = rows(4, 3, 1);
      const centres = rows(6, 3, 2);
      const blend = [-0.5, 2] as const;
      const options = {
        variance: (): number => 0.2,
        noiseVariance: (): number => 0.3,
        logWeight: (): number => 0,
        values: centres,
        blend,
      };
      const gradient = tf.grad(
        (xx: tf.Tensor) =>
          ops.softmaxMean(xx, matrix(centres, 3), {
            variance: 0.2,
            noiseVariance: 0.3,
            logWeights: tf.zeros([6]),
            values: matrix(centres, 3),
            blend,
          }).mean,
      )(matrix(x, 3));
      const h = 1e-5;
      const sumOfRow = (moved: number[][], i: number): number =>
        softmaxMeanTwin(moved, centres, options)
          .mean.slice(3 * i, 3 * i + 3)
          .reduce((a, b) => a + b, 0);
      const expected = x.flatMap((row, i) =>
        row.map((_, j) => {
          const moved = (s: number): number =>
            sumOfRow(
              x.map((r, ii) => r.map((v, jj) => (ii === i && jj === j ? v + s : v))),
              i,
            );
          return (moved(h) - moved(-h)) / (2 * h);
        }),
      );
      expectClose(await read(gradient), expected, { absolute: 1e-4 });
    });

    it('has the gradient of the log-density', async () => {
      const x = rows(4, 3, 1);
      const centres = rows(6, 3, 2);
      const options = {
        variance: (): number => 0.2,
        noiseVariance: (): number => 0.3,
        logWeight: (): number => 0,
      };
      const gradient = tf.grad(
        (xx: tf.Tensor) =>
          ops.softmaxMean(xx, matrix(centres, 3), {
            variance: 0.2,
            noiseVariance: 0.3,
            logWeights: tf.zeros([6]),
          }).logDensity,
      )(matrix(x, 3));
      const h = 1e-5;
      const expected = x.flatMap((row, i) =>
        row.map((_, j) => {
          const moved = (s: number): number =>
            softmaxMeanTwin(
              x.map((r, ii) => r.map((v, jj) => (ii === i && jj === j ? v + s : v))),
              centres,
              options,
            ).logDensity[i]!;
          return (moved(h) - moved(-h)) / (2 * h);
        }),
      );
      expectClose(await read(gradient), expected, { absolute: 1e-4 });
    });
  });
}
