import { key, normal } from '@diff/core';
import { adam, mlp, precondition, train } from '@diff/score';
import { edm } from '@diff/sde';
import { expectClose } from '@diff/testkit';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { silu } from '../src/silu.ts';
import '@tensorflow/tfjs-backend-cpu';

/** A kernel for the cpu backend that answers with plain functions of the inputs' values. */
function register(
  kernelName: string,
  run: (inputs: Record<string, Float32Array>, attrs: Record<string, number | null>) => ArrayLike<number>[],
): string[] {
  const calls: string[] = [];
  tf.registerKernel({
    kernelName,
    backendName: 'cpu',
    kernelFunc: ({ inputs, attrs, backend }) => {
      calls.push(kernelName);
      const cpu = backend as tf.KernelBackend;
      const values = Object.entries(inputs).map(
        ([name, info]) => [name, cpu.readSync((info as tf.TensorInfo).dataId) as Float32Array] as const,
      );
      const shape = (Object.values(inputs)[0] as tf.TensorInfo).shape;
      const outputs = run(Object.fromEntries(values), (attrs ?? {}) as Record<string, number | null>).map(
        (y) => {
          const out = Float32Array.from(y);
          const to = out.length === 1 ? [] : shape;
          return { dataId: cpu.write(out, to, 'float32'), shape: to, dtype: 'float32' as const };
        },
      );
      return outputs.length === 1 ? outputs[0]! : outputs;
    },
  });
  return calls;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const slope = (x: number): number => sigmoid(x) * (1 + x * sigmoid(-x));

function registerSilu(): string[] {
  const value = register('DiffSilu', ({ x }) => [x!.map((v) => v * sigmoid(v))]);
  const gradient = register('DiffSiluGradient', ({ x, dy }) => [x!.map((v, i) => dy![i]! * slope(v))]);
  return new Proxy(value, {
    get: (target, name) => (name === 'length' ? target.length + gradient.length : undefined),
  });
}

const FUSED = ['DiffSilu', 'DiffSiluGradient', 'DiffAdam', 'DiffAdamAverage'];
beforeAll(() => tf.setBackend('cpu'));
afterEach(() => {
  for (const name of FUSED) if (tf.getKernel(name, 'cpu')) tf.unregisterKernel(name, 'cpu');
});

const at = [-30, -5, -1.278, -0.5, 0, 0.5, 1, 4, 30];
const sum = (f: (x: tf.Tensor) => tf.Tensor) => (x: tf.Tensor) => tf.sum(f(x)) as tf.Scalar;

describe('silu', () => {
  it('is the same with its kernels and without, up to the second derivative', async () => {
    const x = tf.tensor1d(at);
    const first = (v: tf.Tensor): tf.Tensor => tf.grad(sum(silu))(v);
    const weighted = (v: tf.Tensor): tf.Tensor => tf.mul(tf.square(v), first(v));
    const all = (): tf.Tensor[] => [silu(x), first(x), tf.grad(sum(first))(x), tf.grad(sum(weighted))(x)];
    const expected = all();
    const calls = registerSilu();
    const actual = all();
    expect(calls.length).toBeGreaterThan(4);
    for (const [i, y] of actual.entries()) {
      expectClose(
        await y.data(),
        await expected[i]!.data(),
        { relative: 1e-5, absolute: 1e-6 },
        `derivative ${i}`,
      );
    }
    const closed = at.map((v) => sigmoid(v) * sigmoid(-v) * (2 + v * (1 - 2 * sigmoid(v))));
    expectClose(await actual[2]!.data(), closed, { relative: 1e-5, absolute: 1e-6 }, 'closed form');
  });

  it('trains an mlp by the same gradients, and leaves no tensor behind', async () => {
    const network = mlp({ eventShape: [2], width: 8, key: key(1) });
    const x = normal(key(2), [5, 2]);
    const level = tf.tensor1d([0, 0.1, 0.2, 0.3, 0.4]);
    for (const v of Object.values(network.variables)) v.assign(tf.mul(normal(key(v.size), v.shape), 0.3));
    const gradients = (): tf.Tensor[] =>
      Object.values(tf.variableGrads(() => tf.sum(tf.square(network.apply(x, level))) as tf.Scalar).grads);
    const expected = gradients();
    registerSilu();
    const before = tf.memory().numTensors;
    const actual = gradients();
    expect(tf.memory().numTensors - before).toBe(actual.length + 1);
    for (const [i, g] of actual.entries()) {
      expectClose(
        await g.data(),
        await expected[i]!.data(),
        { relative: 1e-4, absolute: 1e-3 },
        `gradient ${i}`,
      );
    }
  });
});

describe('adam', () => {
  it('gives its kernel what the formula needs', async () => {
    const row = (values: number[]): tf.Tensor => tf.tensor2d([values]);
    const state = { parameters: row([1, -2, 3]), first: row([0.1, 0, -0.1]), second: row([0.2, 0.1, 0.3]) };
    const gradient = row([3, -4, 12]);
    const optimizer = adam({ beta1: 0.8, beta2: 0.9, epsilon: 1e-3, weightDecay: 0.1, clipNorm: 2 });
    const expected = optimizer.step(state, gradient, 3, 0.05);
    const calls = register('DiffAdam', ({ parameters, first, second, gradient: g }, attrs) => {
      const { beta1, beta2, clipNorm, decay, rate, epsilon } = attrs as Record<string, number>;
      const norm = Math.hypot(...g!);
      const scale = clipNorm === null ? 1 : Math.min(1, clipNorm! / norm);
      const m = first!.map((v, i) => beta1! * v + (1 - beta1!) * scale * g![i]!);
      const v = second!.map((s, i) => beta2! * s + (1 - beta2!) * (scale * g![i]!) ** 2);
      return [
        parameters!.map((p, i) => decay! * p - (rate! * m[i]!) / (Math.sqrt(v[i]!) + epsilon!)),
        m,
        v,
        [norm],
      ];
    });
    const actual = optimizer.step(state, gradient, 3, 0.05);
    expect(calls).toEqual(['DiffAdam']);
    for (const name of ['parameters', 'first', 'second', 'gradientNorm'] as const) {
      expect(actual[name].shape).toEqual(expected[name].shape);
      expectClose(
        await actual[name].data(),
        await expected[name].data(),
        { relative: 1e-6, absolute: 1e-6 },
        name,
      );
    }
  });
});

describe('train', () => {
  /** The step in plain loops; new rows, whoever holds the old ones. */
  function registerAdamAverage(): string[] {
    const calls: string[] = [];
    tf.registerKernel({
      kernelName: 'DiffAdamAverage',
      backendName: 'cpu',
      kernelFunc: ({ inputs, attrs, backend }) => {
        calls.push('DiffAdamAverage');
        const cpu = backend as tf.KernelBackend;
        const { beta1, beta2, clipNorm, decay, rate, epsilon, kept, measure } = attrs as object as Record<
          'beta1' | 'beta2' | 'decay' | 'rate' | 'epsilon',
          number
        > & { readonly clipNorm: number | null; readonly kept: number | null; readonly measure: boolean };
        const all = Object.values(inputs) as tf.TensorInfo[];
        const values = all.map(({ dataId }) => cpu.readSync(dataId) as Float32Array);
        const rows = kept === null ? 2 : 3;
        const count = (all.length - rows) / 2;
        const [m, v, a] = values as [Float32Array, Float32Array, Float32Array];
        const flat = (pieces: readonly Float32Array[]): Float32Array =>
          Float32Array.from(pieces.flatMap((piece) => Array.from(piece)));
        const [p, g] = [flat(values.slice(rows, rows + count)), flat(values.slice(rows + count))];
        const norm = Math.hypot(...g);
        const scale = clipNorm === null ? 1 : Math.min(1, clipNorm / norm);
        const first = m.map((x, i) => beta1 * x + (1 - beta1) * scale * g[i]!);
        const second = v.map((x, i) => beta2 * x + (1 - beta2) * (scale * g[i]!) ** 2);
        const weights = p.map((x, i) => decay * x - (rate * first[i]!) / (Math.sqrt(second[i]!) + epsilon));
        const write = (y: Float32Array, shape: number[]): tf.TensorInfo => {
          return { dataId: cpu.write(y, shape, 'float32'), shape, dtype: 'float32' };
        };
        let at = 0;
        const variables = all.slice(rows, rows + count).map(({ shape }) => {
          at += tf.util.sizeFromShape(shape);
          return write(weights.slice(at - tf.util.sizeFromShape(shape), at), shape);
        });
        const average = kept === null ? [] : [a.map((x, i) => kept * x + (1 - kept) * weights[i]!)];
        const outputs = [first, second, ...average].map((row) => write(row, [1, row.length]));
        return [...outputs, ...(measure ? [write(Float32Array.of(norm), [])] : []), ...variables];
      },
    });
    return calls;
  }

  it.each([
    ['with an average', 0.9],
    ['without', false],
  ] as const)('goes the same way with the kernel for a whole step, %s', async (_, average) => {
    const run = async (): Promise<{ losses: number[]; weights: Float32Array[] }> => {
      const network = mlp({ eventShape: [2], width: 8, blocks: 1, classes: 2, key: key(1) });
      const model = precondition({ network, process: edm(), sigmaData: 1 });
      const data = normal(key(2), [64, 2]);
      const labels = tf.tensor1d(
        Array.from({ length: 64 }, (__, i) => i % 2),
        'int32',
      );
      const { history } = await train({
        ...{ model, data, labels, average, key: key(3), steps: 6, batchSize: 16, reportEvery: 2 },
        optimizer: { clipNorm: 0.5, weightDecay: 0.01 },
      });
      const variables = Object.values(network.variables);
      const weights = (await Promise.all(variables.map((v) => v.data()))) as Float32Array[];
      tf.dispose([data, labels, variables]);
      return { losses: history.training.map(({ loss }) => loss), weights };
    };
    const before = tf.memory().numTensors;
    const expected = await run();
    const calls = registerAdamAverage();
    const actual = await run();
    expect(calls.length).toBe(6);
    expect(tf.memory().numTensors).toBe(before);
    expectClose(actual.losses, expected.losses, { relative: 1e-5 }, 'losses');
    for (const [i, w] of actual.weights.entries()) {
      expectClose(w, expected.weights[i]!, { relative: 1e-4, absolute: 1e-5 }, `variable ${i}`);
    }
  });
});
