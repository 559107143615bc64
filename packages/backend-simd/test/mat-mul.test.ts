import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { kernelCounts, resetKernelCounts } from '../src/index.ts';
import { type Build, builds } from './builds.ts';
import { noise } from './noise.ts';

/** Sum in float64, and the sum of absolute values that bounds the error. */
function twin(
  a: Float32Array,
  b: Float32Array,
  m: number,
  n: number,
  k: number,
  transA: boolean,
  transB: boolean,
) {
  const sum = new Float64Array(m * n);
  const size = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      for (let p = 0; p < k; p++) {
        const term = a[transA ? p * m + i : i * k + p]! * b[transB ? j * k + p : p * n + j]!;
        sum[i * n + j]! += term;
        size[i * n + j]! += Math.abs(term);
      }
    }
  }
  return { sum, size };
}

const U = 2 ** -24;

/** Compares with the bound of a float32 sum of k products: (k + 1) u Σ|a b|. */
function expectProduct(actual: ArrayLike<number>, sizes: Sizes, a: Float32Array, b: Float32Array): void {
  const { m, n, k, transA, transB } = sizes;
  const { sum, size } = twin(a, b, m, n, k, transA, transB);
  expect(actual.length).toBe(m * n);
  for (let i = 0; i < sum.length; i++) {
    const error = Math.abs(actual[i]! - sum[i]!);
    if (!(error <= (k + 1) * U * size[i]!)) {
      expect.fail(
        `${m}×${k}×${n} transA=${transA} transB=${transB}: [${Math.floor(i / n)}, ${i % n}] is ${actual[i]}, expected ${sum[i]}, error ${error}`,
      );
    }
  }
}

interface Sizes {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly transA: boolean;
  readonly transB: boolean;
}

/** The kernel of a build; throws if it writes past its result or its working memory. */
function sgemm(
  { kernels, floats }: Build,
  a: Float32Array,
  b: Float32Array,
  { m, n, k, transA, transB }: Sizes,
  bias?: Float32Array,
): Float32Array {
  const needed = kernels.sgemmScratch(m, n, k) / 4;
  const [pa, pb, pc, scratch, pbias] = [
    floats(0, m * k),
    floats(1, k * n),
    floats(2, m * n + 4),
    floats(3, needed + 4),
    floats(4, n),
  ];
  pa.set(a);
  pb.set(b);
  if (bias) pbias.set(bias);
  pc.fill(Number.NaN);
  scratch.fill(Number.NaN);
  kernels.sgemm(
    pa.byteOffset,
    pb.byteOffset,
    pc.byteOffset,
    bias ? pbias.byteOffset : 0,
    m,
    n,
    k,
    transA,
    transB,
    scratch.byteOffset,
  );
  if (![...pc.slice(m * n), ...scratch.slice(needed)].every(Number.isNaN)) {
    expect.fail(`${m}×${k}×${n} transA=${transA} transB=${transB} wrote outside its memory`);
  }
  return pc.slice(0, m * n);
}

function matMul(a: Float32Array, b: Float32Array, { m, n, k, transA, transB }: Sizes): Float32Array {
  return tf.tidy(() => {
    const ta = tf.tensor2d(a, transA ? [k, m] : [m, k]);
    const tb = tf.tensor2d(b, transB ? [n, k] : [k, n]);
    return tf.matMul(ta, tb, transA, transB).dataSync<'float32'>();
  });
}

const flags = [
  [false, false],
  [true, false],
  [false, true],
  [true, true],
] as const;

