import { key, normal } from '@diff/core';
import { dense, silu } from '@diff/score';
import { expectClose } from '@diff/testkit';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import '@tensorflow/tfjs-backend-cpu';

const KERNELS = ['DiffDense', 'DiffDenseGradient'];
beforeAll(() => tf.setBackend('cpu'));
afterEach(() => {
  for (const name of KERNELS) if (tf.getKernel(name, 'cpu')) tf.unregisterKernel(name, 'cpu');
});

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const slope = (x: number): number => sigmoid(x) * (1 + x * sigmoid(-x));

interface Layout {
  readonly biases: readonly boolean[];
  readonly addend: boolean;
  readonly activation: string;
  readonly sum: 'none' | 'output' | 'hidden';
}

/** Kernels in plain loops; gives the names of their calls. */
function registerKernels(): string[] {
  const calls: string[] = [];
  const register = (
    kernelName: string,
    run: (
      inputs: readonly (readonly [Float32Array, readonly number[]])[],
      layout: Layout,
    ) => readonly (readonly [ArrayLike<number>, number[]])[],
  ): void =>
    tf.registerKernel({
      kernelName,
      backendName: 'cpu',
      kernelFunc: ({ inputs, attrs, backend }) => {
        calls.push(kernelName);
        const cpu = backend as tf.KernelBackend;
        const read = Object.values(inputs).map(
          (info) => [cpu.readSync(info!.dataId) as Float32Array, info!.shape] as const,
        );
        return run(read, attrs as object as Layout).map(([values, shape]) => {
          return { dataId: cpu.write(Float32Array.from(values), shape, 'float32'), shape, dtype: 'float32' };
        });
      },
    });
  register('DiffDense', (inputs, { biases, addend, activation, sum: fate }) => {
    const shape = [inputs[0]![1][0]!, inputs[1]![1][1]!];
    const [m, n] = shape as [number, number];
    const sum = new Float64Array(m * n);
    let at = 0;
    for (const hasBias of biases) {
      const [[x, [, k]], [w]] = [inputs[at]!, inputs[at + 1]!];
      const bias = hasBias ? inputs[at + 2]![0] : undefined;
      at += hasBias ? 3 : 2;
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          sum[i * n + j]! += bias?.[j] ?? 0;
          for (let p = 0; p < k!; p++) sum[i * n + j]! += x[i * k! + p]! * w[p * n + j]!;
        }
      }
    }
    if (addend) for (const [i, v] of inputs[at]![0].entries()) sum[i]! += v;
    if (activation === 'linear') return [[sum, shape]];
    const out = sum.map((v) => v * sigmoid(v));
    const hidden = fate === 'hidden' ? [0] : shape;
    return fate === 'none'
      ? [[out, shape]]
      : [
          [out, shape],
          [sum, hidden],
        ];
  });
  register('DiffDenseGradient', ([sum, dy, dsum]) => {
    const [m, n] = dy![1] as [number, number];
    const g = Float64Array.from(sum![0], (v, i) => dy![0][i]! * slope(v) + (dsum?.[0][i] ?? 0));
    const rows = new Float64Array(n);
    for (let i = 0; i < m * n; i++) rows[i % n]! += g[i]!;
    return [
      [g, [m, n]],
      [rows, [n]],
    ];
  });
  return calls;
}

const random = (seed: number, ...shape: number[]): tf.Tensor => normal(key(seed), shape);
/** x, W, b and the addend. */
const inputs = (): tf.Tensor[] => [random(1, 3, 4), random(2, 4, 5), random(3, 5), random(6, 3, 5)];
const all4 = ([x, kernel, bias, addend]: readonly tf.Tensor[], activation: 'linear' | 'silu'): tf.Tensor =>
  dense(x!, kernel!, { bias: bias!, addend: addend!, activation });

/** Functions of the four with one number each. */
const total = (y: tf.Tensor): tf.Scalar => tf.sum(tf.mul(tf.square(y), random(9, ...y.shape)));
const functions: Readonly<Record<string, (...tensors: tf.Tensor[]) => tf.Scalar>> = {
  linear: (...all) => total(all4(all, 'linear')),
  silu: (...all) => total(all4(all, 'silu')),
  'silu without a bias': (x, w, b, addend) =>
    tf.add(total(dense(x!, w!, { addend: addend!, activation: 'silu' })), tf.sum(tf.square(b!))),
  'silu of a product': (x, w, b, addend) =>
    tf.add(
      total(dense(x!, w!, { activation: 'silu' })),
      tf.add(tf.sum(tf.square(b!)), tf.sum(tf.square(addend!))),
    ),
  'two layers': (x, w, b, addend) =>
    tf.add(
      total(dense(dense(x!, w!, { bias: b!, activation: 'silu' }), tf.transpose(w!))),
      tf.sum(tf.square(addend!)),
    ),
};

