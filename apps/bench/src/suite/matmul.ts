/** Matrix products: the shapes of score networks, and the transposed ones that their gradients are made of. */
import { silu } from '@diff/score';
import * as tf from '@tensorflow/tfjs-core';
import type { BenchCase, Inputs } from './bench-case.ts';
import { normals, onBackend } from './host-numbers.ts';

interface Shape {
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

const SHAPES: readonly Shape[] = [
  { m: 512, k: 256, n: 256 },
  { m: 1024, k: 128, n: 128 },
  { m: 4096, k: 2, n: 128 },
  { m: 8192, k: 128, n: 2 },
  { m: 256, k: 256, n: 256 },
  { m: 256, k: 256, n: 256, transposeA: true },
  { m: 256, k: 256, n: 256, transposeB: true },
];

/** Σ_l A_il B_lj in float64. */
function product(inputs: Inputs, { m, k, n, transposeA, transposeB }: Shape): Float64Array {
  const [a, b] = [inputs.a!.values, inputs.b!.values];
  const out = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let l = 0; l < k; l++) {
      const left = a[transposeA ? l * m + i : i * k + l]!;
      if (transposeB) for (let j = 0; j < n; j++) out[i * n + j]! += left * b[j * k + l]!;
      else for (let j = 0; j < n; j++) out[i * n + j]! += left * b[l * n + j]!;
    }
  }
  return out;
}

function matmul(shape: Shape): BenchCase {
  const { m, k, n, transposeA = false, transposeB = false } = shape;
  const name = `${transposeA ? 'Aᵀ' : 'A'}${transposeB ? 'Bᵀ' : 'B'}`;
  return {
    id: `matmul/${m}x${k}x${n}${transposeA ? '/at' : ''}${transposeB ? '/bt' : ''}`,
    group: 'ops',
    title: `matMul ${m}×${k}×${n}${name === 'AB' ? '' : `, ${name}`}`,
    op: 'matmul',
    settings: { m, k, n, transposeA, transposeB },
    work: { flops: 2 * m * k * n },
    quick: m === 512 || m === 1024 || transposeA,
    inputs: () => ({
      a: normals(1, transposeA ? [k, m] : [m, k]),
      b: normals(2, transposeB ? [n, k] : [k, n]),
    }),
    expected: (inputs) => ({ values: product(inputs, shape), absolute: 1e-5 * Math.sqrt(k), relative: 1e-5 }),
    prepare(inputs) {
      const [a, b] = [onBackend(inputs.a!), onBackend(inputs.b!)];
      return {
        run: () => tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D, transposeA, transposeB),
        dispose: () => tf.dispose([a, b]),
      };
    },
  };
}

/** silu(x W + b), the layer of a score network. */
function denseSilu(): BenchCase {
  const [m, k, n] = [512, 256, 256];
  return {
    id: 'dense-silu/512x256x256',
    group: 'ops',
    title: 'silu(xW + b) 512×256×256',
    op: 'denseSilu',
    settings: { m, k, n },
    work: { flops: 2 * m * k * n },
    quick: false,
    inputs: () => ({ a: normals(1, [m, k]), b: normals(2, [k, n], 1 / 16), bias: normals(3, [n]) }),
    expected: (inputs) => ({
      values: product(inputs, { m, k, n }).map((v, i) => {
        const y = v + inputs.bias!.values[i % n]!;
        return y / (1 + Math.exp(-y));
      }),
      absolute: 1e-5,
      relative: 1e-5,
    }),
    prepare(inputs) {
      const [a, b, bias] = [inputs.a!, inputs.b!, inputs.bias!].map(onBackend) as [
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
      ];
      return {
        run: () =>
          tf.tidy(() => {
            const y = tf.fused.matMul({ a, b, bias });
            return silu(y);
          }),
        dispose: () => tf.dispose([a, b, bias]),
      };
    },
  };
}

export const matmulCases: readonly BenchCase[] = [...SHAPES.map(matmul), denseSilu()];
