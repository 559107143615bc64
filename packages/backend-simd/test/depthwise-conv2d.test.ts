import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { kernelCounts, resetKernelCounts } from '../src/index.ts';
import { type ConvCase, firstFault, twin } from './conv-twin.ts';
import { noise } from './noise.ts';

const cases: readonly ConvCase[] = [1, 3, 17].flatMap((channels) =>
  [1, 2, 3].flatMap((filters): ConvCase[] => [
    { x: [3, 7, 5, channels], w: [3, 3, channels, filters], strides: 1, pad: 'same' },
    { x: [1, 7, 5, channels], w: [3, 2, channels, filters], strides: 1, pad: 'valid' },
    { x: [3, 9, 8, channels], w: [2, 3, channels, filters], strides: 2, pad: 'same' },
    { x: [2, 4, 3, channels], w: [5, 4, channels, filters], strides: 1, pad: 2 },
    { x: [0, 4, 3, channels], w: [3, 3, channels, filters], strides: 1, pad: 'same' },
  ]),
);
const dilated: readonly ConvCase[] = [1, 3, 17].flatMap((channels): ConvCase[] => [
  { x: [3, 9, 10, channels], w: [3, 3, channels, 2], strides: 1, pad: 'same', dilations: 2 },
  { x: [2, 11, 10, channels], w: [3, 2, channels, 1], strides: 1, pad: 'valid', dilations: [1, 3] },
]);
const count = (shape: readonly number[]): number => tf.util.sizeFromShape(shape as number[]);
const named = (convs: readonly ConvCase[]): [string, ConvCase][] =>
  convs.map((conv) => [JSON.stringify(conv), conv]);

function convolve({ strides, pad, dilations = 1 }: ConvCase, x: tf.Tensor4D, w: tf.Tensor4D): tf.Tensor4D {
  return tf.depthwiseConv2d(x, w, strides, pad, 'NHWC', dilations);
}

function expectNoFallback(): void {
  expect(kernelCounts().filter(({ fallback }) => fallback > 0)).toEqual([]);
}

describe('depthwiseConv2d', () => {
  beforeAll(() => tf.setBackend('simd'));

  it.each(named([...cases, ...dilated]))('and its gradients agree with float64: %s', (_, conv) => {
    tf.tidy(() => {
      const x = noise(count(conv.x), 1);
      const w = noise(count(conv.w), 2);
      const [tx, tw] = [tf.tensor4d(x, conv.x), tf.tensor4d(w, conv.w)];
      resetKernelCounts();
      const y = convolve(conv, tx, tw);
      const dy = noise(y.size, 3);
      const expected = twin(conv, true, x, w, dy);
      expect(firstFault(y.dataSync(), expected.y), 'y').toBeUndefined();
      if (!conv.dilations) {
        const f = (a: tf.Tensor, b: tf.Tensor): tf.Tensor =>
          convolve(conv, a as tf.Tensor4D, b as tf.Tensor4D);
        const [dx, dw] = tf.grads(f)([tx, tw], tf.tensor4d(dy, y.shape));
        expect(firstFault(dx!.dataSync(), expected.dx), 'dx').toBeUndefined();
        expect(firstFault(dw!.dataSync(), expected.dw), 'dw').toBeUndefined();
      }
      expectNoFallback();
    });
  });

  it.each(named(cases.filter(({ x }) => x[0] > 1)))(
    'gives an image the same bits whatever is beside it: %s',
    (_, conv) => {
      tf.tidy(() => {
        const x = tf.tensor4d(noise(count(conv.x), 1), conv.x);
        const w = tf.tensor4d(noise(count(conv.w), 2), conv.w);
        const gradient = (t: tf.Tensor): tf.Tensor =>
          tf.grad((u: tf.Tensor) => tf.square(convolve(conv, u as tf.Tensor4D, w)))(t);
        const [y, dx] = [convolve(conv, x, w), gradient(x)];
        for (let b = 0; b < conv.x[0]; b++) {
          const one = <T extends tf.Tensor>(t: T): T => tf.slice(t, [b], [1]) as T;
          expect(convolve(conv, one(x), w).dataSync()).toEqual(one(y).dataSync());
          expect(gradient(one(x)).dataSync()).toEqual(one(dx).dataSync());
        }
      });
    },
  );

  it('carries NaN to the pixels and the channel that see it', () => {
    const x = noise(2 * 5 * 5 * 6, 1);
    x[((1 * 5 + 2) * 5 + 3) * 6 + 4] = Number.NaN;
    const y = tf.tidy(() =>
      tf
        .depthwiseConv2d(tf.tensor4d(x, [2, 5, 5, 6]), tf.tensor4d(noise(54, 2), [3, 3, 6, 1]), 1, 'same')
        .dataSync(),
    );
    y.forEach((value, i) => {
      const [b, row, column, c] = [Math.floor(i / 150), Math.floor(i / 30) % 5, Math.floor(i / 6) % 5, i % 6];
      const sees = b === 1 && Math.abs(row - 2) <= 1 && Math.abs(column - 3) <= 1 && c === 4;
      expect(Number.isNaN(value), `[${b}, ${row}, ${column}, ${c}]`).toBe(sees);
    });
  });

  const activations = {
    linear: (y: tf.Tensor) => y,
    relu: (y: tf.Tensor) => tf.relu(y),
    relu6: (y: tf.Tensor) => tf.relu6(y),
    elu: (y: tf.Tensor) => tf.elu(y),
    sigmoid: (y: tf.Tensor) => tf.sigmoid(y),
    prelu: (y: tf.Tensor, alpha: tf.Tensor) => tf.prelu(y, alpha),
  } as const;

  it.each(Object.entries(activations))(
    'fused with %s has the bits of the separate ops',
    (name, separately) => {
      const activation = name as keyof typeof activations;
      for (const conv of cases.filter(({ x }) => x[0] > 0)) {
        tf.tidy(() => {
          const x = tf.tensor4d(noise(count(conv.x), 1), conv.x);
          const filter = tf.tensor4d(noise(count(conv.w), 2), conv.w);
          const { strides } = conv;
          const pad = conv.pad as 'same' | 'valid' | number;
          const channels = conv.w[2] * conv.w[3];
          const [bias, alpha]: tf.Tensor[] = [
            tf.tensor1d(noise(channels, 3)),
            tf.tensor1d(noise(channels, 4)),
          ];
          resetKernelCounts();
          const weights = activation === 'prelu' && { preluActivationWeights: alpha! };
          const fused = tf.fused.depthwiseConv2d({
            x,
            filter,
            strides,
            pad,
            bias: bias!,
            activation,
            ...weights,
          });
          expectNoFallback();
          const y: tf.Tensor = tf.add(convolve(conv, x, filter), bias!);
          expect(fused.dataSync()).toEqual(separately(y, alpha!).dataSync());
        });
      }
    },
  );
});
