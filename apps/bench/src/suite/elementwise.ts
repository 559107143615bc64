/** Elementwise functions and noise on a million numbers, and the cost of an op on eight. */
import { key, normal } from '@diff/core';
import { silu } from '@diff/score';
import * as tf from '@tensorflow/tfjs-core';
import type { BenchCase } from './bench-case.ts';
import { between, normals, onBackend } from './host-numbers.ts';

const COUNT = 1_000_000;

interface Unary {
  readonly name: string;
  /** Arguments lie between these. */
  readonly range: readonly [number, number];
  readonly exact: (x: number) => number;
  readonly apply: (x: tf.Tensor) => tf.Tensor;
}

const UNARY: readonly Unary[] = [
  { name: 'exp', range: [-10, 10], exact: Math.exp, apply: tf.exp },
  { name: 'tanh', range: [-4, 4], exact: Math.tanh, apply: tf.tanh },
  { name: 'log', range: [0.001, 100], exact: Math.log, apply: tf.log },
  { name: 'sin', range: [-20, 20], exact: Math.sin, apply: tf.sin },
  {
    name: 'softplus',
    range: [-10, 10],
    exact: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
    apply: tf.softplus,
  },
  { name: 'sigmoid', range: [-10, 10], exact: (x) => 1 / (1 + Math.exp(-x)), apply: tf.sigmoid },
  {
    name: 'silu',
    range: [-10, 10],
    exact: (x) => x / (1 + Math.exp(-x)),
    apply: silu,
  },
];

function unary({ name, range, exact, apply }: Unary): BenchCase {
  return {
    id: `${name}/1e6`,
    group: 'ops',
    title: `${name}, 10⁶`,
    op: 'unary',
    settings: { name },
    work: { elements: COUNT },
    quick: name !== 'sigmoid' && name !== 'silu',
    inputs: () => ({ x: between(5, [COUNT], ...range) }),
    expected: ({ x }) => ({ values: Float64Array.from(x!.values, exact), relative: 2e-5, absolute: 2e-6 }),
    prepare(inputs) {
      const x = onBackend(inputs.x!);
      return { run: () => apply(x), dispose: () => x.dispose() };
    },
  };
}

/** Moments whose expectations are known: mean 0, mean square 1, mean fourth power 3. */
function moments(x: tf.Tensor): tf.Tensor {
  return tf.tidy(() => {
    const square = tf.square(x);
    return tf.stack([tf.mean(x), tf.mean(square), tf.mean(tf.square(square))]);
  });
}

const noise: BenchCase = {
  id: 'normal/1e6',
  group: 'ops',
  title: 'normal, 10⁶',
  op: 'normal',
  settings: { count: COUNT },
  work: { elements: COUNT },
  quick: true,
  inputs: () => ({}),
  // Standard deviations of these means are √(1, 2, 96)/√n; six of them, and the rounding of float32 sums.
  expected: () => ({
    values: [0, 1, 3],
    absolute: [1, 2, 96].map((variance) => 6 * Math.sqrt(variance / COUNT) + 1e-4),
  }),
  prepare(_, { backend }) {
    // tfjs's own generator where tfjs itself is measured; it exists in JavaScript only.
    const draw = backend === 'wasm' ? () => tf.randomNormal([COUNT]) : () => normal(key(1), [COUNT]);
    return {
      run: draw,
      check: () => {
        const x = draw();
        const found = moments(x);
        x.dispose();
        return found;
      },
    };
  },
};

const small: BenchCase = {
  id: 'add/8',
  group: 'ops',
  title: 'add, 8 elements',
  op: 'add',
  settings: {},
  quick: true,
  inputs: () => ({ x: normals(1, [8]), y: normals(2, [8]) }),
  expected: ({ x, y }) => ({
    values: Float64Array.from(x!.values, (v, i) => v + y!.values[i]!),
    relative: 1e-6,
  }),
  prepare(inputs) {
    const [x, y] = [onBackend(inputs.x!), onBackend(inputs.y!)];
    return { run: () => tf.add(x, y), dispose: () => tf.dispose([x, y]) };
  },
};

export const elementwiseCases: readonly BenchCase[] = [...UNARY.map(unary), noise, small];
