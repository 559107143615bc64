import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { kernelCounts, resetKernelCounts } from '../src/index.ts';
import { besideCpu } from './beside-cpu.ts';
import { type ConvCase, firstFault, twin } from './conv-twin.ts';
import { noise } from './noise.ts';

const cases: readonly ConvCase[] = [
  ...[1, 3, 17].flatMap((channels): ConvCase[] => [
    { x: [3, 7, 5, channels], w: [3, 3, channels, 4], strides: 1, pad: 'same' },
    { x: [1, 7, 5, channels], w: [3, 3, channels, 17], strides: 1, pad: 'valid' },
    { x: [3, 9, 8, channels], w: [3, 2, channels, 3], strides: [2, 3], pad: 'same' },
    { x: [2, 8, 9, channels], w: [2, 3, channels, 1], strides: [3, 1], pad: 2 },
    { x: [3, 5, 6, channels], w: [1, 1, channels, 9], strides: 1, pad: 'same' },
    { x: [3, 5, 6, channels], w: [1, 1, channels, 9], strides: 2, pad: 'same' },
    { x: [3, 5, 6, channels], w: [1, 1, channels, 5], strides: 1, pad: 1 },
    {
      x: [2, 5, 6, channels],
      w: [4, 3, channels, 8],
      strides: [1, 2],
      pad: [
        [0, 0],
        [3, 0],
        [1, 4],
        [0, 0],
      ],
    },
  ]),
  // A window wider than the image, and images of one pixel.
  { x: [2, 2, 3, 5], w: [5, 7, 5, 6], strides: 1, pad: 'same' },
  { x: [5, 1, 1, 3], w: [3, 3, 3, 6], strides: 1, pad: 'same' },
  { x: [0, 5, 5, 3], w: [3, 3, 3, 6], strides: 1, pad: 'same' },
  // Several blocks of columns, the last with few rows.
  { x: [3, 17, 19, 70], w: [3, 3, 70, 21], strides: 1, pad: 'same' },
];
const dilated: readonly ConvCase[] = [1, 3, 17].flatMap((channels): ConvCase[] => [
  { x: [3, 9, 10, channels], w: [3, 3, channels, 5], strides: 1, pad: 'same', dilations: 2 },
  { x: [2, 11, 10, channels], w: [3, 2, channels, 5], strides: 1, pad: 'valid', dilations: [1, 3] },
  { x: [2, 6, 7, channels], w: [3, 3, channels, 5], strides: 1, pad: 3, dilations: [4, 2] },
]);

const count = (shape: readonly number[]): number => tf.util.sizeFromShape(shape as number[]);
const label = (conv: ConvCase): string => JSON.stringify(conv);

function convolve({ strides, pad, dilations = 1 }: ConvCase, x: tf.Tensor4D, w: tf.Tensor4D): tf.Tensor4D {
  return tf.conv2d(x, w, strides, pad, 'NHWC', dilations);
}

function fallbacks(): string[] {
  return kernelCounts()
    .filter(({ fallback }) => fallback > 0)
    .map(({ kernel }) => kernel);
}

