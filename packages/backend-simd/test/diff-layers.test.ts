import { expectClose, expectSameBits } from '@diff/testkit';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { kernelCounts, resetKernelCounts } from '../src/index.ts';
import { LENGTHS } from './beside-cpu.ts';
import { builds } from './builds.ts';
import { noise } from './noise.ts';

interface Layer {
  readonly products: readonly { readonly x: number; readonly kernel: number; readonly bias: number }[];
  readonly addend: number;
  readonly activation: 'linear' | 'silu';
}

interface Network {
  readonly layers: readonly Layer[];
  /** Columns of each input. */
  readonly inputs: readonly number[];
  readonly weights: readonly (readonly number[])[];
}

const float = (shape: readonly number[], seed: number, scale = 1): tf.Tensor =>
  tf.tensor(
    noise(tf.util.sizeFromShape([...shape]), seed).map((v) => scale * v),
    [...shape],
  );

function call(name: string, tensors: readonly tf.Tensor[], attrs: object): tf.Tensor[] {
  return tf.engine().runKernel(name, tensors as object as tf.NamedTensorMap, attrs as tf.NamedAttrMap);
}

/** In tfjs's ops; `single` gives a layer's sum and activation. */
function separately(
  { layers, inputs }: Network,
  given: readonly tf.Tensor[],
  weights: readonly tf.Tensor[],
): tf.Tensor {
  const values = [...given];
  const sums: tf.Tensor[] = [];
  for (const { products, addend, activation } of layers) {
    const parts = products.map(({ x, kernel, bias }) => {
      const product: tf.Tensor = tf.matMul(values[x]!, weights[kernel]!);
      return bias < 0 ? product : tf.add(product, weights[bias]!);
    });
    if (addend >= 0) parts.push(sums[addend]!);
    const sum = parts.reduce((a, b) => tf.add(a, b));
    sums.push(sum);
    values.push(activation === 'silu' ? tf.mul(sum, tf.sigmoid(sum)) : sum);
  }
  expect(values.length).toBe(inputs.length + layers.length);
  return values.at(-1)!;
}

/** A residual block with a shift, as the mlp of @diff/score has it. */
const residual: Network = {
  inputs: [5, 3],
  weights: [[5, 8], [8], [3, 8], [8, 8], [8], [8, 8], [8], [8, 8], [8], [8, 5], [5]],
  layers: [
    { products: [{ x: 1, kernel: 2, bias: -1 }], addend: -1, activation: 'silu' },
    { products: [{ x: 0, kernel: 0, bias: 1 }], addend: -1, activation: 'silu' },
    {
      products: [
        { x: 3, kernel: 3, bias: 4 },
        { x: 2, kernel: 5, bias: 6 },
      ],
      addend: -1,
      activation: 'silu',
    },
    { products: [{ x: 4, kernel: 7, bias: 8 }], addend: 1, activation: 'silu' },
    { products: [{ x: 5, kernel: 9, bias: 10 }], addend: -1, activation: 'linear' },
  ],
};

/** Whatever may be: shared weights, sums that are added twice, layers and inputs that nobody needs. */
function anyNetwork(seed: number): Network {
  const dice = Array.from(noise(400, 1000 + seed), (v) => Math.abs(Math.round(v * 1e6)));
  const roll = (sides: number): number => dice.pop()! % sides;
  const inputs = Array.from({ length: 1 + roll(3) }, () => 1 + roll(9));
  const columns = [...inputs];
  const weights: number[][] = [];
  const place = (shape: number[]): number => {
    const same = weights.findIndex((other) => tf.util.arraysEqual(other, shape));
    return same >= 0 && roll(2) === 0 ? same : weights.push(shape) - 1;
  };
  const widths = [1 + roll(20), 1 + roll(20)];
  const layers = Array.from({ length: 1 + roll(6) }, (_, l): Layer => {
    const n = widths[roll(2)]!;
    const products = Array.from({ length: 1 + roll(3) }, () => {
      const x = roll(columns.length);
      return { x, kernel: place([columns[x]!, n]), bias: roll(3) === 0 ? -1 : place([n]) };
    });
    const fitting = Array.from({ length: l }, (__, j) => j).filter((j) => columns[inputs.length + j] === n);
    columns.push(n);
    const addend = fitting.length > 0 && roll(3) > 0 ? fitting[roll(fitting.length)]! : -1;
    return { products, addend, activation: roll(3) === 0 ? 'linear' : 'silu' };
  });
  return { layers, inputs, weights };
}

const tensorsOf = (network: Network, m: number): { given: tf.Tensor[]; weights: tf.Tensor[] } => ({
  given: network.inputs.map((k, i) => float([m, k], 50 + i)),
  weights: network.weights.map((shape, i) => float(shape, 70 + i, 0.5)),
});

