/**
 * Inputs of the cases: the same numbers on every machine and in every language, from a counter-based generator.
 */
import { key, threefry4x32 } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import type { HostTensor } from './bench-case.ts';

/** Uniforms in (0, 1). */
function uniforms(seed: number, count: number): Float64Array {
  const { words } = key(seed);
  const block = new Uint32Array(4);
  const out = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    if (i % 4 === 0) threefry4x32(words, i / 4, 0, 0, 0, block, 0);
    out[i] = (block[i % 4]! + 0.5) * 2 ** -32;
  }
  return out;
}

/** Standard normals times `scale`. */
export function normals(seed: number, shape: readonly number[], scale = 1): HostTensor {
  const size = shape.reduce((a, b) => a * b, 1);
  const u = uniforms(seed, 2 * size);
  const values = new Float32Array(size);
  for (let i = 0; i < size; i++) {
    values[i] = scale * Math.sqrt(-2 * Math.log(u[2 * i]!)) * Math.cos(2 * Math.PI * u[2 * i + 1]!);
  }
  return { shape, values };
}

/** Uniforms between two numbers. */
export function between(seed: number, shape: readonly number[], low: number, high: number): HostTensor {
  const u = uniforms(
    seed,
    shape.reduce((a, b) => a * b, 1),
  );
  return { shape, values: Float32Array.from(u, (v) => low + (high - low) * v) };
}

/** The tensor on the active backend; owned by the caller. */
export function onBackend({ values, shape }: HostTensor): tf.Tensor {
  return tf.tensor(values, [...shape], 'float32');
}
