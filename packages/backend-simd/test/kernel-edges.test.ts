/** Edges of kernels where a fault would touch a neighbour, or hide below the tolerance of the other tests. */
import * as core from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { besideCpu } from './beside-cpu.ts';
import { builds } from './builds.ts';
import { noise } from './noise.ts';

/** Geometry of one image line with windows of 1 × `window`, as src/kernels/window.ts writes it. */
const line = (width: number, window: number, left: number, out: number): number[] => [
  ...[1, 1, width, 1],
  ...[1, out, 1, window],
  ...[1, 1, 1, 1],
  ...[0, left],
];

describe.each(builds)('kernels write what is theirs, $name build', ({ kernels, floats }) => {
  it.each([
    [18, 3, 0, 16],
    [19, 7, 0, 13],
    [9, 3, 1, 9],
    [5, 2, 4, 13],
  ])('columns of an image of width %i, window %i, padding %i', (width, window, left, out) => {
    const geometry = new Int32Array(floats(0, 14).buffer, floats(0, 14).byteOffset, 14);
    geometry.set(line(width, window, left, out));
    const image = floats(1, width);
    image.set(noise(width, 1));
    const columns = floats(2, out * window + 4).fill(77);
    kernels.imageToColumns(image.byteOffset, columns.byteOffset, geometry.byteOffset, 0, out);
    const expected = Array.from({ length: out * window }, (_, k) => {
      const from = Math.floor(k / window) - left + (k % window);
      return image[from] ?? 0;
    });
    expect([...columns]).toEqual([...expected, 77, 77, 77, 77]);
  });

  it('rows chosen by a condition', () => {
    for (const rowLength of [1, 2, 3, 4, 7]) {
      for (const n of [0, 1, 4, 5, 8]) {
        const size = n * rowLength;
        const condition = new Uint8Array(floats(0, n).buffer, floats(0, n).byteOffset, n);
        condition.set(Array.from({ length: n }, (_, i) => (i % 3 === 0 ? 1 : 0)));
        const [a, b, out] = [floats(1, size + 4), floats(2, size + 4), floats(3, size + 4)];
        a.set(noise(size + 4, 1));
        b.set(noise(size + 4, 2));
        out.fill(77);
        kernels.select32(condition.byteOffset, a.byteOffset, b.byteOffset, out.byteOffset, n, rowLength);
        const expected = [...b.slice(0, size)].map((v, k) =>
          condition[Math.floor(k / rowLength)] ? a[k]! : v,
        );
        // A last vector may reach to the next multiple of 16 bytes, which belongs to the block.
        const kept = rowLength === 1 ? Math.ceil(size / 4) * 4 : size;
        expect([...out.slice(0, size)]).toEqual(expected);
        expect([...out.slice(kept)]).toEqual(new Array(size + 4 - kept).fill(77));
      }
    }
  });

  it('extremes of rows and of columns', () => {
    const [outer, n] = [3, 5];
    for (let inner = 1; inner <= 17; inner++) {
      const [x, out] = [floats(0, (outer + 1) * n * inner), floats(1, outer * inner + 8)];
      x.set(noise(x.length, inner));
      for (const [reduce, best] of [
        [kernels.maxReduce, Math.max],
        [kernels.minReduce, Math.min],
      ] as const) {
        out.fill(77);
        reduce(x.byteOffset, out.byteOffset, outer, n, inner);
        const expected = Array.from({ length: outer * inner }, (_, k) => {
          const first = Math.floor(k / inner) * n * inner + (k % inner);
          return best(...Array.from({ length: n }, (__, j) => x[first + j * inner]!));
        });
        expect([...out], `inner ${inner}`).toEqual([...expected, ...new Array<number>(8).fill(77)]);
      }
    }
  });

  it('sums by segment, at every length of row', () => {
    for (let rowLength = 1; rowLength <= 9; rowLength++) {
      const [n, segments] = [5, 3];
      // One more, which must not count.
      const x = floats(0, (n + 1) * rowLength);
      x.set(noise((n + 1) * rowLength, 1));
      const ids = new Int32Array(floats(1, n + 1).buffer, floats(1, n).byteOffset, n + 1);
      ids.set([2, 0, 1, 0, 7, 1]);
      const out = floats(2, segments * rowLength + 4).fill(0);
      kernels.segmentSum(x.byteOffset, ids.byteOffset, out.byteOffset, n, rowLength, segments);
      const expected = new Float32Array(segments * rowLength + 4);
      for (let i = 0; i < 4; i++) {
        for (let j = 0; j < rowLength; j++) expected[ids[i]! * rowLength + j]! += x[i * rowLength + j]!;
      }
      expect([...out]).toEqual([...expected]);
    }
  });

  /** Indices, with one more that must not count. */
  const indicesIn = (slot: number, values: readonly number[]): number => {
    const { buffer, byteOffset } = floats(slot, values.length);
    new Int32Array(buffer, byteOffset, values.length).set(values);
    return byteOffset;
  };

  it.each([1, 2, 3])('rows of %i by index, other indices for each of a batch', (rowLength) => {
    const [batch, outer, dim, count] = [3, 2, 4, 5];
    const indices = Array.from({ length: batch * count + 1 }, (_, i) => (7 * i + 2) % dim);
    const x = floats(1, batch * outer * dim * rowLength);
    x.set(noise(x.length, 1));
    const size = batch * outer * count * rowLength;
    const out = floats(2, size + 4).fill(77);
    const from = indicesIn(0, indices);
    kernels.gatherRows(x.byteOffset, from, out.byteOffset, batch, outer, dim, count, 4 * rowLength);
    const expected = Array.from({ length: size }, (_, k) => {
      const row = Math.floor(k / rowLength);
      const place = Math.floor(row / count);
      const index = indices[Math.floor(place / outer) * count + (row % count)]!;
      return x[(place * dim + index) * rowLength + (k % rowLength)]!;
    });
    expect([...out]).toEqual([...expected, 77, 77, 77, 77]);
  });

  it('ones at indices', () => {
    const [n, depth] = [5, 3];
    const { buffer, byteOffset } = floats(1, (n + 1) * depth);
    const out = new Int32Array(buffer, byteOffset, (n + 1) * depth).fill(77);
    kernels.oneHot32(indicesIn(0, [2, 0, 3, -1, 1, 1]), byteOffset, n, depth, 9, 4);
    const rows = [
      [4, 4, 9],
      [9, 4, 4],
      [4, 4, 4],
      [4, 4, 4],
      [4, 9, 4],
    ];
    // The last vector of the filling may reach to the next multiple of 16 bytes.
    expect([...out.slice(0, n * depth)]).toEqual(rows.flat());
    expect(out[n * depth + 1]).toBe(77);
  });

  it('columns added to an image', () => {
    for (const [width, window, left, out] of [
      [18, 3, 0, 16],
      [19, 7, 0, 13],
      [9, 3, 1, 9],
    ] as const) {
      const geometry = new Int32Array(floats(0, 14).buffer, floats(0, 14).byteOffset, 14);
      geometry.set(line(width, window, left, out));
      const columns = floats(1, out * window);
      columns.set(noise(out * window, 1));
      const image = floats(2, width + 4).fill(0);
      kernels.columnsToImage(columns.byteOffset, image.byteOffset, geometry.byteOffset, 0, out);
      const expected = new Float32Array(width + 4);
      for (let k = 0; k < out * window; k++) {
        const at = Math.floor(k / window) - left + (k % window);
        if (0 <= at && at < width) expected[at]! += columns[k]!;
      }
      expect([...image]).toEqual([...expected]);
    }
  });
});

