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
  /** Numbers of all variables, one behind the other: weights, moments, average, gradient. */
  const WEIGHTS = noise(TOTAL, 1);
  const [FIRST, SECOND, AVERAGE] = [noise(TOTAL, 2), noise(TOTAL, 3).map(Math.abs), noise(TOTAL, 4)];
  const GRADIENT = noise(TOTAL, 9);
  const row = (values: Float32Array): tf.Tensor => tf.tensor2d(values, [1, TOTAL]);
  /** A tensor for each variable. */
  const pieces = (values: Float32Array): tf.Tensor[] => {
    let at = 0;
    return SHAPES.map((shape) => {
      at += tf.util.sizeFromShape(shape);
      return tf.tensor(values.slice(at - tf.util.sizeFromShape(shape), at), shape);
    });
  };
  const read = async (tensors: readonly tf.Tensor[]): Promise<Float32Array[]> =>
    (await Promise.all(tensors.map((t) => t.data()))) as Float32Array[];
  const joined = (parts: readonly Float32Array[]): Float32Array =>
    Float32Array.from(parts.flatMap((part) => Array.from(part)));
  const run = (
    inputs: readonly tf.Tensor[],
    attrs: Settings & { readonly kept: number | null; readonly measure?: boolean },
  ): tf.Tensor[] =>
    tf
      .engine()
      .runKernel(
        'DiffAdamAverage',
        inputs as object as tf.NamedTensorMap,
        { measure: true, ...attrs } as object as tf.NamedAttrMap,
      );

  it.each([
    ['with an average', PLAIN, 0.9],
    ['without', { ...PLAIN, decay: 0.99 }, null],
    ['with a norm that is clipped', { ...PLAIN, clipNorm: 0.5 }, 0.5],
  ] as const)('is DiffAdam on one row, %s', async (_, settings, kept) => {
    const inputs = {
      parameters: row(WEIGHTS),
      first: row(FIRST),
      second: row(SECOND),
      gradient: row(GRADIENT),
    };
    const expected: tf.Tensor[] = tf
      .engine()
      .runKernel('DiffAdam', inputs, settings as object as tf.NamedAttrMap);
    const [weights, first, second, norm] = await read(expected);
    const given = [FIRST, SECOND, ...(kept === null ? [] : [AVERAGE])].map(row);
    const outputs = run([...given, ...pieces(WEIGHTS), ...pieces(GRADIENT)], { ...settings, kept });
    expect(outputs.slice(-SHAPES.length).map((t) => t.shape)).toEqual(SHAPES);
    const values = await read(outputs);
    const variables = joined(values.splice(-SHAPES.length));
    // Sums of squares go in other runs; unclipped, nothing else depends on them.
    const tolerance = settings.clipNorm === null ? {} : { relative: 1e-6, absolute: 1e-7 };
    expectClose(values.shift()!, first!, tolerance, 'first moments');
    expectClose(values.shift()!, second!, tolerance, 'second moments');
    expectClose(variables, weights!, tolerance, 'weights');
    if (kept !== null) {
      const average = Array.from(AVERAGE, (x, i) => kept * x + (1 - kept) * weights![i]!);
      expectClose(values.shift()!, average, { relative: 1e-6, absolute: 1e-6 }, 'average');
    }
    expectClose(values.shift()!, norm!, { relative: 1e-6 }, 'norm');
    expect(values).toEqual([]);
    tf.dispose([Object.values(inputs), expected, given, outputs]);
  });

  it.each([null, 0.5])('is the same step when nobody asks for the norm, clipped to %s', async (clipNorm) => {
    const step = async (measure: boolean): Promise<Float32Array[]> => {
      const given = [row(FIRST), row(SECOND), ...pieces(WEIGHTS), ...pieces(GRADIENT)];
      const outputs = run(given, { ...PLAIN, clipNorm, kept: null, measure });
      const values = await read(outputs);
      tf.dispose([given, outputs]);
      return values;
    };
    const expected = await step(true);
    expect(expected.splice(2, 1)[0]![0]).toBeCloseTo(Math.hypot(...GRADIENT.slice(0, TOTAL)), 2);
    expect(await step(false)).toEqual(expected);
  });

  it('writes in place what nobody else holds, and nothing else', async () => {
    const [first, second, average] = [FIRST, SECOND, AVERAGE].map(row) as [tf.Tensor, tf.Tensor, tf.Tensor];
    const [variables, gradients] = [pieces(WEIGHTS), pieces(GRADIENT)];
    const held = [average, variables[2]!, variables[4]!].map((t) => tf.clone(t));
    const before = await read(held);
    const ids = tf.engine().backend.numDataIds();
    const outputs = run([first, second, average, ...variables, ...gradients], { ...PLAIN, kept: 0.5 });
    // What is held, and the norm.
    expect(tf.engine().backend.numDataIds() - ids).toBe(held.length + 1);
    expect(await read(held)).toEqual(before);
    expect(outputs[0]!.dataId).toBe(first.dataId);
    expect(outputs[4 + 3]!.dataId).toBe(variables[3]!.dataId);
    expect(await outputs[4]!.data()).not.toEqual(WEIGHTS.slice(0, 3));
    tf.dispose([first, second, average, variables, gradients]);
    expect((await outputs[0]!.data()).length).toBe(TOTAL);
    expect((await outputs[4 + 5]!.data()).length).toBe(31);
    tf.dispose([held, outputs]);
  });

  it('does not take one tensor for two', async () => {
    const [both, weights] = [row(SECOND), tf.tensor1d([1, 2])];
    const gradients = [tf.tensor1d([3, 4]), tf.tensor1d([5, -6])];
    const rows = [tf.tensor2d([[1, 2, 3, 4]]), tf.tensor2d([[1, 1, 1, 1]])];
    const [first, second] = run([both, both, ...pieces(WEIGHTS), ...pieces(GRADIENT)], {
      ...PLAIN,
      kept: null,
    });
    expect(await both.data()).toEqual(SECOND);
    expect(await first!.data()).not.toEqual(await second!.data());
    const outputs = run([...rows, weights, weights, ...gradients], { ...PLAIN, kept: null });
    expect(Array.from(await weights.data())).toEqual([1, 2]);
    const [x, y] = await read(outputs.slice(-2));
    expect(x).not.toEqual(y);
    tf.dispose([both, weights, gradients, rows, first!, second!, outputs]);
  });
});