describe.each(builds)('sgemm, $name build', (build) => {
  it.each(flags)('agrees with float64 around the edges of tiles, transA=%s transB=%s', (transA, transB) => {
    for (let m = 1; m <= 20; m++) {
      for (let n = 1; n <= 20; n++) {
        for (let k = 1; k <= 20; k++) {
          const a = noise(m * k, m + n);
          const b = noise(k * n, k);
          const sizes = { m, n, k, transA, transB };
          expectProduct(sgemm(build, a, b, sizes), sizes, a, b);
        }
      }
    }
  });

  it.each([
    [97, 65, 300],
    [13, 530, 260],
    [99, 521, 513],
    [200, 3, 300],
    [130, 1, 257],
    [7, 4, 1001],
    [1, 300, 300],
    [8, 131, 300],
    [9, 131, 300],
  ])('agrees with float64 past the blocks: %i × %i, depth %i', (m, n, k) => {
    for (const [transA, transB] of flags) {
      const a = noise(m * k, 1);
      const b = noise(k * n, 2);
      const sizes = { m, n, k, transA, transB };
      expectProduct(sgemm(build, a, b, sizes), sizes, a, b);
    }
  });

  it('agrees with float64 at 512 × 256, depth 256, in sampled places', () => {
    const [m, n, k] = [512, 256, 256];
    const a = noise(m * k, 1);
    const b = noise(k * n, 2);
    for (const [transA, transB] of flags) {
      const sizes = { m, n, k, transA, transB };
      const c = sgemm(build, a, b, sizes);
      const at = (i: number, p: number): number => a[sizes.transA ? p * m + i : i * k + p]!;
      const bt = (p: number, j: number): number => b[sizes.transB ? j * k + p : p * n + j]!;
      for (let sample = 0; sample < 4000; sample++) {
        const [i, j] = [(sample * 37) % m, (sample * 61) % n];
        let sum = 0;
        let size = 0;
        for (let p = 0; p < k; p++) {
          sum += at(i, p) * bt(p, j);
          size += Math.abs(at(i, p) * bt(p, j));
        }
        expect(Math.abs(c[i * n + j]! - sum)).toBeLessThanOrEqual((k + 1) * U * size);
      }
    }
  });

  it('gives each product of a batch its own operands', () => {
    const [count, m, n, k] = [3, 7, 9, 11];
    const [a, b] = [noise(count * m * k, 1), noise(count * k * n, 2)];
    const sizes = { m, n, k, transA: false, transB: false };
    const expected = Array.from({ length: count }, (_, i) => [
      ...sgemm(build, a.slice(i * m * k, (i + 1) * m * k), b.slice(i * k * n, (i + 1) * k * n), sizes),
    ]);
    const [pa, pb, pc] = [
      build.floats(0, a.length),
      build.floats(1, b.length),
      build.floats(2, count * m * n),
    ];
    const scratch = build.floats(3, build.kernels.sgemmScratch(m, n, k) / 4).byteOffset;
    pa.set(a);
    pb.set(b);
    const operands = [pa.byteOffset, 4 * m * k, pb.byteOffset, 4 * k * n, pc.byteOffset, 0] as const;
    build.kernels.sgemmBatch(...operands, count, m, n, k, false, false, scratch);
    expect([...pc]).toEqual(expected.flat());
  });

  it.each([16, 96])('reads nothing behind A and C where the memory ends with them: %i columns', (n) => {
    const [m, k] = [100, 48];
    const [a, b] = [noise(m * k, 1), noise(k * n, 2)];
    const sizes = { m, n, k, transA: false, transB: false };
    const expected = sgemm(build, a, b, sizes);
    const scratch = build.floats(3, build.kernels.sgemmScratch(m, n, k) / 4).byteOffset;
    const [pa, pb, pc] = [build.floats(0, m * k), build.floats(1, k * n), build.floats(2, m * n)];
    pb.set(b);
    for (const [lastA, lastC] of [
      [build.last(m * k), pc],
      [pa, build.last(m * n)],
    ] as const) {
      lastA.set(a);
      build.kernels.sgemm(
        lastA.byteOffset,
        pb.byteOffset,
        lastC.byteOffset,
        0,
        m,
        n,
        k,
        false,
        false,
        scratch,
      );
      expect(lastC.slice()).toEqual(expected);
    }
  });

  it('adds the bias after the sum, as a separate addition would', () => {
    for (const [m, n, k] of [
      [13, 21, 9],
      [13, 3, 9],
      [13, 21, 3],
      [2, 21, 9],
      [13, 600, 300],
    ] as const) {
      for (const [transA, transB] of flags) {
        const [a, b, bias] = [noise(m * k, 1), noise(k * n, 2), noise(n, 3)];
        const plain = sgemm(build, a, b, { m, n, k, transA, transB });
        const fused = sgemm(build, a, b, { m, n, k, transA, transB }, bias);
        expect(fused).toEqual(plain.map((v, i) => v + bias[i % n]!));
      }
    }
  });

  it.each([
    [12, 7],
    [12, 2],
    [3, 40],
    [40, 40],
    [300, 19],
    [300, 3],
  ])('gives a row the same bits whatever rows are beside it: depth %i, %i columns', (k, n) => {
    const m = 103;
    const a = noise(m * k, 5);
    const b = noise(k * n, 6);
    for (const [transA, transB] of flags) {
      const rowsOf = (from: number, count: number): Uint32Array => {
        const part = new Float32Array(count * k);
        for (let i = 0; i < count; i++) {
          for (let p = 0; p < k; p++) part[transA ? p * count + i : i * k + p] = a[(from + i) * k + p]!;
        }
        return new Uint32Array(sgemm(build, part, b, { m: count, n, k, transA, transB }, noise(n, 7)).buffer);
      };
      const whole = rowsOf(0, m);
      for (const cut of [1, 2, 3, 5, 6, 7, 8, 9, 50]) {
        for (let from = 0; from < m; from += cut) {
          const count = Math.min(cut, m - from);
          expect(rowsOf(from, count), `rows ${from}…${from + count}`).toEqual(
            whole.slice(from * n, (from + count) * n),
          );
        }
      }
    }
  });

  it.each([
    [13, 21, 9],
    [100, 530, 260],
  ])('has the same bits with B packed before, panel by panel: %i × %i, depth %i', (m, n, k) => {
    const { kernels, floats } = build;
    const [a, b, bias] = [noise(m * k, 1), noise(k * n, 2), noise(n, 3)];
    for (const [transA, transB] of flags) {
      const expected = sgemm(build, a, b, { m, n, k, transA, transB }, bias);
      const bytes = kernels.sgemmPackedBytes(n, k);
      const packed = floats(5, bytes / 4 + 4).fill(Number.NaN);
      const [pa, pb, pc, scratch, pbias] = [0, 1, 2, 3, 4].map((slot) => floats(slot, 0).byteOffset) as [
        ...[number, number, number, number, number],
      ];
      const panels = kernels.sgemmPanels(n);
      for (let j = panels - 1; j >= 0; j--) kernels.sgemmPack(pb, n, k, transB, packed.byteOffset, j, j + 1);
      expect([...packed.slice(bytes / 4)].every(Number.isNaN)).toBe(true);
      floats(2, m * n).fill(Number.NaN);
      kernels.sgemmPacked(pa, m, packed.byteOffset, pc, pbias, m, n, k, transA, scratch);
      expect(floats(2, m * n)).toEqual(expected);
    }
  });

  it('carries NaN and ∞ of a row to that row alone', () => {
    for (const n of [2, 3, 9]) {
      const a = noise(11 * 10, 1);
      a[5 * 10 + 4] = Number.NaN;
      a[7 * 10] = Number.POSITIVE_INFINITY;
      const b = noise(10 * n, 2).map(Math.abs);
      const c = sgemm(build, a, b, { m: 11, n, k: 10, transA: false, transB: false });
      for (let i = 0; i < 11; i++) {
        for (const value of c.slice(i * n, (i + 1) * n)) {
          if (i === 5) expect(value).toBeNaN();
          else if (i === 7) expect(value).toBe(Number.POSITIVE_INFINITY);
          else expect(Number.isFinite(value)).toBe(true);
        }
      }
    }
  });
});

