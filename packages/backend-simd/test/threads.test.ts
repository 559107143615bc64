import * as core from '@diff/core';
import { expectSameBits } from '@diff/testkit';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { setThreads, simdInfo } from '../src/index.ts';
import { grain } from '../src/parallel.ts';
import { wasm } from '../src/wasm.ts';
import { noise } from './noise.ts';

const made = new Map<string, Float32Array>();

/** Numbers for a seed; made once, since many cases take the same. */
function numbers(n: number, seed: number): Float32Array {
  const name = `${n} ${seed}`;
  const known = made.get(name) ?? noise(n, seed);
  made.set(name, known);
  return known;
}

const float = <R extends tf.Rank>(shape: number[], seed: number): tf.Tensor<R> =>
  tf.tensor(numbers(tf.util.sizeFromShape(shape), seed), shape as tf.ShapeMap[R]);

type Case = readonly [name: string, run: () => tf.Tensor | tf.Tensor[]];

/** Sizes that are cut, and not into equal pieces. */
const n = 100_003;
const vector = () => float<tf.Rank.R1>([n], 1);
const matrix = () => float<tf.Rank.R2>([1009, 131], 2);
const points = (rows: number, d: number, seed: number) => float<tf.Rank.R2>([rows, d], seed);
const images = (channels: number, seed: number) => float<tf.Rank.R4>([5, 23, 19, channels], seed);

const products = (['', 'transposeA', 'transposeB', 'both transposed'] as const).flatMap((how): Case[] => {
  const transposeA = how === 'transposeA' || how.startsWith('both');
  const transposeB = how === 'transposeB' || how.startsWith('both');
  const a = (m: number, k: number) => points(transposeA ? k : m, transposeA ? m : k, 3);
  const b = (k: number, columns: number) => points(transposeB ? columns : k, transposeB ? k : columns, 4);
  const product = (m: number, k: number, columns: number): Case => [
    `matMul ${m}×${k}×${columns} ${how}`,
    () => tf.matMul(a(m, k), b(k, columns), transposeA, transposeB),
  ];
  return [
    product(1009, 67, 45),
    product(211, 300, 517), // B packed once for all, two blocks of k and of n
    product(3001, 131, 3), // narrow
    product(5003, 3, 70), // shallow
  ];
});

