/**
 * ε̂ and its divergence ∇·ε̂ with respect to the state, [n]: exactly, by one backward pass for each coordinate, or by
 * probes v with E v vᵀ = I (Hutchinson 1990; Rademacher signs have the least variance), ∇·ε̂ = E vᵀ(∂ε̂/∂x) v.
 */
import { combine, DomainError } from '@diff/core';
import { type Condition, conversion, type ScoreModel } from '@diff/score';
import * as tf from '@tensorflow/tfjs-core';

export interface NoiseAndDivergence {
  /** ε̂, of x's shape. */
  readonly noise: tf.Tensor;
  /** [n]. */
  readonly divergence: tf.Tensor;
}

/** Elements of the largest batch on which directions are tried together. */
const BLOCK_ELEMENTS = 2 ** 20;

/** vᵀ(∂ε̂/∂x) v of each row, and ε̂; inside a tidy. */
function alongProbe(
  where: string,
  model: ScoreModel,
  x: tf.Tensor,
  t: number,
  condition: Condition | undefined,
  probe: tf.Tensor,
): NoiseAndDivergence {
  const q = conversion(model.process, t, model.kind, 'noise');
  let noise: tf.Tensor | undefined;
  let failure: { readonly error: unknown } | undefined;
  try {
    const gradient = tf.grad((at: tf.Tensor) => {
      // An error that escapes while tfjs records leaves its tape open, with all that it holds.
      try {
        const p = model.predict(at, t, condition);
        if (p instanceof Promise) {
          p.then(
            (late) => late.dispose(),
            () => undefined,
          );
          throw new DomainError(
            `${where}: the model must answer at once, with a tensor, for a gradient to go through it, got a promise from '${model.name}'. Use the network or exact model itself.`,
          );
        }
        const terms: [number, tf.Tensor][] = [
          [q.x, at],
          [q.p, p],
        ];
        const value = combine(terms, { constant: q.constant });
        noise = tf.keep(tf.clone(value));
        return tf.sum(tf.mul(value, probe));
      } catch (error) {
        failure = { error };
        return tf.sum(at);
      }
    })(x);
    if (failure) throw failure.error;
    const products = tf.reshape(tf.mul(gradient, probe), [x.shape[0]!, -1]);
    return { noise: tf.clone(noise!), divergence: tf.sum(products, 1) };
  } finally {
    noise?.dispose();
  }
}

/** x, k times over along the rows. */
function repeated(x: tf.Tensor, k: number): tf.Tensor {
  return tf.tile(x, [k, ...x.shape.slice(1).map(() => 1)]);
}

/** The unit vectors first … first + k − 1, each in all n rows: [k n, …event]. */
function units(x: tf.Tensor, d: number, first: number, k: number): tf.Tensor {
  const n = x.shape[0]!;
  const values = new Float32Array(k * n * d);
  for (let i = 0; i < k * n; i++) values[i * d + first + Math.floor(i / n)] = 1;
  return tf.tensor(values, [k * n, ...x.shape.slice(1)]);
}

/**
 * @param probes of x's shape; none for the exact divergence.
 * @returns tensors owned by the caller.
 * @throws DomainError for a model that answers with a promise.
 */
export function noiseAndDivergence(
  where: string,
  model: ScoreModel,
  x: tf.Tensor,
  t: number,
  condition: Condition | undefined,
  probes: readonly tf.Tensor[] | undefined,
  blockElements: number = BLOCK_ELEMENTS,
): NoiseAndDivergence {
  const n = x.shape[0]!;
  const d = x.size / n;
  const directions = probes?.length ?? d;
  const together = Math.max(1, Math.min(directions, Math.floor(blockElements / x.size)));
  const [noise, divergence] = tf.tidy(() => {
    let first: tf.Tensor | undefined;
    let total: tf.Tensor | undefined;
    for (let start = 0; start < directions; start += together) {
      const k = Math.min(together, directions - start);
      const [value, sum] = tf.tidy(() => {
        const probe = probes ? tf.concat(probes.slice(start, start + k), 0) : units(x, d, start, k);
        const given = condition && repeated(condition, k);
        const found = alongProbe(where, model, repeated(x, k), t, given, probe);
        return [tf.slice(found.noise, [0], [n]), tf.sum(tf.reshape(found.divergence, [k, n]), 0)] as const;
      });
      first ??= value;
      total = total ? tf.add(total, sum) : sum;
    }
    return [first!, probes ? tf.div(total!, directions) : total!] as const;
  });
  return { noise, divergence };
}