const TOLERANCE = { relative: 2e-5, absolute: 2e-5 };

describe('dense', () => {
  it('is its formula', async () => {
    const [x, w, b] = inputs() as [tf.Tensor, tf.Tensor, tf.Tensor];
    const addend = random(6, 3, 5);
    const sum = tf.add(tf.add(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D), b), addend);
    const cases = [
      [dense(x, w), tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D)],
      [dense(x, w, { bias: b, addend }), sum],
      [dense(x, w, { bias: b, addend, activation: 'silu' }), tf.mul(sum, tf.sigmoid(sum))],
    ] as const;
    for (const [actual, expected] of cases)
      expectClose(await actual.data(), await expected.data(), TOLERANCE);
  });

  it.each(Object.entries(functions))(
    'has the same value and gradients with its kernels, %s',
    async (_, f) => {
      const all = inputs();
      const evaluate = (): tf.Tensor[] => [f(...all), ...tf.grads(f)(all)];
      const expected = evaluate();
      const calls = registerKernels();
      const actual = evaluate();
      expect(calls).toContain('DiffDense');
      for (const [i, y] of actual.entries()) {
        expect(y.shape).toEqual(expected[i]!.shape);
        expectClose(await y.data(), await expected[i]!.data(), TOLERANCE, `gradient ${i}`);
      }
    },
  );

  it.each(Object.entries(functions))('has second derivatives, %s', async (_, f) => {
    const all = inputs();
    const second = (): tf.Tensor[] =>
      tf.grads((...xs: tf.Tensor[]) =>
        tf.addN(
          tf
            .grads(f)(xs)
            .map((g, i) => tf.sum(tf.mul(g, random(20 + i, ...g.shape)))),
        ),
      )(all);
    const expected = second();
    registerKernels();
    for (const [i, y] of second().entries()) {
      expectClose(
        await y.data(),
        await expected[i]!.data(),
        { relative: 1e-4, absolute: 1e-3 },
        `input ${i}`,
      );
    }
  });

  it('computes only the gradients that are asked for', async () => {
    registerKernels();
    const all = inputs();
    const products = async (wanted: readonly number[]): Promise<number> => {
      const f = (...some: tf.Tensor[]): tf.Scalar =>
        functions.silu!(...all.map((x, i) => (wanted.includes(i) ? some[wanted.indexOf(i)]! : x)));
      const { kernels } = await tf.profile(() => tf.grads(f)(wanted.map((i) => all[i]!)));
      return kernels.filter(({ name }) => name === 'BatchMatMul').length;
    };
    expect(await products([0, 1, 2, 3])).toBe(2);
    expect(await products([1, 2])).toBe(1);
    expect(await products([3])).toBe(0);
  });

  it('leaves no tensor behind, with a gradient or without', () => {
    registerKernels();
    const all = inputs();
    const before = tf.memory().numTensors;
    tf.dispose([all4(all, 'silu'), dense(all[0]!, all[1]!), ...tf.grads(functions.silu!)(all)]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('is silu of a product', async () => {
    const [x, w] = inputs() as [tf.Tensor, tf.Tensor];
    const expected = silu(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D));
    expectClose(await dense(x, w, { activation: 'silu' }).data(), await expected.data(), TOLERANCE);
  });

  it('refuses what does not fit', () => {
    const [x, w] = [tf.zeros([3, 4]), tf.zeros([4, 5])];
    expect(() => dense(tf.zeros([4]), w)).toThrow(
      'dense: x [n, k] and the kernel [k, units] must fit, got a tensor of shape [4] and a tensor of shape [4, 5].',
    );
    expect(() => dense(x, x)).toThrow('dense: x [n, k] and the kernel [k, units] must fit');
    expect(() => dense(x, w, { bias: tf.zeros([4]) })).toThrow('dense: the bias must have shape [5], got');
    expect(() => dense(x, w, { addend: tf.zeros([5]) })).toThrow(
      'dense: the addend must have shape [3, 5], got',
    );
  });
});
