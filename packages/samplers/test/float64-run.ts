/**
 * Runs in float64, so that orders of convergence show far below float32: every tensor that `combine` or the model makes
 * has a float64 shadow under its data id, which clones share, and which the next `combine` or model reads. Samplers
 * make tensors in no other way. Without noise.
 *
 *   vi.mock('@diff/core', async (original) => float64Core(await original()));
 */
import type * as Core from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';

const shadows = new WeakMap<object, Float64Array>();

/** The float64 values behind a tensor. */
export function exactValues(x: tf.Tensor): Float64Array {
  return shadows.get(x.dataId) ?? Float64Array.from(x.dataSync());
}

/** A tensor with float64 values behind it. */
export function exactTensor(values: Float64Array, shape: readonly number[]): tf.Tensor {
  const x = tf.tensor(Float32Array.from(values), [...shape]);
  shadows.set(x.dataId, values);
  return x;
}

export function float64Core(actual: typeof Core): typeof Core {
  return {
    ...actual,
    combine: (terms, { constant = 0, noise } = {}) => {
      if (noise) throw new Error('a float64 run has no noise');
      const all = terms.map(([w, x]) => [Number(w), exactValues(x)] as const);
      const sum = all[0]![1].map((_, i) => all.reduce((s, [w, v]) => s + w * v[i]!, constant));
      return exactTensor(sum, terms[0]![1].shape);
    },
  };
}