const cases: readonly Case[] = [
  ...products,
  ['matMul, one B for a batch', () => tf.matMul(float([7, 101, 33], 5), float([1, 33, 40], 6))],
  ['matMul, a batch', () => tf.matMul(float([37, 31, 33], 5), float([37, 33, 20], 6))],
  ['matMul, a broadcast batch', () => tf.matMul(float([3, 1, 301, 33], 5), float([2, 33, 70], 6))],
  [
    'fused matMul',
    () =>
      tf.fused.matMul({
        a: matrix(),
        b: points(131, 77, 7),
        bias: float([77], 8),
        activation: 'leakyrelu',
        leakyreluAlpha: 0.1,
      }),
  ],
  ['abs', () => tf.abs(vector())],
  ['exp', () => tf.exp(vector())],
  ['expm1', () => tf.expm1(vector())],
  ['log', () => tf.log(vector())],
  ['log1p', () => tf.log1p(vector())],
  ['sin', () => tf.sin(vector())],
  ['cos', () => tf.cos(vector())],
  ['tanh', () => tf.tanh(vector())],
  ['erf', () => tf.erf(vector())],
  ['sigmoid', () => tf.sigmoid(vector())],
  ['softplus', () => tf.softplus(vector())],
  ['sqrt', () => tf.sqrt(vector())],
  ['square', () => tf.square(vector())],
  ['clipByValue', () => tf.clipByValue(vector(), -0.5, 0.25)],
  ['leakyRelu', () => tf.leakyRelu(vector(), 0.3)],
  ['isNaN', () => tf.isNaN(vector())],
  ['add', () => tf.add(vector(), float([n], 9))],
  ['less', () => tf.less(vector(), float([n], 9))],
  ['mul by a row', () => tf.mul(matrix(), float([131], 10))],
  ['sub a column', () => tf.sub(matrix(), float([1009, 1], 11))],
  ['div by a scalar', () => tf.div(vector(), 3)],
  ['maximum of narrow rows', () => tf.maximum(points(50_001, 3, 12), float([3], 13))],
  ['sum of rows', () => tf.sum(matrix(), 1)],
  ['sum of columns', () => tf.sum(matrix(), 0)],
  ['sum of 5 columns after the tile', () => tf.sum(points(40_000, 21, 12), 0)],
  ['sum of the middle', () => tf.sum(float([11, 130, 131], 14), 1)],
  ['sum of pairs', () => tf.sum(float([301, 300, 2], 14), 1)],
  ['mean of triples', () => tf.mean(float([301, 300, 3], 14), 1)],
  ['max', () => tf.max(matrix(), 1)],
  ['min', () => tf.min(float([11, 130, 131], 15), 1)],
  ['argMax', () => tf.argMax(matrix(), 1)],
  ['addN', () => tf.addN([vector(), vector(), vector()])],
  ['where', () => tf.where(tf.greater(vector(), 0), vector(), tf.neg(vector()))],
  [
    'where by rows',
    () => kernel('Select', { condition: tf.greater(float([1009], 3), 0), t: matrix(), e: tf.neg(matrix()) }),
  ],
  ['sum of short rows', () => tf.sum(points(30_001, 7, 3), 1)],
  ['max of short rows', () => tf.max(points(30_001, 7, 3), 1)],
  ['softmax of short rows', () => tf.softmax(points(30_001, 7, 3))],
  ['silu', () => kernel('DiffSilu', { x: vector() })],
  ['silu gradient', () => kernel('DiffSiluGradient', { x: vector(), dy: float([n], 3) })],
  [
    'dense',
    () => {
      const inputs = [matrix(), points(131, 77, 7), float([77], 8), points(1009, 9, 9), points(9, 77, 10)];
      const layer = { biases: [true, false], addend: false, activation: 'silu', sum: 'output' };
      return kernel('DiffDense', inputs as object as tf.NamedTensorMap, layer);
    },
  ],
  [
    'dense gradient',
    () =>
      kernel('DiffDenseGradient', { sum: matrix(), dy: points(1009, 131, 5), dsum: points(1009, 131, 6) }),
  ],
  [
    'layers and their gradients',
    () => {
      const all = [matrix(), points(131, 77, 7), float([77], 8), points(77, 77, 9), points(77, 20, 10)];
      const product = (x: number, place: number, bias = -1) => ({ x, kernel: place, bias });
      const layers = [
        { products: [product(0, 0, 1)], addend: -1, activation: 'silu' },
        { products: [product(1, 2)], addend: 0, activation: 'silu' },
        { products: [product(2, 3)], addend: -1, activation: 'linear' },
      ];
      const run = (name: string, tensors: tf.Tensor[], attrs: object): tf.Tensor[] =>
        kernel(
          name,
          tensors as object as tf.NamedTensorMap,
          { layers, inputs: 1, ...attrs } as object as tf.NamedAttrMap,
        );
      const [out, kept] = run('DiffLayers', all, { keep: true }) as [tf.Tensor, tf.Tensor];
      const gradientsOf = (of: string) => run('DiffLayersGradient', [...all, kept, out], { of });
      return [out, ...gradientsOf('weights'), ...gradientsOf('inputs')];
    },
  ],
  [
    'adam',
    () => {
      const [parameters, first, gradient] = [4, 5, 6].map((seed) => float([1, n], seed)) as [
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
      ];
      const attrs = { beta1: 0.9, beta2: 0.99, clipNorm: 1, decay: 0.999, rate: 1e-3, epsilon: 1e-8 };
      return kernel('DiffAdam', { parameters, first, second: tf.square(first), gradient }, attrs);
    },
  ],
  [
    'adam with its average',
    () => {
      const rows = [4, 5, 6].map((seed) => tf.abs(float([1, n], seed)));
      const pieces = [7, 10].flatMap((seed) => [
        float([n - 8], seed),
        float([3], seed + 1),
        float([5], seed + 2),
      ]);
      const attrs = {
        beta1: 0.9,
        beta2: 0.99,
        clipNorm: 1,
        decay: 0.999,
        rate: 1e-3,
        epsilon: 1e-8,
        kept: 0.9,
        measure: true,
      };
      return kernel('DiffAdamAverage', [...rows, ...pieces] as object as tf.NamedTensorMap, attrs);
    },
  ],
  ['softmax', () => tf.softmax(matrix())],
  ['transpose', () => tf.transpose(matrix())],
  ['transpose of four axes', () => tf.transpose(images(31, 16), [0, 3, 1, 2])],
  ['slice', () => tf.slice(matrix(), [1, 3], [1001, 101])],
  ['tile', () => tf.tile(matrix(), [2, 1])],
  [
    'pad',
    () =>
      tf.pad(matrix(), [
        [1, 2],
        [3, 0],
      ]),
  ],
  ['reverse', () => tf.reverse(matrix(), 0)],
  ['concat', () => tf.concat([matrix(), matrix()], 1)],
  ['conv2d', () => tf.conv2d(images(9, 17), float([3, 3, 9, 20], 18), 1, 'same')],
  ['conv2d, strided', () => tf.conv2d(images(9, 17), float([3, 3, 9, 20], 18), 2, 'valid')],
  ['conv2d, pointwise', () => tf.conv2d(images(29, 17), float([1, 1, 29, 20], 18), 1, 'same')],
  ['conv2d gradients', () => gradients(tf.conv2d, 9, [3, 3, 9, 20])],
  ['conv2d gradients, pointwise', () => gradients(tf.conv2d, 29, [1, 1, 29, 20])],
  ['depthwiseConv2d', () => tf.depthwiseConv2d(images(33, 17), float([3, 3, 33, 1], 18), 1, 'same')],
  ['depthwiseConv2d gradients', () => gradients(tf.depthwiseConv2d, 33, [3, 3, 33, 2])],
  ['maxPool', () => tf.maxPool(images(33, 17), 3, 2, 'same')],
  ['avgPool', () => tf.avgPool(images(33, 17), 3, 1, 'same')],
  [
    'maxPool gradient',
    () => tf.grad((x: tf.Tensor) => tf.maxPool(x as tf.Tensor4D, 3, 2, 'same'))(images(33, 17)),
  ],
  [
    'avgPool gradient',
    () => tf.grad((x: tf.Tensor) => tf.avgPool(x as tf.Tensor4D, 3, 1, 'same'))(images(33, 17)),
  ],
  ['normal', () => core.normal(core.key(1), [n, 3], { firstRow: 3 })],
  ['uniform', () => core.uniform(core.key(1), [n], { firstRow: 2 ** 40 + 1 })],
  ['rademacher', () => core.rademacher(core.key(1), [n])],
  [
    'combine',
    () => {
      const [w, c] = [float<tf.Rank.R1>([33_335], 19), float<tf.Rank.R1>([33_335], 20)];
      const terms = [
        [w, points(33_335, 3, 21)],
        [2, points(33_335, 3, 22)],
      ] as const;
      return core.combine(terms, { constant: 1, noise: [c, core.key(2)], firstRow: 5 });
    },
  ],
  [
    'softmaxMean',
    () => {
      const variance = tf.abs(float<tf.Rank.R1>([90], 23));
      const noiseVariance = tf.abs(float<tf.Rank.R1>([1003], 24));
      const { mean, logDensity } = core.softmaxMean(points(1003, 3, 25), points(90, 3, 26), {
        logWeights: float<tf.Rank.R1>([90], 27),
        variance,
        noiseVariance,
        blend: [-0.5, 2],
      });
      return [mean, logDensity];
    },
  ],
  ['pairwiseSumExp', () => core.pairwiseSumExp(points(1003, 3, 25), points(203, 3, 26), { scale: 0.5 })],
  [
    'pairwiseSumExp without the diagonal',
    () =>
      core.pairwiseSumExp(points(1003, 3, 25), points(1003, 3, 26), { scale: 0.5, excludeDiagonal: true }),
  ],
  ['pairwiseSumDistance', () => core.pairwiseSumDistance(points(1003, 3, 25), points(203, 3, 26))],
  [
    'pairwiseNearest without the diagonal',
    () => {
      const x = points(1003, 3, 25);
      const { distance, index } = core.pairwiseNearest(x, x, { k: 3, excludeDiagonal: true });
      return [distance, index];
    },
  ],
];

