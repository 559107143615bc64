/**
 * The conformance suite of the diffusion ops. Every backend, with or without fused kernels, has to pass it.
 *
 * The ops come as an argument, so that the suite runs against whichever build of @diff/core the caller tests.
 */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose, expectSameBits } from './expect-close.ts';
import {
  normalTwin,
  type Rows,
  rademacherTwin,
  softmaxMeanTwin,
  squaredDistanceTwin,
  streamOf,
  uniformTwin,
} from './twins.ts';

type Key = { readonly words: readonly [number, number, number, number] };
type Noise = (key: Key, shape: readonly number[], options?: { firstRow?: number }) => tf.Tensor;

/** The part of @diff/core that the suite drives. */
export interface DiffusionOps {
  key(seed: number): Key;
  threefry4x32: Parameters<typeof streamOf>[1];
  normal: Noise;
  uniform: Noise;
  rademacher: Noise;
  combine(
    terms: readonly (readonly [number | tf.Tensor, tf.Tensor])[],
    options?: { constant?: number; noise?: readonly [number | tf.Tensor, Key]; firstRow?: number },
  ): tf.Tensor;
  softmaxMean(
    x: tf.Tensor,
    centres: tf.Tensor,
    options: {
      noiseVariance: number | tf.Tensor;
      variance?: number | tf.Tensor;
      logWeights?: tf.Tensor;
      values?: tf.Tensor;
    },
  ): { mean: tf.Tensor; logDensity: tf.Tensor };
  pairwiseSumExp(
    x: tf.Tensor,
    y: tf.Tensor,
    o: { scale: number; weights?: tf.Tensor; excludeDiagonal?: boolean },
  ): tf.Tensor;
  pairwiseSumDistance(
    x: tf.Tensor,
    y: tf.Tensor,
    o?: { weights?: tf.Tensor; excludeDiagonal?: boolean },
  ): tf.Tensor;
  pairwiseLogSumExp(x: tf.Tensor, y: tf.Tensor, o: { potential: tf.Tensor; scale: number }): tf.Tensor;
  pairwiseNearest(
    x: tf.Tensor,
    y: tf.Tensor,
    o?: { k?: number; excludeDiagonal?: boolean },
  ): { distance: tf.Tensor; index: tf.Tensor };
}

/** Around vector widths, tiles and tails; the last one is long and odd. */
export const LENGTHS: readonly number[] = [0, 1, 3, 4, 5, 7, 8, 9, 31, 1000, 65537];

const SHORT = LENGTHS.filter((n) => n <= 31);

/** Deterministic test numbers of order one. */
function numbers(count: number, seed: number): number[] {
  return Array.from({ length: count }, (_, i) =>
    Math.fround(Math.sin(12.9898 * (i + 1) + 78.233 * seed) * 2),
  );
}

function rows(n: number, d: number, seed: number): number[][] {
  const flat = numbers(n * d, seed);
  return Array.from({ length: n }, (_, i) => flat.slice(i * d, (i + 1) * d));
}

const matrix = (values: Rows, d: number): tf.Tensor2D => tf.tensor2d(values.flat(), [values.length, d]);

async function read(t: tf.Tensor): Promise<Float32Array> {
  return Float32Array.from(await t.data());
}

export function describeDiffusionOps({ backend, ops }: { backend: string; ops: DiffusionOps }): void {
  const seeded = ops.key(20_24);
  const words = streamOf(seeded.words, ops.threefry4x32);

  describe(`diffusion ops on ${backend}`, () => {
    beforeAll(async () => {
      await tf.setBackend(backend);
      await tf.ready();
      expect(tf.getBackend()).toBe(backend);
    });

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

    it('leaves no tensors behind', () => {
      const x = tf.tensor2d(numbers(20, 1), [10, 2]);
      const before = tf.memory().numTensors;
      ops.normal(seeded, [10, 2]).dispose();
      ops.combine([[1, x]], { noise: [0.5, seeded] }).dispose();
      const { mean, logDensity } = ops.softmaxMean(x, x, { noiseVariance: 1 });
      mean.dispose();
      logDensity.dispose();
      ops.pairwiseSumDistance(x, x).dispose();
      const nearest = ops.pairwiseNearest(x, x);
      nearest.distance.dispose();
      nearest.index.dispose();
      expect(tf.memory().numTensors).toBe(before);
    });
  });
}
