import { key, normal } from '@diff/core';
import { mlp, type Network } from '@diff/score';
import { expectClose } from '@diff/testkit';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import '@tensorflow/tfjs-backend-cpu';

const KERNELS = ['DiffLayers', 'DiffLayersGradient'];
beforeAll(() => tf.setBackend('cpu'));
afterEach(() => {
  for (const name of KERNELS) if (tf.getKernel(name, 'cpu')) tf.unregisterKernel(name, 'cpu');
});

type Matrix = readonly (readonly number[])[];

const product = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => b[0]!.map((_, j) => row.reduce((sum, v, p) => sum + v * b[p]![j]!, 0)));
const transposed = (a: Matrix): Matrix => a[0]!.map((_, j) => a.map((row) => row[j]!));
const combined = (a: Matrix, b: Matrix, f: (x: number, y: number) => number): Matrix =>
  a.map((row, i) => row.map((v, j) => f(v, b[i]![j]!)));
const plus = (a: Matrix | undefined, b: Matrix): Matrix => (a ? combined(a, b, (x, y) => x + y) : b);
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const slope = (x: number): number => sigmoid(x) * (1 + x * sigmoid(-x));

interface Attributes {
  readonly inputs: number;
  readonly layers: readonly {
    readonly products: readonly { readonly x: number; readonly kernel: number; readonly bias: number }[];
    readonly addend: number;
    readonly activation: string;
  }[];
  readonly keep: boolean;
  readonly of: 'weights' | 'inputs';
}

/** Kernels in plain loops; gives the calls. What is kept is forgotten: the backward pass begins anew. */
function registerKernels(): string[] {
  const calls: string[] = [];
  const forward = (
    all: readonly Matrix[],
    { inputs, layers }: Attributes,
  ): { sums: Matrix[]; values: Matrix[] } => {
    const [values, weights, sums] = [all.slice(0, inputs), all.slice(inputs), [] as Matrix[]];
    for (const { products, addend, activation } of layers) {
      let sum = addend < 0 ? undefined : sums[addend]!;
      for (const { x, kernel, bias } of products) {
        sum = plus(sum, product(values[x]!, weights[kernel]!));
        if (bias >= 0) sum = sum.map((row) => row.map((v, j) => v + weights[bias]![0]![j]!));
      }
      sums.push(sum!);
      values.push(activation === 'silu' ? sum!.map((row) => row.map((v) => v * sigmoid(v))) : sum!);
    }
    return { sums, values };
  };
  const backward = (all: readonly Matrix[], dy: Matrix, attributes: Attributes): Matrix[] => {
    const { inputs, layers } = attributes;
    const { sums, values } = forward(all, attributes);
    const grads: (Matrix | undefined)[] = values.map(() => undefined);
    const ofSums: (Matrix | undefined)[] = [];
    const ofWeights: (Matrix | undefined)[] = all.slice(inputs).map(() => undefined);
    grads[values.length - 1] = dy;
    for (let l = layers.length - 1; l >= 0; l--) {
      const { products, addend, activation } = layers[l]!;
      const d = grads[inputs + l];
      if (!d) continue; // the embedding where there is no block
      const g = plus(ofSums[l], activation === 'silu' ? combined(d, sums[l]!, (u, v) => u * slope(v)) : d);
      for (const { x, kernel, bias } of products) {
        ofWeights[kernel] = plus(ofWeights[kernel], product(transposed(values[x]!), g));
        grads[x] = plus(grads[x], product(g, transposed(all[inputs + kernel]!)));
        if (bias >= 0)
          ofWeights[bias] = plus(ofWeights[bias], [transposed(g).map((c) => c.reduce((a, b) => a + b))]);
      }
      if (addend >= 0) ofSums[addend] = plus(ofSums[addend], g);
    }
    const zero = (a: Matrix): Matrix => a.map((row) => row.map(() => 0));
    return attributes.of === 'weights'
      ? ofWeights.map((g, i) => g ?? zero(all[inputs + i]!))
      : all.slice(0, inputs).map((x, i) => grads[i] ?? zero(x));
  };
  for (const kernelName of KERNELS) {
    tf.registerKernel({
      kernelName,
      backendName: 'cpu',
      kernelFunc: ({ inputs: named, attrs, backend }) => {
        const attributes = attrs as object as Attributes;
        const cpu = backend as tf.KernelBackend;
        const infos = Object.values(named) as tf.TensorInfo[];
        const matrix = ({ dataId, shape }: tf.TensorInfo): Matrix => {
          const values = Array.from(cpu.readSync(dataId) as Float32Array);
          const n = shape.at(-1)!;
          return Array.from({ length: values.length / n }, (_, i) => values.slice(i * n, (i + 1) * n));
        };
        const write = (a: Matrix, shape: number[]): tf.TensorInfo => {
          return {
            dataId: cpu.write(Float32Array.from(a.flat()), shape, 'float32'),
            shape,
            dtype: 'float32',
          };
        };
        if (kernelName === 'DiffLayers') {
          calls.push(attributes.keep ? 'kept' : 'once');
          const y = forward(infos.map(matrix), attributes).values.at(-1)!;
          const out = write(y, [y.length, y[0]!.length]);
          return attributes.keep ? [out, write([], [0])] : [out];
        }
        calls.push(attributes.of);
        const all = infos.slice(0, -2);
        const wanted =
          attributes.of === 'weights' ? all.slice(attributes.inputs) : all.slice(0, attributes.inputs);
        const grads = backward(all.map(matrix), matrix(infos.at(-1)!), attributes);
        return grads.map((g, i) => write(g, wanted[i]!.shape));
      },
    });
  }
  return calls;
}

