import { expectSameBits } from '@diff/testkit';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { kernelCounts, resetKernelCounts } from '../src/index.ts';
import { builds } from './builds.ts';
import { noise } from './noise.ts';

/** Sizes at which tiles, blocks of rows and the ways of multiplying begin and end. */
const ROWS = [1, 3, 8, 9, 31, 96, 97, 200];
const COLUMNS = [1, 4, 5, 8, 17, 64];
const DEPTHS = [0, 1, 4, 5, 31, 300];

interface Layer {
  readonly biases: readonly boolean[];
  readonly addend: boolean;
  readonly activation: 'linear' | 'silu';
  readonly sum: 'none' | 'output' | 'hidden';
}

const LAYERS: readonly Layer[] = [
  { biases: [false], addend: false, activation: 'linear', sum: 'none' },
  { biases: [true], addend: false, activation: 'silu', sum: 'none' },
  { biases: [true], addend: true, activation: 'silu', sum: 'output' },
  { biases: [false, true], addend: false, activation: 'silu', sum: 'output' },
  { biases: [true, true, false], addend: true, activation: 'linear', sum: 'none' },
];

function run(name: string, inputs: tf.Tensor[] | tf.NamedTensorMap, attrs: object = {}): tf.Tensor[] {
  const named = inputs as object as tf.NamedTensorMap;
  return [tf.engine().runKernel<tf.Tensor | tf.Tensor[]>(name, named, attrs as tf.NamedAttrMap)].flat();
}

/** The k of a later product is another one. */
const depthOf = (k: number, product: number): number => k + 2 * product;

function inputsOf({ biases, addend }: Layer, m: number, n: number, k: number): tf.Tensor[] {
  const float = (shape: number[], seed: number): tf.Tensor =>
    tf.tensor(noise(tf.util.sizeFromShape(shape), seed), shape);
  const products = biases.flatMap((hasBias, t) => [
    float([m, depthOf(k, t)], 1 + t),
    float([depthOf(k, t), n], 11 + t),
    ...(hasBias ? [float([n], 21 + t)] : []),
  ]);
  return addend ? [...products, float([m, n], 31)] : products;
}

/** The same by one op after another. */
function separately(
  { biases, addend, activation, sum: fate }: Layer,
  inputs: readonly tf.Tensor[],
): tf.Tensor[] {
  let at = 0;
  let sum: tf.Tensor | undefined;
  for (const hasBias of biases) {
    const product: tf.Tensor = tf.matMul(inputs[at++]!, inputs[at++]!);
    const shifted = hasBias ? tf.add(product, inputs[at++]!) : product;
    sum = sum ? tf.add(sum, shifted) : shifted;
  }
  if (addend) sum = tf.add(sum!, inputs[at]!);
  if (activation === 'linear') return [sum!];
  const out = run('DiffSilu', { x: sum! });
  return fate === 'none' ? out : [...out, sum!];
}

describe('DiffDense', () => {
  beforeAll(() => tf.setBackend('simd'));

  it.each(LAYERS)('has the bits of the separate ops, %o', (layer) => {
    for (const m of ROWS) {
      for (const n of COLUMNS) {
        for (const k of DEPTHS) {
          tf.tidy(() => {
            const inputs = inputsOf(layer, m, n, k);
            const expected = separately(layer, inputs);
            resetKernelCounts();
            const actual = run('DiffDense', inputs, layer);
            expect(kernelCounts().map(({ kernel, fallback }) => [kernel, fallback])).toEqual([
              ['DiffDense', 0],
            ]);
            expect(actual.length).toBe(expected.length);
            actual.forEach((y, i) => {
              expect(y.shape).toEqual([m, n]);
              expectSameBits(y.dataSync(), expected[i]!.dataSync(), `output ${i}, ${m}×${n}×${k}`);
            });
          });
        }
      }
    }
  });

  it('gives a row the same bits however the batch is cut', () => {
    const layer = LAYERS[3]!;
    const [m, n, k] = [300, 20, 40];
    tf.tidy(() => {
      const inputs = inputsOf(layer, m, n, k);
      const whole = run('DiffDense', inputs, layer)[0]!;
      for (const [from, to] of [
        [0, 1],
        [1, 9],
        [5, 102],
        [7, 300],
      ] as const) {
        const rows = (x: tf.Tensor): tf.Tensor => (x.shape[0] === m ? tf.slice(x, from, to - from) : x);
        const piece = run('DiffDense', inputs.map(rows), layer)[0]!;
        expectSameBits(piece.dataSync(), rows(whole).dataSync(), `rows ${from} to ${to}`);
      }
    });
  });

  it('says NaN and infinity where they are, in their rows alone', () => {
    tf.tidy(() => {
      const x = tf.tensor2d([1, Number.NaN, 2, 3, Number.POSITIVE_INFINITY, 1, 0, 0], [4, 2]);
      const w = tf.ones([2, 5]);
      const y = run('DiffDense', [x, w], LAYERS[0]!)[0]!;
      const rows = Array.from(tf.sum(y, 1).dataSync());
      expect(rows).toEqual([Number.NaN, 25, Number.POSITIVE_INFINITY, 0]);
    });
  });

  it('takes no rows, and leaves no tensor or memory behind', () => {
    const layer = LAYERS[2]!;
    const empty = inputsOf(layer, 0, 5, 7);
    const inputs = inputsOf(layer, 100, 33, 40);
    expect(run('DiffDense', empty, layer).map((y) => y.shape)).toEqual([
      [0, 5],
      [0, 5],
    ]);
    const once = (): void => tf.dispose(run('DiffDense', inputs, layer));
    once();
    const before = tf.memory();
    for (let i = 0; i < 10; i++) once();
    expect(tf.memory()).toEqual(before);
    tf.dispose([empty, inputs]);
  });
});