describe.each(builds)('working memory ends where the kernel says, $name build', ({ kernels, floats }) => {
  const SENTINEL = 4096;

  /** Runs a kernel on working memory of `bytes` bytes; fails if it wrote behind it. */
  function inside(bytes: number, run: (scratch: number) => void, label: string): void {
    const scratch = floats(5, bytes / 4 + SENTINEL).fill(77);
    run(scratch.byteOffset);
    expect(
      scratch.subarray(bytes / 4).every((v) => v === 77),
      label,
    ).toBe(true);
  }

  /** Addresses of arrays, one behind the other in slots 0 … 4. */
  function put(...arrays: Float32Array[]): number[] {
    return arrays.map((values, slot) => {
      floats(slot, values.length).set(values);
      return floats(slot, values.length).byteOffset;
    });
  }

  const rows = [1, 7, 8, 9, 63, 64, 65, 128, 200];

  it.each([
    ['shared', 0, 0],
    ['each', 1, 0],
    ['rows', 0, 1],
    ['pair', 1, 1],
  ])('softmaxMean, variances %s', (label, perComponent, perRow) => {
    for (const n of rows) {
      for (const [d, count] of [
        [0, 3],
        [1, 5],
        [2, 65],
        [5, 64],
        [6, 130],
      ] as const) {
        const positive = (k: number, seed: number) => noise(k, seed).map((v) => 1 + Math.abs(v));
        const [x, centres, logWeights, v] = put(
          noise(n * d, 1),
          noise(count * d, 2),
          noise(count, 3),
          positive(Math.max(n, count), 4),
        ) as [number, number, number, number];
        const out = floats(4, n * d + n);
        const [mean, logDensity] = [out.byteOffset, out.byteOffset + 4 * n * d];
        const [variances, noises] = [perComponent ? v : 0, perRow ? v : 0];
        inside(
          kernels.softmaxMeanScratch(d, d, count),
          (scratch) =>
            kernels.softmaxMean(
              ...([x, n, d, centres, count, logWeights, variances, 0.5, noises, 0.25] as const),
              ...([0, d, 1, -1.5, 0.75, mean, logDensity, scratch] as const),
            ),
          `${label} ${n} × ${d}, ${count} components`,
        );
      }
    }
  });

  it('pairwise sums and nearest rows', () => {
    for (const n of rows) {
      for (const [d, m] of [
        [1, 5],
        [2, 64],
        [3, 65],
        [7, 130],
      ] as const) {
        const [x, y, out, which] = put(
          noise(n * d, 1),
          noise(m * d, 2),
          new Float32Array(4 * n),
          new Float32Array(4 * n),
        ) as [number, number, number, number];
        for (const reduce of [0, 1, 2])
          inside(
            kernels.pairwiseSumScratch(d),
            (scratch) =>
              kernels.pairwiseSum(reduce, x, n, d, y, m, reduce === 2 ? y : 0, 1, true, out, scratch, 0),
            `reduce ${reduce}, ${n} × ${d}, ${m}`,
          );
        inside(
          kernels.pairwiseNearestScratch(d),
          (scratch) => kernels.pairwiseNearest(x, n, d, y, m, 4, false, out, which, scratch, 0),
          `nearest ${n} × ${d}, ${m}`,
        );
      }
    }
  });

  it('points without columns: all distances are 0', () => {
    const [n, m] = [11, 7];
    const [x, out] = [floats(0, 1), floats(1, n)];
    const run = (scratch: number) =>
      kernels.pairwiseSum(0, x.byteOffset, n, 0, x.byteOffset, m, 0, 1, false, out.byteOffset, scratch, 0);
    inside(kernels.pairwiseSumScratch(0), run, 'no columns');
    expect([...out]).toEqual(new Array(n).fill(m));
  });

  it('combine, with numbers and with one weight a row', () => {
    for (const size of [1, 3, 1027]) {
      const [x, weights, out] = put(noise(size, 1), noise(size, 2), new Float32Array(size)) as [
        number,
        number,
        number,
      ];
      for (const terms of [0, 1, 3, 6, 14]) {
        for (const rows of [0, weights]) {
          const table = floats(3, 4 * terms);
          const words = new Int32Array(table.buffer, table.byteOffset, 4 * terms);
          for (let i = 0; i < terms; i++) {
            words.set([x, rows], 4 * i);
            table[4 * i + 2] = 1;
          }
          inside(
            kernels.combineScratch(terms),
            (scratch) =>
              kernels.combine(
                ...([table.byteOffset, terms, size, 0, size, 1, 0.5] as const),
                ...([1, 2, rows, 1, 2, 3, 4, 0, out, scratch] as const),
              ),
            `${terms} terms of ${size}, ${rows ? 'one weight a row' : 'numbers'}`,
          );
        }
      }
    }
  });

  it('noise from anywhere', () => {
    const [out] = put(new Float32Array(3000)) as [number];
    for (const kind of [0, 1, 2])
      for (const start of [0, 1, 3, 31, 32])
        for (const count of [0, 1, 5, 29, 32, 33, 2100])
          inside(
            kernels.noiseScratch(),
            (scratch) => kernels.noiseRange(kind, 1, 2, 3, 4, start, count, out, scratch),
            `${kind} ${start} ${count}`,
          );
  });
});

