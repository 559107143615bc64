/** The four ops of diffusion, at the sizes of a sampling loop. */
import { combine, key, pairwiseSumDistance, softmaxMean } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import type { BenchCase } from './bench-case.ts';
import { normals, onBackend } from './host-numbers.ts';

const [A, B, C] = [0.9, 0.2, 0.5];
const ROWS = 500_000;

function combineCase(noise: boolean): BenchCase {
  return {
    id: noise ? 'combine/noise' : 'combine/plain',
    group: 'diffusion ops',
    title: noise ? 'a·x + b·s + c·ξ, [5·10⁵, 2]' : 'a·x + b·s, [5·10⁵, 2]',
    op: 'combine',
    settings: { a: A, b: B, c: noise ? C : 0 },
    work: { elements: 2 * ROWS },
    quick: noise,
    inputs: () => ({ x: normals(1, [ROWS, 2]), s: normals(2, [ROWS, 2]) }),
    expected({ x, s }) {
      const sum = Float64Array.from(x!.values, (v, i) => A * v + B * s!.values[i]!);
      if (!noise) return { values: sum, absolute: 1e-6, relative: 1e-6 };
      // The noise differs between generators: mean and mean square of what was added, as multiples of c.
      return { values: [0, 1], absolute: [1, 2].map((v) => 6 * Math.sqrt(v / (2 * ROWS)) + 1e-4) };
    },
    prepare(inputs) {
      const [x, s] = [onBackend(inputs.x!), onBackend(inputs.s!)];
      const terms = [
        [A, x],
        [B, s],
      ] as const;
      return {
        run: () => combine(terms, noise ? { noise: [C, key(3)] } : {}),
        ...(noise && {
          check: () =>
            tf.tidy(() => {
              const added = tf.div(tf.sub(combine(terms, { noise: [C, key(3)] }), combine(terms)), C);
              return tf.stack([tf.mean(added), tf.mean(tf.square(added))]);
            }),
        }),
        dispose: () => tf.dispose([x, s]),
      };
    },
  };
}

function mixture(n: number, d: number, K: number): BenchCase {
  const [variance, noiseVariance] = [0.04, 0.3];
  return {
    id: `softmax-mean/d${d}`,
    group: 'diffusion ops',
    title: `softmaxMean, n = ${n}, d = ${d}, K = ${K}`,
    op: 'softmaxMean',
    settings: { variance, noiseVariance },
    work: { elements: n * K },
    quick: d === 2,
    inputs: () => ({ x: normals(1, [n, d], 2), centres: normals(2, [K, d], 2) }),
    expected({ x, centres }) {
      const values = new Float64Array(n * d);
      const v = variance + noiseVariance;
      const difference = (i: number, k: number, j: number): number =>
        x!.values[i * d + j]! - centres!.values[k * d + j]!;
      for (let i = 0; i < n; i++) {
        const logits = Array.from({ length: K }, (_, k) => {
          let squared = 0;
          for (let j = 0; j < d; j++) squared += difference(i, k, j) ** 2;
          return -squared / (2 * v);
        });
        const top = Math.max(...logits);
        const r = logits.map((l) => Math.exp(l - top));
        const total = r.reduce((a, b) => a + b, 0);
        for (let k = 0; k < K; k++) {
          for (let j = 0; j < d; j++) {
            const mean = centres!.values[k * d + j]! + (variance / v) * difference(i, k, j);
            values[i * d + j]! += (r[k]! / total) * mean;
          }
        }
      }
      return { values, absolute: 1e-4 };
    },
    prepare(inputs) {
      const [x, centres] = [onBackend(inputs.x!), onBackend(inputs.centres!)];
      return {
        run: () => {
          const { mean, logDensity } = softmaxMean(x, centres, { variance, noiseVariance });
          logDensity.dispose();
          return mean;
        },
        dispose: () => tf.dispose([x, centres]),
      };
    },
  };
}

function pairs(n: number, d: number): BenchCase {
  return {
    id: 'pairwise/distance',
    group: 'diffusion ops',
    title: `pairwiseSumDistance, ${n} × ${n}, d = ${d}`,
    op: 'pairwiseSumDistance',
    settings: {},
    work: { elements: n * n },
    quick: true,
    inputs: () => ({ x: normals(1, [n, d]), y: normals(2, [n, d]) }),
    expected({ x, y }) {
      const values = new Float64Array(n);
      for (let i = 0; i < n; i++) {
        for (let k = 0; k < n; k++) {
          let squared = 0;
          for (let j = 0; j < d; j++) squared += (x!.values[i * d + j]! - y!.values[k * d + j]!) ** 2;
          values[i]! += Math.sqrt(squared);
        }
      }
      return { values, relative: 1e-5 };
    },
    prepare(inputs) {
      const [x, y] = [onBackend(inputs.x!), onBackend(inputs.y!)];
      return { run: () => pairwiseSumDistance(x, y), dispose: () => tf.dispose([x, y]) };
    },
  };
}

export const diffusionOpCases: readonly BenchCase[] = [
  combineCase(false),
  combineCase(true),
  mixture(100_000, 2, 8),
  mixture(50_000, 16, 8),
  pairs(2000, 2),
];
