import * as core from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { OutOfMemoryError, type SimdBackend } from '../src/index.ts';
import { wasm } from '../src/wasm.ts';
import { noise } from './noise.ts';

const float = (shape: number[], seed: number): tf.Tensor =>
  tf.tensor(noise(tf.util.sizeFromShape(shape), seed), shape);

interface Inputs {
  readonly x: tf.Tensor2D;
  readonly y: tf.Tensor2D;
  readonly row: tf.Tensor;
  readonly images: tf.Tensor4D;
  readonly filter: tf.Tensor4D;
}

/** Tensors that are there before the memory is full. */
function inputs(): Inputs {
  return {
    x: float([400, 100], 1) as tf.Tensor2D,
    y: float([400, 100], 2) as tf.Tensor2D,
    row: float([100], 3),
    images: float([2, 40, 40, 13], 4) as tf.Tensor4D,
    filter: float([3, 3, 13, 11], 5) as tf.Tensor4D,
  };
}

/** One op for each way in which kernels take memory. */
const ops: Record<string, (given: Inputs) => unknown> = {
  add: ({ x, y }) => tf.add(x, y),
  'add, short broadcast rows': ({ x }) => tf.add(tf.reshape(x, [8000, 5]), float([8000, 1], 1)),
  matMul: ({ x, y }) => tf.matMul(x, y, true, false),
  'matMul, few columns': ({ x, y }) => tf.matMul(x, tf.slice(y, [0, 0], [100, 3])),
  'fused matMul': ({ x, y, row }) =>
    tf.fused.matMul({
      a: x,
      b: y,
      transposeB: true,
      bias: float([400], 1),
      activation: 'relu',
      preluActivationWeights: row,
    }),
  transpose: ({ x }) => tf.transpose(x),
  concat: ({ x, y }) => tf.concat([x, y], 1),
  split: ({ x }) => tf.split(x, 5),
  softmax: ({ x }) => tf.softmax(x),
  'sum of apart axes': ({ images }) => tf.sum(images, [0, 2]),
  mean: ({ x }) => tf.mean(tf.cast(x, 'int32')),
  'all of apart axes': ({ images }) => tf.all(tf.greater(images, 0), [0, 2]),
  where: ({ x, y }) => tf.where(tf.greater(x, y), tf.cast(x, 'int32'), y),
  conv2d: ({ images, filter }) => tf.conv2d(images, filter, 1, 'same'),
  depthwiseConv2d: ({ images }) =>
    tf.depthwiseConv2d(images, float([3, 3, 13, 2], 1) as tf.Tensor4D, 1, 'same'),
  // Kernels of gradients alone: tfjs-core itself forgets what it kept for a gradient that throws.
  conv2dTranspose: ({ images }) =>
    tf.conv2dTranspose(images, float([3, 3, 7, 13], 1) as tf.Tensor4D, [2, 81, 81, 7], 2, 'valid'),
  Conv2DBackpropFilter: ({ images }) =>
    tf
      .engine()
      .runKernel(
        tf.Conv2DBackpropFilter,
        { x: images, dy: float([2, 40, 40, 11], 1) },
        { strides: 1, pad: 'same', dataFormat: 'NHWC', filterShape: [3, 3, 13, 11] },
      ),
  maxPool: ({ images }) => tf.maxPool(images, 2, 2, 'same'),
  MaxPoolGrad: ({ images }) => {
    const output = float([2, 20, 20, 13], 1);
    const attrs = { filterSize: 2, strides: 2, pad: 'same' };
    return tf.engine().runKernel(tf.MaxPoolGrad, { dy: output, input: images, output }, attrs);
  },
  resizeBilinear: ({ images }) => tf.image.resizeBilinear(images, [31, 17]),
  gather: ({ x }) => tf.gather(x, tf.tensor1d([5, 3, 399], 'int32')),
  'a cpu kernel': ({ x }) => tf.cumprod(x, 1),
  'a tensor from JavaScript': () => float([300, 300], 1),
  normal: () => core.normal(core.key(1), [300, 7]),
  combine: ({ x, y }) =>
    core.combine(
      [
        [0.5, x],
        [float([400], 1) as tf.Tensor1D, y],
      ],
      { noise: [1, core.key(1)] },
    ),
  softmaxMean: ({ x, y }) => core.softmaxMean(x, y, { variance: 1, noiseVariance: 0.5 }),
  pairwise: ({ x, y }) => [
    core.pairwiseSumExp(x, y, { scale: 1 }),
    core.pairwiseNearest(x, y, { k: 3 }).index,
  ],
};