describe('edges through the backend', () => {
  beforeAll(() => tf.setBackend('simd'));

  it('many terms of combine stay in their working memory', async () => {
    for (const terms of [1, 3, 6, 9, 14]) {
      const xs = Array.from({ length: terms }, (_, i) => tf.tensor1d(noise(1027, i)));
      const ws = Array.from({ length: terms }, (_, i) => tf.tensor1d(noise(1027, 50 + i)));
      const pairs = xs.map((x, i) => [ws[i]!, x] as const);
      const sum = core.combine(pairs, { noise: [ws[0]!, core.key(1)] });
      const noises = core.normal(core.key(1), [1027]).dataSync();
      const [vx, vw] = [xs, ws].map((list) => list.map((t) => t.dataSync())) as [
        Float32Array[],
        Float32Array[],
      ];
      const values = sum.dataSync();
      for (let e = 0; e < 1027; e++) {
        const parts = [...vx.map((x, i) => x[e]! * vw[i]![e]!), vw[0]![e]! * noises[e]!];
        const [exact, size] = [parts, parts.map(Math.abs)].map((list) => list.reduce((s, v) => s + v, 0)) as [
          number,
          number,
        ];
        expect(Math.abs(values[e]! - exact)).toBeLessThanOrEqual((terms + 2) * 2 ** -24 * size + 1e-12);
      }
      tf.dispose([...xs, ...ws, sum]);
    }
  });

  it('windows may lie wholly in the padding', async () => {
    await besideCpu(
      () =>
        tf.conv2d(
          tf.tensor4d(noise(3 * 4 * 2, 1), [1, 3, 4, 2]),
          tf.tensor4d(noise(2 * 2 * 2 * 5, 2), [2, 2, 2, 5]),
          1,
          [
            [0, 0],
            [4, 3],
            [5, 4],
            [0, 0],
          ],
        ),
      'padding of more than a window',
      { absolute: 1e-6 },
    );
  });
});

