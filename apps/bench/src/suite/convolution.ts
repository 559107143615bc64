/** A 3 × 3 convolution in NHWC, and its gradients in image and filter. */
import * as tf from '@tensorflow/tfjs-core';
import type { BenchCase, Inputs } from './bench-case.ts';
import { normals, onBackend } from './host-numbers.ts';

const [BATCH, SIDE, CHANNELS] = [8, 28, 32];
const FLOPS = 2 * BATCH * SIDE * SIDE * 9 * CHANNELS * CHANNELS;
const inputs = (): Inputs => ({
  x: normals(1, [BATCH, SIDE, SIDE, CHANNELS]),
  w: normals(2, [3, 3, CHANNELS, CHANNELS], 1 / 17),
  dy: normals(3, [BATCH, SIDE, SIDE, CHANNELS]),
});

/** Calls `visit` with the offsets of input, filter and output pixel of every term of the convolution. */
function terms(visit: (x: number, w: number, y: number) => void): void {
  for (let b = 0; b < BATCH; b++) {
    for (let i = 0; i < SIDE; i++) {
      for (let j = 0; j < SIDE; j++) {
        for (let p = 0; p < 3; p++) {
          for (let q = 0; q < 3; q++) {
            const [r, c] = [i + p - 1, j + q - 1];
            if (r < 0 || c < 0 || r >= SIDE || c >= SIDE) continue;
            visit(
              ((b * SIDE + r) * SIDE + c) * CHANNELS,
              (p * 3 + q) * CHANNELS * CHANNELS,
              ((b * SIDE + i) * SIDE + j) * CHANNELS,
            );
          }
        }
      }
    }
  }
}

const forward: BenchCase = {
  id: 'conv2d/forward',
  group: 'ops',
  title: 'conv2d 3×3, [8, 28, 28, 32] → 32',
  op: 'conv2d',
  settings: {},
  work: { flops: FLOPS },
  quick: false,
  inputs,
  expected({ x, w }) {
    const values = new Float64Array(x!.values.length);
    terms((xo, wo, yo) => {
      for (let c = 0; c < CHANNELS; c++) {
        const v = x!.values[xo + c]!;
        for (let o = 0; o < CHANNELS; o++) values[yo + o]! += v * w!.values[wo + c * CHANNELS + o]!;
      }
    });
    return { values, absolute: 3e-5, relative: 1e-5 };
  },
  prepare(given) {
    const [x, w] = [onBackend(given.x!), onBackend(given.w!)];
    return {
      run: () => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same'),
      dispose: () => tf.dispose([x, w]),
    };
  },
};

const gradients: BenchCase = {
  ...forward,
  id: 'conv2d/gradients',
  title: 'conv2d 3×3 and both gradients',
  op: 'conv2dGradients',
  work: { flops: 3 * FLOPS },
  expected({ x, w, dy }) {
    const dx = new Float64Array(x!.values.length);
    const dw = new Float64Array(w!.values.length);
    terms((xo, wo, yo) => {
      for (let c = 0; c < CHANNELS; c++) {
        let sum = 0;
        for (let o = 0; o < CHANNELS; o++) {
          const g = dy!.values[yo + o]!;
          sum += g * w!.values[wo + c * CHANNELS + o]!;
          dw[wo + c * CHANNELS + o]! += g * x!.values[xo + c]!;
        }
        dx[xo + c]! += sum;
      }
    });
    return { values: [...dx, ...dw], absolute: 1e-3, relative: 1e-5 };
  },
  prepare(given) {
    const [x, w, dy] = [given.x!, given.w!, given.dy!].map(onBackend) as [tf.Tensor, tf.Tensor, tf.Tensor];
    const both = tf.grads((image, filter) =>
      tf.conv2d(image as tf.Tensor4D, filter as tf.Tensor4D, 1, 'same'),
    );
    const run = (): tf.Tensor => tf.tidy(() => tf.concat(both([x, w], dy).map((g) => tf.reshape(g, [-1]))));
    return { run, dispose: () => tf.dispose([x, w, dy]) };
  },
};

export const convolutionCases: readonly BenchCase[] = [forward, gradients];
