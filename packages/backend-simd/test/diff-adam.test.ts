import { expectClose } from '@diff/testkit';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { LENGTHS } from './beside-cpu.ts';
import '../src/index.ts';
import { noise } from './noise.ts';

interface Settings {
  readonly beta1: number;
  readonly beta2: number;
  readonly clipNorm: number | null;
  readonly decay: number;
  readonly rate: number;
  readonly epsilon: number;
}

const PLAIN: Settings = { beta1: 0.9, beta2: 0.999, clipNorm: null, decay: 1, rate: 0.01, epsilon: 1e-8 };

async function step(n: number, settings: Settings, scale = 1): Promise<Float32Array[]> {
  const row = (seed: number, f = (v: number): number => v): tf.Tensor =>
    tf.tensor2d(noise(n, seed).map(f), [1, n]);
  const inputs = {
    parameters: row(1),
    first: row(2),
    second: row(3, Math.abs),
    gradient: row(4, (v) => scale * v),
  };
  const outputs: tf.Tensor[] = tf
    .engine()
    .runKernel('DiffAdam', inputs, { ...settings } as object as tf.NamedAttrMap);
  const values = await Promise.all(outputs.map(async (t) => (await t.data()) as Float32Array));
  tf.dispose([Object.values(inputs), outputs]);
  return values;
}

/** The formula in float64. */
function twin(n: number, { beta1, beta2, clipNorm, decay, rate, epsilon }: Settings, scale = 1): number[][] {
  const [p, m, v, g] = [
    noise(n, 1),
    noise(n, 2),
    noise(n, 3).map(Math.abs),
    noise(n, 4).map((x) => scale * x),
  ];
  const norm = Math.hypot(...[Math.sqrt(g.reduce((sum, x) => sum + x * x, 0))]);
  const factor = clipNorm === null ? 1 : Math.min(1, clipNorm / norm);
  const first = Array.from(m, (x, i) => beta1 * x + (1 - beta1) * factor * g[i]!);
  const second = Array.from(v, (x, i) => beta2 * x + (1 - beta2) * (factor * g[i]!) ** 2);
  const weights = Array.from(p, (x, i) => decay * x - (rate * first[i]!) / (Math.sqrt(second[i]!) + epsilon));
  return [weights, first, second, [norm]];
}

describe('DiffAdam', () => {
  beforeEach(() => tf.setBackend('simd'));

  it.each([
    ['plain', PLAIN, 1],
    ['with weight decay', { ...PLAIN, decay: 0.99 }, 1],
    ['with a norm that is clipped', { ...PLAIN, clipNorm: 0.5 }, 30],
    ['with a norm below the bound', { ...PLAIN, clipNorm: 1e6 }, 1],
    ['with other rates', { ...PLAIN, beta1: 0, beta2: 0.5, epsilon: 1e-3, rate: 1 }, 1],
  ] as const)('is the formula at every length, %s', async (_, settings, scale) => {
    for (const n of LENGTHS) {
      const actual = await step(n, settings, scale);
      twin(n, settings, scale).forEach((expected, i) => {
        expectClose(actual[i]!, expected, { relative: 1e-5, absolute: 1e-6 }, `output ${i}, length ${n}`);
      });
    }
  });

  it('keeps the norm of many small numbers beside large ones', async () => {
    const n = 1 << 20;
    const gradient = tf.tensor2d(new Float32Array(n).fill(1e-3).fill(1, 0, 1), [1, n]);
    const zero = tf.zeros([1, n]);
    const inputs = { parameters: zero, first: zero, second: zero, gradient };
    const outputs: tf.Tensor[] = tf
      .engine()
      .runKernel('DiffAdam', inputs, { ...PLAIN } as object as tf.NamedAttrMap);
    const [norm] = await outputs[3]!.data();
    expect(norm).toBeCloseTo(Math.sqrt(1 + (n - 1) * Math.fround(1e-3) ** 2), 5);
    tf.dispose([gradient, zero, outputs]);
  });

  it('says NaN where the gradient is', async () => {
    const row = tf.tensor2d([[1, 2]]);
    const inputs = { parameters: row, first: row, second: row, gradient: tf.tensor2d([[Number.NaN, 1]]) };
    const outputs: tf.Tensor[] = tf
      .engine()
      .runKernel('DiffAdam', inputs, { ...PLAIN, clipNorm: 1 } as object as tf.NamedAttrMap);
    expect((await outputs[3]!.data())[0]).toBeNaN();
    expect(Array.from(await outputs[0]!.data())).toEqual([Number.NaN, Number.NaN]);
  });
});