/** Blocks and tensors that are alive. */
function alive(): { blocks: number; inUse: number; tensors: number; ids: number } {
  const { blocks, inUse } = wasm().heap.stats();
  return { blocks, inUse, tensors: tf.memory().numTensors, ids: tf.backend().numDataIds() };
}

describe('running out of memory', () => {
  beforeAll(() => tf.setBackend('simd'));
  afterEach(() => vi.restoreAllMocks());

  it.each(Object.entries(ops))(
    'at any allocation of %s leaves nothing behind and the inputs whole',
    (_, op) => {
      const given = inputs();
      const before: tf.TypedArray[] = Object.values(given).map((t: tf.Tensor) => t.dataSync());
      tf.tidy(() => void op(given));
      const start = alive();
      const { heap } = wasm();
      const allocate = heap.allocate;
      for (let failing = 1; ; failing++) {
        let count = 0;
        const spy = vi.spyOn(heap, 'allocate').mockImplementation((bytes, describe) => {
          if (++count === failing)
            throw new OutOfMemoryError(`simd: ${describe()} needs ${bytes} bytes, got none`);
          return allocate(bytes, describe);
        });
        let caught: unknown;
        try {
          tf.tidy(() => void op(given));
        } catch (error) {
          caught = error;
        }
        spy.mockRestore();
        expect(alive(), `allocation ${failing} fails`).toEqual(start);
        if (count < failing) break;
        expect(caught).toBeInstanceOf(OutOfMemoryError);
        expect((caught as Error).message).toMatch(
          /^simd: ((float32|int32|bool) tensor \[|working memory of )/,
        );
      }
      expect(Object.values(given).map((t: tf.Tensor) => t.dataSync())).toEqual(before);
      tf.dispose(Object.values(given));
    },
  );

  it('for real, at 4 GiB, says what did not fit and what is in use; all tensors stay readable, and life goes on', () => {
    const given = inputs();
    const before: tf.TypedArray[] = Object.values(given).map((t: tf.Tensor) => t.dataSync());
    const { heap } = wasm();
    // Poisoning would touch, and so take, the whole of it.
    heap.stress({ guard: true, detach: true });
    const start = alive();
    const filling: [address: number, bytes: number][] = [];
    try {
      for (let bytes = 2 ** 28; bytes >= 2 ** 14; ) {
        try {
          filling.push([heap.allocate(bytes, () => 'filling'), bytes]);
        } catch {
          bytes /= 2;
        }
      }
      expect(heap.stats().inUse).toBeGreaterThan(4.2e9);
      const full = alive();
      for (const name of [
        'add',
        'matMul',
        'conv2d',
        'a cpu kernel',
        'a tensor from JavaScript',
        'softmaxMean',
      ]) {
        let message = '';
        try {
          tf.tidy(() => void ops[name]!(given));
        } catch (error) {
          expect(error).toBeInstanceOf(OutOfMemoryError);
          message = (error as Error).message;
        }
        expect(message, name).toMatch(
          /^simd: .+ needs .+, got none: 42\d\d\.\d MB in \d+ blocks are in use and the memory of 429\d\.\d MB cannot grow so far\. Dispose tensors/,
        );
        expect(alive(), name).toEqual(full);
      }
      // Small things go on as before.
      const [first] = tf.tidy(() => tf.sum(given.x, 1)).dataSync();
      expect(first).toBeCloseTo(
        [...before[0]!.slice(0, 100)].reduce((sum, v) => sum + v, 0),
        4,
      );
    } finally {
      for (const [address, bytes] of filling) heap.release(address, bytes);
      heap.stress({ guard: true, detach: true, poison: true });
    }
    expect(Object.values(given).map((t: tf.Tensor) => t.dataSync())).toEqual(before);
    tf.dispose(Object.values(given));
    expect(alive().tensors).toBe(start.tensors - 5 + 1);
  });

  it('is sure for tensors of more than 4 GiB, and for more elements than kernels count', () => {
    const backend = tf.backend() as SimdBackend;
    const start = alive();
    expect(() => backend.output([2 ** 30 + 1], 'float32')).toThrow(OutOfMemoryError);
    expect(() => backend.output([32768, 40000], 'float32')).toThrow(
      /float32 tensor \[32768,40000\] needs 5\d{3}\.\d MB, got none/,
    );
    expect(() => backend.output([2 ** 31], 'bool')).toThrow(
      'bool tensor [2147483648] must have fewer than 2³¹ elements',
    );
    expect(alive()).toEqual(start);
  });
});