/** A kernel without an op in tfjs or @diff/core. */
function kernel(name: string, inputs: tf.NamedTensorMap, attrs: tf.NamedAttrMap = {}): tf.Tensor[] {
  return [tf.engine().runKernel<tf.Tensor | tf.Tensor[]>(name, inputs, attrs)].flat();
}

type Convolution = typeof tf.conv2d | typeof tf.depthwiseConv2d;

/** With respect to the images and to the filter. */
function gradients(op: Convolution, channels: number, filter: number[]): tf.Tensor[] {
  const f = (x: tf.Tensor, w: tf.Tensor) => op(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same');
  const inputs = [images(channels, 17), float(filter, 18)];
  const dy = float(f(inputs[0]!, inputs[1]!).shape, 28);
  return tf.grads(f)(inputs, dy);
}

async function results(run: Case[1]): Promise<ArrayLike<number>[]> {
  const tensors = tf.tidy(() => [run()].flat());
  const values = await Promise.all(tensors.map((t) => t.data()));
  tf.dispose(tensors);
  return values;
}

describe('threads', () => {
  const pool = () => wasm().pool!;

  beforeAll(async () => {
    await tf.setBackend('simd');
  });
  afterAll(async () => {
    await setThreads(1);
  });

  it('give the bits of one thread in every kernel that is cut', async () => {
    await setThreads(1);
    const expected: ArrayLike<number>[][] = [];
    for (const [, run] of cases) expected.push(await results(run));
    const jobs = vi.spyOn(pool(), 'run');
    for (const threads of [2, 3, 4]) {
      expect(await setThreads(threads)).toBe(threads);
      expect(simdInfo().threads).toBe(threads);
      for (const [i, [name, run]] of cases.entries()) {
        jobs.mockClear();
        const actual = await results(run);
        expect(jobs.mock.calls.length, `${name} is cut`).toBeGreaterThan(0);
        for (const [k, values] of actual.entries())
          expectSameBits(values, expected[i]![k]!, `${name}, ${threads} threads`);
      }
    }
    jobs.mockRestore();
  });

  it('give the bits of one thread at every small size, cut as fine as can be', async () => {
    const small = [0, 1, 2, 3, 5, 8, 31, 32, 33, 65, 129].flatMap((rows) =>
      [1, 2, 3, 4, 5, 17, 40].map((columns) => [rows, columns] as const),
    );
    const ops = (rows: number, columns: number): tf.Tensor[] => {
      const x = points(rows, columns, 30);
      const row = float<tf.Rank.R1>([columns], 31);
      return [
        tf.tanh(x),
        tf.add(x, row),
        tf.sub(x, points(rows, 1, 32)),
        tf.greater(x, row),
        tf.sum(x, 0),
        tf.sum(x, 1),
        tf.softmax(x),
        tf.transpose(x),
        tf.matMul(x, points(columns, 9, 33)),
        tf.matMul(x, points(rows, 6, 34), true),
        core.combine([[2, x]], { noise: [1, core.key(3)], firstRow: 1 }),
        core.pairwiseSumDistance(x, points(7, columns, 35)),
      ];
    };
    const all = async () => {
      const out: ArrayLike<number>[] = [];
      for (const [rows, columns] of small) out.push(...(await results(() => ops(rows, columns))));
      return out;
    };
    await setThreads(1);
    const expected = await all();
    const usual = { ...grain };
    try {
      Object.assign(grain, { worth: 0, piece: 1e-3 });
      await setThreads(3);
      for (const [i, values] of (await all()).entries()) {
        const [rows, columns] = small[Math.floor(i / 12)]!;
        expectSameBits(values, expected[i]!, `op ${i % 12} of ${rows} × ${columns}`);
      }
    } finally {
      Object.assign(grain, usual);
    }
  });
});
