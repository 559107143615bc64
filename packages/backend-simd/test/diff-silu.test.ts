import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { LENGTHS } from './beside-cpu.ts';
import { builds } from './builds.ts';
import '../src/index.ts';
import { expectClose, expectSameBits } from '@diff/testkit';
import { noise } from './noise.ts';
import { sweep, ulp } from './sweep.ts';

const sigmoid = (x: number): number => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x)));
const slope = (x: number): number => sigmoid(x) * (1 + x * sigmoid(-x));

describe.each(builds)('silu, $name build', ({ kernels, floats }) => {
  it('is as accurate as stated over all floats', () => {
    const n = 1 << 18;
    const [x, out] = [floats(0, n), floats(1, n)];
    sweep(x, 90);
    kernels.silu(x.byteOffset, out.byteOffset, n);
    for (let i = 0; i < n; i++) {
      const exact = x[i]! * sigmoid(x[i]!);
      const error = Math.abs(out[i]! - exact);
      const fine = Number.isNaN(exact)
        ? Number.isNaN(out[i]!)
        : Object.is(out[i], exact) || (x[i]! < -87.29 ? error < 1.2e-36 : error <= 3 * ulp(exact));
      if (!fine) expect.fail(`silu(${x[i]}) is ${out[i]}, expected ${exact}`);
    }
  });

  it('has the slope that is stated, times dy', () => {
    const n = 1 << 18;
    const [x, dy, out] = [floats(0, n), floats(1, n), floats(2, n)];
    sweep(x, 90);
    for (let i = 0; i < n; i++) dy[i] = i % 2 ? -0.5 : 4;
    kernels.siluGradient(x.byteOffset, dy.byteOffset, out.byteOffset, n);
    for (let i = 0; i < n; i++) {
      const exact = slope(x[i]!);
      const actual = out[i]! / dy[i]!;
      const scale = sigmoid(x[i]!) * (1 + Math.abs(x[i]!));
      const fine = Number.isNaN(exact)
        ? Number.isNaN(actual)
        : Math.abs(actual - exact) <= (x[i]! < -87.29 ? 1.2e-36 : 4 * ulp(scale));
      if (!fine && Math.abs(x[i]!) < 1e30)
        expect.fail(`slope of silu at ${x[i]} is ${actual}, expected ${exact}`);
    }
  });

  it('gives both at once with the same bits, the value in place', () => {
    const n = 1 << 12;
    const [x, slope, value, gradient, ones] = [
      floats(0, n),
      floats(1, n),
      floats(2, n),
      floats(3, n),
      floats(4, n),
    ];
    sweep(x, 90);
    kernels.silu(x.byteOffset, value.byteOffset, n);
    kernels.siluGradient(x.byteOffset, ones.fill(1).byteOffset, gradient.byteOffset, n);
    kernels.siluWithSlope(x.byteOffset, x.byteOffset, slope.byteOffset, n);
    expectSameBits(x, value, 'value');
    expectSameBits(slope, gradient, 'slope');
  });
});

describe('DiffSilu', () => {
  beforeEach(() => tf.setBackend('simd'));

  it('is x·sigmoid(x) at every length, with its gradient', async () => {
    for (const n of LENGTHS) {
      const x = tf.tensor1d(noise(n, 1).map((v) => 4 * v));
      const dy = tf.tensor1d(noise(n, 2));
      const y: tf.Tensor = tf.engine().runKernel('DiffSilu', { x });
      const dx: tf.Tensor = tf.engine().runKernel('DiffSiluGradient', { x, dy });
      const [at, up] = [await x.data(), await dy.data()];
      const bounds = { relative: 1e-6, absolute: 1e-6 };
      expectClose(
        await y.data(),
        Array.from(at, (v) => v * sigmoid(v)),
        bounds,
        `silu, ${n}`,
      );
      expectClose(
        await dx.data(),
        Array.from(at, (v, i) => up[i]! * slope(v)),
        bounds,
        `slope, ${n}`,
      );
      tf.dispose([x, dy, y, dx]);
    }
  });
});
