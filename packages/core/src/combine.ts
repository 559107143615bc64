/**
 * `combine`: out = Σᵢ wᵢ xᵢ + constant + c ξ, in one pass, ξ made on the way.
 *
 * Every sampler update, forward perturbation and Langevin step is this op. ξ is `normal(key, shape, {firstRow})`,
 * so the result does not depend on how a batch is cut.
 */
import * as tf from '@tensorflow/tfjs-core';
import { requireFinite, requireInteger } from './checks.ts';
import { ShapeError, shown } from './errors.ts';
import { type NamedTensors, registerReferenceGradient, runOp } from './kernel.ts';
import { type Key, requireKey } from './key.ts';
import { normal } from './noise.ts';

/** A weight: one number for all rows, or a tensor [n] with one for each row. */
export type Weight = number | tf.Tensor;

export interface CombineOptions {
  /** Added to every element; default 0. */
  readonly constant?: number;
  /** `[c, key]`: adds c ξ with ξ standard normal. A scale of exactly 0 draws nothing. */
  readonly noise?: readonly [scale: Weight, key: Key];
  /** Row of the noise stream at which this batch begins; default 0. */
  readonly firstRow?: number;
}

type CombineAttrs = {
  readonly terms: number;
  readonly weights: readonly (number | null)[];
  readonly constant: number;
  readonly noise: { scale: number | null; key: [number, number, number, number]; firstRow: number } | null;
};

/** A per-row vector [n] shaped so that it broadcasts over rows. */
function perRow(w: tf.Tensor, rank: number): tf.Tensor {
  return rank <= 1 ? w : tf.reshape(w, [w.size, ...new Array<number>(rank - 1).fill(1)]);
}

function reference(inputs: NamedTensors, attrs: CombineAttrs): tf.Tensor[] {
  const shape = inputs.x0!.shape;
  const scaled = (
    x: tf.Tensor,
    weight: number | null | undefined,
    vector: tf.Tensor | undefined,
  ): tf.Tensor =>
    vector ? tf.mul(x, perRow(vector, shape.length)) : weight === 1 ? x : tf.mul(x, weight ?? 1);
  let sum = scaled(inputs.x0!, attrs.weights[0], inputs.w0);
  for (let i = 1; i < attrs.terms; i++) {
    sum = tf.add(sum, scaled(inputs[`x${i}`]!, attrs.weights[i], inputs[`w${i}`]));
  }
  if (attrs.constant !== 0) sum = tf.add(sum, attrs.constant);
  if (attrs.noise) {
    const { key, firstRow, scale } = attrs.noise;
    sum = tf.add(sum, scaled(normal({ words: key }, shape, { firstRow }), scale, inputs.c));
  }
  return [sum === inputs.x0 ? tf.clone(sum) : sum];
}

registerReferenceGradient<CombineAttrs>('DiffCombine', (attrs) => (inputs) => reference(inputs, attrs));

function checkedWeight(name: string, w: Weight, n: number): void {
  if (typeof w === 'number') {
    requireFinite('combine', name, w);
  } else if (w.rank !== 1 || w.shape[0] !== n) {
    throw new ShapeError(
      `combine: ${name} must be a number or a tensor of shape [${n}] (one per row), got ${shown(w)}. Reshape it.`,
    );
  }
}

/**
 * Weighted sum of tensors plus a constant plus noise: Σᵢ wᵢ xᵢ + constant + c ξ.
 *
 * @param terms pairs [wᵢ, xᵢ], at least one; all xᵢ of one shape [n, …]; wᵢ numbers or tensors [n].
 * @returns float32 tensor of that shape, owned by the caller.
 * @throws ShapeError, DomainError
 * @example
 * ```ts
 * import { combine, key } from '@diff/core';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const x = tf.zeros([4, 2]);
 * const noisy = combine([[0.8, x]], { noise: [0.6, key(3)] }); // forward perturbation with α = 0.8, σ = 0.6
 * ```
 */
export function combine(
  terms: readonly (readonly [weight: Weight, x: tf.Tensor])[],
  { constant = 0, noise, firstRow = 0 }: CombineOptions = {},
): tf.Tensor {
  const first = terms[0]?.[1];
  if (!first) {
    throw new ShapeError(
      'combine: terms must hold at least one pair [weight, tensor], got none. Use normal() for noise alone.',
    );
  }
  const n = first.shape[0] ?? 1;
  requireFinite('combine', 'constant', constant);
  requireInteger('combine', 'firstRow', firstRow);
  const inputs: Record<string, tf.Tensor> = {};
  terms.forEach(([w, x], i) => {
    if (!tf.util.arraysEqual(x.shape, first.shape)) {
      throw new ShapeError(
        `combine: all tensors must have the shape of the first, [${first.shape.join(', ')}], got ${shown(x)} as number ${i}. Reshape it.`,
      );
    }
    inputs[`x${i}`] = x.dtype === 'float32' ? x : tf.cast(x, 'float32');
    checkedWeight(`weight ${i}`, w, n);
    if (typeof w !== 'number') inputs[`w${i}`] = w;
  });
  if (noise) {
    checkedWeight('the noise scale', noise[0], n);
    requireKey('combine', noise[1]);
    if (typeof noise[0] !== 'number') inputs.c = noise[0];
  }
  const attrs: CombineAttrs = {
    terms: terms.length,
    weights: terms.map(([w]) => (typeof w === 'number' ? w : null)),
    constant,
    noise:
      noise && noise[0] !== 0
        ? { scale: typeof noise[0] === 'number' ? noise[0] : null, key: [...noise[1].words], firstRow }
        : null,
  };
  return runOp('DiffCombine', inputs, { ...attrs }, (named) => reference(named, attrs))[0]!;
}
