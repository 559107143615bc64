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

describe('DiffAdamAverage', () => {
  beforeEach(() => tf.setBackend('simd'));

  /** Variables of which some begin in the middle of a vector. */
  const SHAPES = [[3], [1], [4, 5], [0], [1009, 65], [31], [8], [7, 2, 1]];
  const TOTAL = SHAPES.reduce((sum, shape) => sum + tf.util.sizeFromShape(shape), 0);
  const rows = (count: number): tf.Tensor[] =>
    Array.from({ length: count }, (_, i) =>
      tf.tensor2d(noise(TOTAL, i + 1).map(i === 2 ? Math.abs : Number), [1, TOTAL]),
    );
  const gradients = (): tf.Tensor[] => {
    let at = 0;
    return SHAPES.map((shape) => {
      const size = tf.util.sizeFromShape(shape);
      at += size;
      return tf.tensor(noise(TOTAL, 9).slice(at - size, at), shape);
    });
  };
  const run = (
    inputs: readonly tf.Tensor[],
    attrs: Settings & { readonly kept: number | null },
  ): tf.Tensor[] =>
    tf
      .engine()
      .runKernel(
        'DiffAdamAverage',
        inputs as object as tf.NamedTensorMap,
        attrs as object as tf.NamedAttrMap,
      );

  it.each([
    ['with an average', PLAIN, 0.9],
    ['without', { ...PLAIN, decay: 0.99 }, null],
    ['with a norm that is clipped', { ...PLAIN, clipNorm: 0.5 }, 0.5],
  ] as const)('is DiffAdam on one row, %s', async (_, settings, kept) => {
    const [p, m, v, a] = rows(4) as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
    const gradient = tf.tensor2d(noise(TOTAL, 9), [1, TOTAL]);
    const inputs = { parameters: p, first: m, second: v, gradient };
    const expected: tf.Tensor[] = tf
      .engine()
      .runKernel('DiffAdam', inputs, settings as object as tf.NamedAttrMap);
    const [weights, first, second, norm] = (await Promise.all(
      expected.map((t) => t.data()),
    )) as Float32Array[];
    const before = await a.data();
    const given = kept === null ? [p, m, v] : [p, m, v, a];
    const outputs = run([...given, ...gradients()], { ...settings, kept });
    const values = (await Promise.all(outputs.map((t) => t.data()))) as Float32Array[];
    // Sums of squares go in other runs; unclipped, nothing else depends on them.
    const tolerance = settings.clipNorm === null ? {} : { relative: 1e-6, absolute: 1e-7 };
    for (const [i, row] of [weights!, first!, second!].entries()) {
      expectClose(values[i]!, row, tolerance, `row ${i}`);
    }
    const rest = values.slice(3);
    if (kept !== null) {
      const average = Array.from(before, (x, i) => kept * x + (1 - kept) * weights![i]!);
      expectClose(rest.shift()!, average, { relative: 1e-6, absolute: 1e-6 }, 'average');
    }
    expectClose(rest.shift()!, norm!, { relative: 1e-6 }, 'norm');
    expect(outputs.slice(-SHAPES.length).map((t) => t.shape)).toEqual(SHAPES);
    let at = 0;
    for (const piece of rest) {
      expect(piece).toEqual(values[0]!.slice(at, at + piece.length));
      at += piece.length;
    }
    expect(at).toBe(TOTAL);
    tf.dispose([given, a, gradient, expected, outputs]);
  });

  it('writes rows in place that nobody else holds, and no others', async () => {
    const [p, m, v, a] = rows(4) as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
    const [heldP, heldA] = [tf.clone(p), tf.clone(a)];
    const before = [await p.data(), await a.data()];
    const ids = tf.engine().backend.numDataIds();
    const outputs = run([p, m, v, a, ...gradients()], { ...PLAIN, kept: 0.5 });
    // p, a, the norm, and gradients and weights of the variables
    expect(tf.engine().backend.numDataIds() - ids).toBe(3 + 2 * SHAPES.length);
    expect([await heldP.data(), await heldA.data()]).toEqual(before);
    expect(await outputs[1]!.data()).toEqual(await m.data());
    expect(outputs[1]!.dataId).toBe(m.dataId);
    tf.dispose([p, m, v, a]);
    expect((await outputs[1]!.data()).length).toBe(TOTAL);
    tf.dispose([heldP, heldA, outputs]);
  });

  it('does not take one row for two', async () => {
    const [p, m] = rows(2) as [tf.Tensor, tf.Tensor];
    const before = await m.data();
    const square = tf.square(m);
    const outputs = run([m, m, square, ...gradients()], { ...PLAIN, kept: null });
    expect(await m.data()).toEqual(before);
    expect(await outputs[0]!.data()).not.toEqual(await outputs[1]!.data());
    tf.dispose([p, m, square, outputs]);
  });
});