describe('matMul', () => {
  beforeAll(() => tf.setBackend('simd'));

  it('runs on its own kernel', () => {
    resetKernelCounts();
    matMul(noise(6, 1), noise(6, 2), { m: 2, n: 2, k: 3, transA: false, transB: false });
    expect(kernelCounts().find(({ kernel }) => kernel === 'BatchMatMul')).toMatchObject({
      own: 1,
      fallback: 0,
    });
  });

  it.each([
    [0, 3, 4],
    [3, 0, 4],
    [3, 5, 0],
    [3, 2, 0],
  ])('handles empty axes: %i × %i, depth %i', (m, n, k) => {
    for (const [transA, transB] of flags) {
      expect([...matMul(noise(m * k, 1), noise(k * n, 2), { m, n, k, transA, transB })]).toEqual(
        new Array(m * n).fill(0),
      );
    }
  });

  it('broadcasts batch axes', () => {
    const shape = fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 3 });
    const masks = fc.tuple(
      fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
      fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
    );
    fc.assert(
      fc.property(
        shape,
        masks,
        fc.nat(3),
        fc.nat(3),
        fc.boolean(),
        fc.boolean(),
        (batch, [onesA, onesB], dropA, dropB, transA, transB) => {
          const [m, n, k] = [5, 6, 7];
          const batchA = batch.map((size, i) => (onesA[i] ? 1 : size)).slice(Math.min(dropA, batch.length));
          const batchB = batch.map((size, i) => (onesB[i] ? 1 : size)).slice(Math.min(dropB, batch.length));
          tf.tidy(() => {
            const a = tf.tensor(noise(tf.util.sizeFromShape(batchA) * m * k, 3), [
              ...batchA,
              ...(transA ? [k, m] : [m, k]),
            ]);
            const b = tf.tensor(noise(tf.util.sizeFromShape(batchB) * n * k, 4), [
              ...batchB,
              ...(transB ? [n, k] : [k, n]),
            ]);
            const c = tf.matMul(a, b, transA, transB);
            const outBatch = tf.broadcast_util.assertAndGetBroadcastShape(batchA, batchB);
            expect(c.shape).toEqual([...outBatch, m, n]);
            const wholeA = tf.broadcastTo(a, [...outBatch, ...a.shape.slice(-2)]).dataSync<'float32'>();
            const wholeB = tf.broadcastTo(b, [...outBatch, ...b.shape.slice(-2)]).dataSync<'float32'>();
            const values = c.dataSync();
            for (let i = 0; i < tf.util.sizeFromShape(outBatch); i++) {
              const part = values.slice(i * m * n, (i + 1) * m * n);
              expectProduct(
                part,
                { m, n, k, transA, transB },
                wholeA.slice(i * m * k, (i + 1) * m * k),
                wholeB.slice(i * n * k, (i + 1) * n * k),
              );
            }
          });
        },
      ),
      { numRuns: 200 },
    );
  });

  it('multiplies integers exactly', () => {
    const c = tf.tidy(() =>
      tf.matMul(tf.tensor2d([[16777217, 1]], [1, 2], 'int32'), tf.tensor2d([[1], [1]], [2, 1], 'int32')),
    );
    expect(c.dtype).toBe('int32');
    expect([...c.dataSync()]).toEqual([16777218]);
    c.dispose();
  });
});
