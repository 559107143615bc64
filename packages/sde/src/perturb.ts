/**
 * A sample of the forward marginal: X_t = α(t) X_0 + m(t) + σ(t) ξ, with ξ handed back for losses.
 */
import { combine, DomainError, type Key, normal, ShapeError, shown } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import type { LinearProcess } from './process.ts';

/** One time for all rows, or a time for each row. */
export type Times = number | readonly number[] | Float32Array | Float64Array;

export interface PerturbOptions {
  /** Names the noise. */
  readonly key: Key;
  /** Row of the noise stream at which this batch begins; default 0. */
  readonly firstRow?: number;
}

/** Both tensors have the shape of x0 and are owned by the caller. */
export interface Perturbed {
  readonly x: tf.Tensor;
  readonly noise: tf.Tensor;
}

function perturbNow(
  process: LinearProcess,
  x0: tf.Tensor,
  t: Times,
  { key, firstRow = 0 }: PerturbOptions,
): Perturbed {
  if (typeof t === 'number') {
    const noise = normal(key, x0.shape, { firstRow });
    const terms: [number, tf.Tensor][] = [
      [process.alpha(t), x0],
      [process.sigma(t), noise],
    ];
    return { x: combine(terms, { constant: process.mean(t) }), noise };
  }
  const n = x0.shape[0] ?? 1;
  if (x0.rank === 0 || t.length !== n) {
    throw new ShapeError(
      `perturb: t must be a number or hold one time for each of the ${n} rows, got ${shown(t.length)} times. Pass as many times as rows.`,
    );
  }
  const perRow = (f: (t: number) => number): Float32Array => Float32Array.from(t, f);
  const [alpha, sigma, mean] = [perRow(process.alpha), perRow(process.sigma), perRow(process.mean)];
  return tf.tidy(() => {
    const noise = normal(key, x0.shape, { firstRow });
    const terms: [tf.Tensor, tf.Tensor][] = [
      [tf.tensor1d(alpha), x0],
      [tf.tensor1d(sigma), noise],
    ];
    if (mean.some((m) => m !== 0)) terms.push([tf.tensor1d(mean), tf.onesLike(noise)]);
    return { x: combine(terms), noise };
  });
}

/**
 * Draws X_t given X_0: x = α(t) x0 + m(t) + σ(t) noise.
 *
 * The coefficients are worked out in float64. A tensor of times has to be read back first, so that form returns a
 * promise; `await` suits both.
 *
 * @param x0 data [n, …]; @param t a number, one time per row, or a tensor [n]; all in [0, T].
 * @returns `{ x, noise }` of the shape of x0, owned by the caller.
 * @throws ShapeError, DomainError
 * @example
 * ```ts
 * import { key } from '@diff/core';
 * import { perturb, variancePreserving } from '@diff/sde';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const x0 = tf.zeros([3, 2]);
 * const { x, noise } = perturb(variancePreserving(), x0, [0.1, 0.5, 1], { key: key(7) });
 * ```
 */
export function perturb(process: LinearProcess, x0: tf.Tensor, t: Times, options: PerturbOptions): Perturbed;
export function perturb(
  process: LinearProcess,
  x0: tf.Tensor,
  t: tf.Tensor,
  options: PerturbOptions,
): Promise<Perturbed>;
export function perturb(
  process: LinearProcess,
  x0: tf.Tensor,
  t: Times | tf.Tensor,
  options: PerturbOptions,
): Perturbed | Promise<Perturbed>;
export function perturb(
  process: LinearProcess,
  x0: tf.Tensor,
  t: Times | tf.Tensor,
  options: PerturbOptions,
): Perturbed | Promise<Perturbed> {
  if (typeof t === 'number' || Array.isArray(t) || t instanceof Float32Array || t instanceof Float64Array) {
    return perturbNow(process, x0, t, options);
  }
  const tensor = t as Partial<tf.Tensor> | null | undefined;
  if (tensor?.data === undefined || !Array.isArray(tensor.shape)) {
    throw new DomainError(
      `perturb: t must be a number, a list of numbers or a tensor, got ${shown(t)}. Pass a time in [0, ${process.T}].`,
    );
  }
  if (tensor.shape.length !== 1) {
    throw new ShapeError(
      `perturb: t must have shape [${x0.shape[0] ?? 1}], got ${shown(t)}. Pass one time for each row.`,
    );
  }
  return (t as tf.Tensor).data().then((times) => perturbNow(process, x0, Array.from(times), options));
}