/** Distance between neighbouring float32 numbers at y. */
const ulp = (y: number): number => 2 ** (Math.max(Math.floor(Math.log2(Math.abs(y))), -126) - 23);

describe.each(builds)('functions inside of kernels, $name build', ({ name, kernels, floats }) => {
  it('the exponential of softmax, softmaxMean and pairwise is within 1 ulp, and 0 below −87.3', () => {
    const n = 1 << 16;
    const [x, y, out, scratch] = [floats(0, n), floats(1, 1), floats(2, n), floats(3, 4096)];
    y[0] = 0;
    for (let i = 0; i < n; i++) x[i] = Math.sqrt((88 * i) / n);
    kernels.pairwiseSum(
      0,
      x.byteOffset,
      n,
      1,
      y.byteOffset,
      1,
      0,
      1,
      false,
      out.byteOffset,
      scratch.byteOffset,
      0,
    );
    let worst = 0;
    for (let i = 0; i < n; i++) {
      const argument = -Math.fround(x[i]! * x[i]!);
      if (argument < Math.fround(-87.3)) expect(out[i]).toBe(0);
      else worst = Math.max(worst, Math.abs(out[i]! - Math.exp(argument)) / ulp(Math.exp(argument)));
    }
    expect(worst, name).toBeLessThan(1);
    expect(worst).toBeGreaterThan(0.4);
  });

  it('the logarithm of Box–Muller is within 1 ulp', () => {
    // Angle 0: the first of a pair of normals is √(−2 ln u).
    const groups = 64;
    const words = floats(0, groups * 32);
    const bits = new Uint32Array(words.buffer, words.byteOffset, groups * 32);
    let worst = 0;
    for (let round = 0; round < 64; round++) {
      const a = Array.from(
        { length: groups * 16 },
        (_, i) => Math.floor(((i + round / 64) / (groups * 16)) * 2 ** 32) >>> 0,
      );
      // Four words 0 of four blocks, then words 1, 2, 3 of them.
      for (let v = 0; v < groups * 8; v++) {
        for (let lane = 0; lane < 4; lane++) bits[4 * v + lane] = v % 2 === 0 ? a[(v / 2) * 4 + lane]! : 0;
      }
      kernels.boxMuller(words.byteOffset, groups);
      for (let v = 0; v < groups * 4; v++) {
        for (let lane = 0; lane < 4; lane++) {
          const u = Math.fround(Math.fround(a[v * 4 + lane]!) * 2 ** -32 + 2 ** -33);
          const exact = Math.sqrt(-2 * Math.log(u));
          // Vectors 0 and 2 of a quadruple are numbers 0 and 2 of its blocks.
          const at = 16 * (v >> 1) + 4 * lane + 2 * (v & 1);
          worst = Math.max(worst, Math.abs(words[at]! - exact) / ulp(exact));
        }
      }
    }
    // 1 ulp of the logarithm is half that of the root, the root and cos 0 are rounded.
    expect(worst, name).toBeLessThan(1.5);
    expect(worst).toBeGreaterThan(0.4);
  });
});
