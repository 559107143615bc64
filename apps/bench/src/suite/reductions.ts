/** Sums along either axis, and softmax. */
import * as tf from '@tensorflow/tfjs-core';
import type { BenchCase } from './bench-case.ts';
import { normals, onBackend } from './host-numbers.ts';

const SIDE = 1000;

function sum(axis: 0 | 1): BenchCase {
  return {
    id: `sum/axis${axis}`,
    group: 'ops',
    title: `sum of [1000, 1000] over axis ${axis}`,
    op: 'sum',
    settings: { axis },
    work: { elements: SIDE * SIDE },
    quick: false,
    inputs: () => ({ x: normals(1, [SIDE, SIDE]) }),
    expected({ x }) {
      const values = new Float64Array(SIDE);
      x!.values.forEach((v, i) => {
        values[axis === 0 ? i % SIDE : Math.floor(i / SIDE)]! += v;
      });
      return { values, absolute: 1e-3 };
    },
    prepare(inputs) {
      const x = onBackend(inputs.x!);
      return { run: () => tf.sum(x, axis), dispose: () => x.dispose() };
    },
  };
}

const softmax: BenchCase = {
  id: 'softmax/1000x1000',
  group: 'ops',
  title: 'softmax of [1000, 1000]',
  op: 'softmax',
  settings: {},
  work: { elements: SIDE * SIDE },
  quick: false,
  inputs: () => ({ x: normals(1, [SIDE, SIDE]) }),
  expected({ x }) {
    const values = Float64Array.from(x!.values, Math.exp);
    for (let i = 0; i < SIDE; i++) {
      const row = values.subarray(i * SIDE, (i + 1) * SIDE);
      const total = row.reduce((a, b) => a + b, 0);
      row.forEach((v, j) => {
        row[j] = v / total;
      });
    }
    return { values, relative: 1e-5 };
  },
  prepare(inputs) {
    const x = onBackend(inputs.x!);
    return { run: () => tf.softmax(x), dispose: () => x.dispose() };
  },
};

export const reductionCases: readonly BenchCase[] = [sum(0), sum(1), softmax];