describe('conv2d', () => {
  beforeAll(() => tf.setBackend('simd'));

  it.each([...cases, ...dilated].map((conv) => [label(conv), conv] as const))(
    'and its gradients agree with float64: %s',
    (name, conv) => {
      tf.tidy(() => {
        const x = noise(count(conv.x), 1);
        const w = noise(count(conv.w), 2);
        const [tx, tw] = [tf.tensor4d(x, conv.x), tf.tensor4d(w, conv.w)];
        resetKernelCounts();
        const ty = convolve(conv, tx, tw);
        const dy = noise(ty.size, 3);
        const expected = twin(conv, false, x, w, dy);
        expect(firstFault(ty.dataSync(), expected.y), `y of ${name}`).toBeUndefined();
        if (!conv.dilations) {
          const [dx, dw] = tf.grads((a: tf.Tensor, b: tf.Tensor) =>
            convolve(conv, a as tf.Tensor4D, b as tf.Tensor4D),
          )([tx, tw], tf.tensor4d(dy, ty.shape));
          expect(firstFault(dx!.dataSync(), expected.dx), `dx of ${name}`).toBeUndefined();
          expect(firstFault(dw!.dataSync(), expected.dw), `dw of ${name}`).toBeUndefined();
        }
        expect(fallbacks()).toEqual([]);
      });
    },
  );

  it('transposed agrees with float64', () => {
    tf.tidy(() => {
      const conv: ConvCase = { x: [3, 9, 7, 5], w: [3, 4, 5, 6], strides: 2, pad: 'same' };
      const [w, dy] = [noise(count(conv.w), 2), noise(3 * 5 * 4 * 6, 3)];
      const x = tf.conv2dTranspose(tf.tensor4d(dy, [3, 5, 4, 6]), tf.tensor4d(w, conv.w), conv.x, 2, 'same');
      const expected = twin(conv, false, new Float32Array(count(conv.x)), w, dy);
      expect(firstFault(x.dataSync(), expected.dx)).toBeUndefined();
    });
  });

  it.each(cases.filter(({ x }) => x[0] > 1).map((conv) => [label(conv), conv] as const))(
    'gives an image the same bits whatever is beside it: %s',
    (_, conv) => {
      tf.tidy(() => {
        const [x, w] = [
          tf.tensor4d(noise(count(conv.x), 1), conv.x),
          tf.tensor4d(noise(count(conv.w), 2), conv.w),
        ];
        const gradient = (input: tf.Tensor4D, dy: tf.Tensor4D): tf.Tensor4D =>
          tf.grad((a: tf.Tensor) => convolve(conv, a as tf.Tensor4D, w))(input, dy) as tf.Tensor4D;
        const y = convolve(conv, x, w);
        const dy = tf.tensor4d(noise(y.size, 3), y.shape);
        const dx = gradient(x, dy);
        for (let b = 0; b < conv.x[0]; b++) {
          const one = <T extends tf.Tensor>(t: T): T => tf.slice(t, [b], [1]) as T;
          expect(convolve(conv, one(x), w).dataSync()).toEqual(one(y).dataSync());
          expect(gradient(one(x), one(dy)).dataSync()).toEqual(one(dx).dataSync());
        }
      });
    },
  );

  it('carries NaN to the pixels that see it, and to no others', () => {
    tf.tidy(() => {
      const conv: ConvCase = { x: [2, 6, 6, 3], w: [3, 3, 3, 4], strides: 1, pad: 'same' };
      const x = noise(count(conv.x), 1);
      x[((1 * 6 + 2) * 6 + 4) * 3 + 1] = Number.NaN;
      const w = tf.tensor4d(noise(count(conv.w), 2), conv.w);
      const y = convolve(conv, tf.tensor4d(x, conv.x), w).dataSync();
      y.forEach((value, i) => {
        const [b, oy, ox] = [Math.floor(i / 144), Math.floor(i / 24) % 6, Math.floor(i / 4) % 6];
        expect(Number.isNaN(value), `[${b}, ${oy}, ${ox}]`).toBe(
          b === 1 && Math.abs(oy - 2) <= 1 && Math.abs(ox - 4) <= 1,
        );
      });
    });
  });

  it('falls back for other layouts and types, with the same result', async () => {
    const x = (): tf.Tensor4D => tf.tensor4d(noise(2 * 3 * 5 * 6, 1), [2, 3, 5, 6]);
    const w = (): tf.Tensor4D => tf.tensor4d(noise(3 * 3 * 3 * 4, 2), [3, 3, 3, 4]);
    await besideCpu(() => tf.conv2d(x(), w(), 1, 'same', 'NCHW'), 'NCHW', { absolute: 1e-5 });
    expect(tf.getBackend()).toBe('simd');
  });
});

const activations = {
  linear: (y: tf.Tensor) => y,
  relu: (y: tf.Tensor) => tf.relu(y),
  relu6: (y: tf.Tensor) => tf.relu6(y),
  elu: (y: tf.Tensor) => tf.elu(y),
  sigmoid: (y: tf.Tensor) => tf.sigmoid(y),
  leakyrelu: (y: tf.Tensor) => tf.leakyRelu(y, 0.3),
} as const;

describe('fused.conv2d', () => {
  beforeAll(() => tf.setBackend('simd'));

  it.each(Object.entries(activations))('with %s has the bits of the separate ops', (name, activation) => {
    for (const conv of cases.slice(8, 17)) {
      for (const biasShape of [undefined, [conv.w[3]], []]) {
        tf.tidy(() => {
          const x = tf.tensor4d(noise(count(conv.x), 1), conv.x);
          const w = tf.tensor4d(noise(count(conv.w), 2), conv.w);
          const bias = biasShape && tf.tensor(noise(count(biasShape), 3), biasShape);
          resetKernelCounts();
          const fused = tf.fused.conv2d({
            x,
            filter: w,
            strides: conv.strides,
            pad: conv.pad,
            activation: name as keyof typeof activations,
            leakyreluAlpha: 0.3,
            ...(bias && { bias }),
          });
          expect(fallbacks()).toEqual([]);
          const y = convolve(conv, x, w);
          const separate = activation(bias ? tf.add(y, bias) : y);
          expect(fused.dataSync(), `${label(conv)} + [${biasShape}]`).toEqual(separate.dataSync());
        });
      }
    }
  });

  it('with prelu has the bits of the separate ops, and leaves no memory behind', () => {
    const conv = cases[0]!;
    const x = tf.tensor4d(noise(count(conv.x), 1), conv.x);
    const filter = tf.tensor4d(noise(count(conv.w), 2), conv.w);
    const alpha: tf.Tensor = tf.tensor1d(noise(4, 3));
    const run = (): tf.Tensor =>
      tf.fused.conv2d({
        x,
        filter,
        strides: 1,
        pad: 'same',
        activation: 'prelu',
        preluActivationWeights: alpha,
      });
    tf.tidy(() => {
      const y: tf.Tensor = convolve(conv, x, filter);
      expect(run().dataSync()).toEqual(tf.prelu(y, alpha).dataSync());
    });
    const before = tf.memory();
    for (let i = 0; i < 10; i++) run().dispose();
    expect(tf.memory()).toEqual(before);
    tf.dispose([x, filter, alpha]);
  });
});
