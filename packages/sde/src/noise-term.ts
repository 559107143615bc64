/** How g, in each of the shapes that a general process may give it, acts on noise and how a = g gᵀ acts on a score. */
import { type Key, normal, ShapeError, shown } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { squared } from './divergence.ts';
import type { NoiseKind } from './general-process.ts';

/** Matrix times rows: [n, d, m] or [d, m] with v [n, m] → [n, d]. */
function applied(matrix: tf.Tensor, v: tf.Tensor): tf.Tensor {
  return matrix.rank === 3
    ? tf.squeeze(tf.matMul(matrix, tf.expandDims(v, -1)), [-1])
    : tf.matMul(v, matrix, false, true);
}

function requireMatrix(g: tf.Tensor | number): tf.Tensor {
  if (typeof g === 'number' || (g.rank !== 2 && g.rank !== 3)) {
    throw new ShapeError(
      `diffusion: g must have shape [d, m] or [n, d, m] when noise is 'matrix', got ${shown(g)}. Return such a tensor, or say noise: 'scalar'.`,
    );
  }
  return g;
}

/** A scalar strength must be a number or [n, 1], so that it cannot be mistaken for one per coordinate. */
function requireStrength(kind: NoiseKind, g: tf.Tensor | number, x: tf.Tensor): tf.Tensor | number {
  if (typeof g === 'number') return g;
  const [n, d] = x.shape;
  const rows = g.rank === 2 && (g.shape[0] === n || g.shape[0] === 1);
  const fits =
    kind === 'scalar'
      ? g.size === 1 || (rows && g.shape[1] === 1)
      : (rows && g.shape[1] === d) || (g.rank === 1 && g.shape[0] === d);
  if (!fits) {
    throw new ShapeError(
      kind === 'scalar'
        ? `diffusion: g must be a number or have shape [${n}, 1] when noise is 'scalar', got ${shown(g)}. Say noise: 'diagonal' for one strength per coordinate.`
        : `diffusion: g must have shape [${n}, ${d}] or [${d}] when noise is 'diagonal', got ${shown(g)}. Say noise: 'scalar' or 'matrix' for the other forms.`,
    );
  }
  return g;
}

/** g ξ with ξ standard normal from `key`; x [n, d] gives the shape. */
export function noiseTerm(
  kind: NoiseKind,
  g: tf.Tensor | number,
  x: tf.Tensor,
  key: Key,
  firstRow: number,
): tf.Tensor {
  if (kind !== 'matrix') return tf.mul(normal(key, x.shape, { firstRow }), requireStrength(kind, g, x));
  const matrix = requireMatrix(g);
  const m = matrix.shape[matrix.rank - 1]!;
  return applied(matrix, normal(key, [x.shape[0]!, m], { firstRow }));
}

/** a v = g gᵀ v. */
export function covarianceTimes(kind: NoiseKind, g: tf.Tensor | number, v: tf.Tensor): tf.Tensor {
  if (kind !== 'matrix') {
    const strength = requireStrength(kind, g, v);
    return tf.mul(v, typeof strength === 'number' ? strength * strength : tf.square(strength));
  }
  return applied(squared(requireMatrix(g)), v);
}