describe('DiffLayers', () => {
  beforeAll(() => tf.setBackend('simd'));

  const networks = [residual, ...Array.from({ length: 60 }, (_, i) => anyNetwork(i))];

  it('is a network of separate ops, with all its gradients', () => {
    for (const [index, network] of networks.entries()) {
      for (const m of index === 0 ? [1, 3, 9, 97, 300] : [1 + (index % 12)]) {
        const label = `network ${index}, ${m} rows`;
        tf.tidy(() => {
          const { given, weights } = tensorsOf(network, m);
          const all = [...given, ...weights];
          const f = (...tensors: tf.Tensor[]): tf.Tensor =>
            separately(network, tensors.slice(0, given.length), tensors.slice(given.length));
          const expected = f(...all);
          const dy = float(expected.shape, 99);
          const attrs = { layers: network.layers, inputs: given.length };
          resetKernelCounts();
          const [out, kept] = call('DiffLayers', all, { ...attrs, keep: true }) as [tf.Tensor, tf.Tensor];
          const gradients = (['inputs', 'weights'] as const).flatMap((of) =>
            call('DiffLayersGradient', [...all, kept, dy], { ...attrs, of }),
          );
          expect(kernelCounts().every(({ fallback }) => fallback === 0)).toBe(true);
          expect(kept.shape).toEqual([0]);
          expectSameBits(
            call('DiffLayers', all, { ...attrs, keep: false })[0]!.dataSync(),
            out.dataSync(),
            label,
          );
          expectClose(out.dataSync(), expected.dataSync(), { relative: 1e-5, absolute: 1e-5 }, label);
          // A tensor that the output does not depend on has no gradient in tfjs, and a zero one here.
          const used = all.map((x, i) => {
            try {
              return tf.grad((v: tf.Tensor) => f(...all.with(i, v)))(x, dy);
            } catch {
              return tf.zerosLike(x);
            }
          });
          for (const [i, g] of gradients.entries()) {
            expect(g.shape).toEqual(all[i]!.shape);
            const scale = Math.max(1, tf.max(tf.abs(used[i]!)).dataSync()[0]!);
            const tolerance = { relative: 1e-4, absolute: 1e-5 * scale };
            expectClose(g.dataSync(), used[i]!.dataSync(), tolerance, `gradient ${i}, ${label}`);
          }
        });
      }
    }
  });

  it('has the bits of DiffDense, and of any part of the batch', () => {
    tf.tidy(() => {
      const { given, weights } = tensorsOf(residual, 200);
      const attrs = { layers: residual.layers, inputs: 2, keep: false };
      const whole = call('DiffLayers', [...given, ...weights], attrs)[0]!;
      for (const [from, to] of [
        [0, 1],
        [3, 12],
        [7, 200],
      ] as const) {
        const rows = given.map((x) => tf.slice(x, from, to - from));
        const piece = call('DiffLayers', [...rows, ...weights], attrs)[0]!;
        expectSameBits(
          piece.dataSync(),
          tf.slice(whole, from, to - from).dataSync(),
          `rows ${from} to ${to}`,
        );
      }
      const layer = { biases: [true], addend: false, activation: 'silu', sum: 'output' };
      const [act, sum] = call('DiffDense', [given[0]!, weights[0]!, weights[1]!], layer) as [
        tf.Tensor,
        tf.Tensor,
      ];
      const e = call('DiffDense', [given[1]!, weights[2]!], { ...layer, biases: [false] })[0]!;
      const inner = call('DiffDense', [act, weights[3]!, weights[4]!, e, weights[5]!, weights[6]!], {
        ...layer,
        biases: [true, true],
      })[0]!;
      const outer = call('DiffDense', [inner, weights[7]!, weights[8]!, sum], { ...layer, addend: true })[0]!;
      const linear = { ...layer, activation: 'linear' };
      const out = call('DiffDense', [outer, weights[9]!, weights[10]!], linear)[0]!;
      expectSameBits(whole.dataSync(), out.dataSync(), 'the residual network');
    });
  });

  it('takes no rows, and leaves no tensor or memory behind', () => {
    const attrs = { layers: residual.layers, inputs: 2 };
    const once = (m: number): tf.Tensor[] =>
      tf.tidy(() => {
        const { given, weights } = tensorsOf(residual, m);
        const all = [...given, ...weights];
        const [out, kept] = call('DiffLayers', all, { ...attrs, keep: true }) as [tf.Tensor, tf.Tensor];
        const ofWeights = call('DiffLayersGradient', [...all, kept, out], { ...attrs, of: 'weights' });
        const ofInputs = call('DiffLayersGradient', [...all, kept, out], { ...attrs, of: 'inputs' });
        return [out, ...ofWeights, ...ofInputs];
      });
    const none = once(0);
    expect(none[0]!.shape).toEqual([0, 5]);
    for (const g of none.slice(1)) expect(g.dataSync().every((v) => v === 0)).toBe(true);
    tf.dispose(none);
    tf.dispose(once(20));
    const before = tf.memory();
    for (let i = 0; i < 5; i++) tf.dispose(once(20));
    expect(tf.memory()).toEqual(before);
  });
});

describe.each(builds)('multiplyAddFloats, $name build', ({ kernels, floats }) => {
  it('rounds the product, then the sum, at every length, also in place', () => {
    for (const n of LENGTHS) {
      const [a, b, c, out] = [0, 1, 2, 3].map((slot) => floats(slot, n + 1)) as [
        Float32Array,
        Float32Array,
        Float32Array,
        Float32Array,
      ];
      [a, b, c].forEach((values, seed) => {
        values.set(noise(n + 1, seed + 1));
      });
      out.fill(7);
      const product = Float32Array.from(a, (v, i) => v * b[i]!);
      const sum = Float32Array.from(product, (v, i) => v + c[i]!);
      kernels.multiplyAddFloats(a.byteOffset, b.byteOffset, 0, out.byteOffset, n);
      expectSameBits(out.subarray(0, n), product.subarray(0, n), `product of ${n}`);
      expect(out[n]).toBe(7);
      kernels.multiplyAddFloats(a.byteOffset, b.byteOffset, c.byteOffset, a.byteOffset, n);
      expectSameBits(a.subarray(0, n), sum.subarray(0, n), `sum of ${n}`);
    }
  });
});