describe('DiffDenseGradient', () => {
  beforeAll(() => tf.setBackend('simd'));

  it('reads a sum that is hidden', () => {
    tf.tidy(() => {
      const inputs = inputsOf(LAYERS[2]!, 50, 7, 9);
      const [out, sum] = run('DiffDense', inputs, LAYERS[2]!) as [tf.Tensor, tf.Tensor];
      const [same, hidden] = run('DiffDense', inputs, { ...LAYERS[2]!, sum: 'hidden' }) as [
        tf.Tensor,
        tf.Tensor,
      ];
      expectSameBits(same.dataSync(), out.dataSync(), 'out');
      expect(hidden.shape).toEqual([0]);
      const [g] = run('DiffDenseGradient', { sum: tf.clone(hidden), dy: out });
      expectSameBits(g!.dataSync(), run('DiffDenseGradient', { sum, dy: out })[0]!.dataSync(), 'g');
    });
  });

  it('has the bits of the separate ops', () => {
    for (const m of [0, ...ROWS, 1000]) {
      for (const n of COLUMNS) {
        tf.tidy(() => {
          const [sum, dy, dsum] = [1, 2, 3].map((seed) => tf.tensor(noise(m * n, seed), [m, n])) as [
            tf.Tensor,
            tf.Tensor,
            tf.Tensor,
          ];
          const slope = run('DiffSiluGradient', { x: sum, dy })[0]!;
          for (const [inputs, expected] of [
            [{ sum, dy }, slope],
            [{ sum, dy, dsum }, tf.add(slope, dsum)],
          ] as const) {
            const [g, rows] = run('DiffDenseGradient', inputs);
            expectSameBits(g!.dataSync(), expected.dataSync(), `g, ${m}×${n}`);
            expectSameBits(rows!.dataSync(), tf.sum(expected, 0).dataSync(), `sums, ${m}×${n}`);
          }
        });
      }
    }
  });
});

describe.each(builds)('denseRows, $name build', ({ kernels, floats }) => {
  it('has the bits of its parts, for any rows of the whole', () => {
    const [m, n, k] = [130, 12, 9];
    let used = 0;
    /** The next block of so many floats. */
    const block = (length: number): Float32Array<ArrayBuffer> => {
      used += 1 << 14;
      return floats(0, used).subarray(used - (1 << 14), used - (1 << 14) + length);
    };
    const [x, w, b, addend] = [m * k, k * n, n, m * n].map((length, seed) => {
      const values = block(length);
      values.set(noise(length, seed + 1));
      return values.byteOffset;
    }) as [number, number, number, number];
    const [sum, out, slope, ones] = [block(m * n), block(m * n), block(m * n), block(m * n)];
    const [product, panels, scratch, table] = [1, 2, 3, 4].map(() => block(1).byteOffset) as [
      number,
      number,
      number,
      number,
    ];
    kernels.sgemmPack(w, n, k, false, panels, 0, kernels.sgemmPanels(n));
    expect(kernels.denseScratch(m, n, k)).toBeLessThanOrEqual(4 << 14);
    // x W + b, and x W once more, of panels.
    const to = [sum, out, slope].map(({ byteOffset }) => byteOffset);
    const words = [2, n, addend, ...to, x, w, b, k, x, panels, 0, -k];
    new Int32Array(sum.buffer, table, words.length).set(words);

    kernels.sgemm(x, w, sum.byteOffset, b, m, n, k, false, false, scratch);
    kernels.sgemm(x, w, product, 0, m, n, k, false, false, scratch);
    kernels.addFloats(sum.byteOffset, product, sum.byteOffset, m * n);
    kernels.addFloats(sum.byteOffset, addend, sum.byteOffset, m * n);
    kernels.silu(sum.byteOffset, out.byteOffset, m * n);
    kernels.siluGradient(sum.byteOffset, ones.fill(1).byteOffset, slope.byteOffset, m * n);
    const expected = [sum.slice(), out.slice(), slope.slice()];
    for (const cuts of [
      [0, m],
      [0, 24, m],
      [0, 96, 120, m],
    ]) {
      sum.fill(0);
      out.fill(0);
      slope.fill(0);
      // The last first: what is done must not be written over.
      for (let i = cuts.length - 1; i > 0; i--) {
        kernels.denseRows(table, cuts[i - 1]!, cuts[i]! - cuts[i - 1]!, scratch);
      }
      expectSameBits(sum, expected[0]!, `sum, cut at ${cuts}`);
      expectSameBits(out, expected[1]!, `out, cut at ${cuts}`);
      expectSameBits(slope, expected[2]!, `slope, cut at ${cuts}`);
    }
    // Neither the sum nor the slope is wanted.
    for (const address of [3, 5]) new Int32Array(sum.buffer, table, words.length)[address] = 0;
    sum.fill(7);
    slope.fill(7);
    kernels.denseRows(table, 0, m, scratch);
    expectSameBits(out, expected[1]!, 'out alone');
    expect([sum, slope].every((row) => row.every((value) => value === 7))).toBe(true);
  });
});