const level = (): tf.Tensor1D => tf.tensor1d([0, 0.1, 0.2, 0.3, 0.4]);
const labels = (): tf.Tensor1D => tf.tensor1d([0, 1, 2, -1, 0], 'int32');

function network(blocks: number): Network {
  const made = mlp({ eventShape: [2], width: 6, blocks, classes: 3, fourierFeatures: 8, key: key(1) });
  Object.values(made.variables).forEach((v, i) => {
    v.assign(tf.mul(normal(key(100 + i), v.shape), 0.4));
  });
  return made;
}

const TOLERANCE = { relative: 1e-4, absolute: 1e-4 };

/** What `run` gives with the kernels is what it gives without; the calls of the kernels are returned. */
async function same(run: () => tf.Tensor[]): Promise<string[]> {
  const expected = run();
  const before = tf.memory().numTensors;
  const calls = registerKernels();
  const actual = run();
  expect(tf.memory().numTensors - before).toBe(expected.length);
  for (const [i, y] of actual.entries()) {
    expect(y.shape).toEqual(expected[i]!.shape);
    expectClose(await y.data(), await expected[i]!.data(), TOLERANCE, `result ${i}`);
  }
  return calls;
}

describe.each([0, 1, 2])('an mlp of %i blocks as one op', (blocks) => {
  const made = network(blocks);
  const x = normal(key(2), [5, 2]);
  const apply = (at: tf.Tensor, condition?: tf.Tensor): tf.Tensor => made.apply(at, level(), condition);
  const total = (y: tf.Tensor): tf.Scalar => tf.sum(tf.square(tf.add(y, 1)));

  it('gives the same, with labels and without', async () => {
    const calls = await same(() => tf.tidy(() => [apply(x), apply(x, labels())]));
    expect(calls).toEqual(['once', 'once']);
  });

  it('has the same gradients of its weights', async () => {
    const calls = await same(() =>
      tf.tidy(() => {
        const { value, grads } = tf.variableGrads(
          () => total(apply(x, labels())),
          Object.values(made.variables),
        );
        return [value, ...Object.values(made.variables).map((v) => grads[v.name] ?? tf.zerosLike(v))];
      }),
    );
    expect(calls).toEqual(['kept', 'weights']);
  });

  it('has the same gradient of its input, and of both', async () => {
    const ofInput = await same(() => tf.tidy(() => [tf.grad((v: tf.Tensor) => total(apply(v)))(x)]));
    expect(ofInput).toEqual(['kept', 'inputs']);
    for (const name of KERNELS) tf.unregisterKernel(name, 'cpu');
    const kernel = made.variables['input.kernel']!;
    // The variable is a function of itself here, so that both are asked for in one pass.
    const both = await same(() =>
      tf.tidy(() => {
        const v = tf.tidy(() => tf.variableGrads(() => total(apply(tf.mul(x, tf.sum(kernel)))), [kernel]));
        return Object.values(v.grads);
      }),
    );
    expect(both.toSorted()).toEqual(['inputs', 'kept', 'weights']);
  });

  it('has second derivatives', async () => {
    const first = (v: tf.Tensor): tf.Tensor => tf.grad((u: tf.Tensor) => total(apply(u, labels())))(v);
    await same(() => tf.tidy(() => [tf.grad((v: tf.Tensor) => tf.sum(tf.square(first(v))))(x)]));
    const two = ['input.kernel', 'output.bias'].map((name) => made.variables[name]!);
    for (const name of KERNELS) tf.unregisterKernel(name, 'cpu');
    await same(() =>
      tf.tidy(() => {
        const { grads } = tf.variableGrads(() => tf.sum(tf.square(first(x))) as tf.Scalar, [two[0]!]);
        return Object.values(grads);
      }),
    );
    for (const name of KERNELS) tf.unregisterKernel(name, 'cpu');
    await same(() =>
      tf.tidy(() => {
        const slopes = (v: tf.Tensor): tf.Tensor => {
          const { grads } = tf.variableGrads(() => total(apply(v, labels())), two);
          return tf.addN(Object.values(grads).map((g) => tf.sum(tf.square(g))));
        };
        return [tf.grad(slopes)(x)];
      }),
    );
  });
});
