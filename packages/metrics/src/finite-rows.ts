/**
 * Samples on their way into a metric: checked for shape and for NaN, and read back once.
 */
import { DomainError, ShapeError, shown } from '@diff/core';
import type * as tf from '@tensorflow/tfjs-core';

/** Rows in JavaScript memory, row-major. */
export interface Rows {
  readonly values: Float32Array;
  readonly n: number;
  readonly d: number;
}

function requireFloat(where: string, name: string, tensor: tf.Tensor, shape: string): void {
  if (!Array.isArray(tensor?.shape)) {
    throw new ShapeError(
      `${where}: ${name} must be a tensor of shape ${shape}, got ${shown(tensor)}. Make one with tf.tensor.`,
    );
  }
  if (tensor.dtype !== 'float32') {
    throw new ShapeError(
      `${where}: ${name} must have dtype float32, got ${tensor.dtype}. Convert it with tf.cast(x, 'float32').`,
    );
  }
}

function requireRows(where: string, name: string, n: number, least: number): void {
  if (n < least) {
    throw new ShapeError(
      `${where}: ${name} must have at least ${least} row${least === 1 ? '' : 's'}, got ${n}. Pass more samples.`,
    );
  }
}

function requireAllFinite(where: string, name: string, values: Float32Array, d: number): void {
  const bad = values.findIndex((v) => !Number.isFinite(v));
  if (bad >= 0) {
    const row = Math.floor(bad / d);
    throw new DomainError(
      `${where}: ${name} must be finite, got ${values[bad]} in row ${row}, column ${bad - row * d}. Leave out such rows, or look for what made them.`,
    );
  }
}

/** Reads `[n, d]`; throws unless n ≥ least, d ≥ 1 and every value is finite. */
export async function finiteRows(where: string, name: string, tensor: tf.Tensor, least = 1): Promise<Rows> {
  requireFloat(where, name, tensor, '[n, d]');
  const [n, d] = tensor.shape;
  if (tensor.shape.length !== 2 || n === undefined || d === undefined || d === 0) {
    throw new ShapeError(
      `${where}: ${name} must have shape [n, d], one sample a row, got ${shown(tensor)}. Reshape it, for example with tf.reshape(x, [n, -1]).`,
    );
  }
  requireRows(where, name, n, least);
  const values = await tensor.data<'float32'>();
  requireAllFinite(where, name, values, d);
  return { values, n, d };
}

/** Reads a sample `[n, d]` and a reference `[m, d]` with rows of the same length. */
export async function finitePair(
  where: string,
  samples: tf.Tensor,
  reference: tf.Tensor,
  least = 1,
): Promise<readonly [Rows, Rows]> {
  const x = await finiteRows(where, 'samples', samples, least);
  const y = await finiteRows(where, 'reference', reference, least);
  if (x.d !== y.d) {
    throw new ShapeError(
      `${where}: samples and reference must have rows of one length, got ${shown(samples)} and ${shown(reference)}. Pass both in the same space.`,
    );
  }
  return [x, y];
}

/** Reads numbers `[n]` or `[n, 1]`. */
export async function finiteNumbers(where: string, name: string, tensor: tf.Tensor): Promise<Float32Array> {
  requireFloat(where, name, tensor, '[n] or [n, 1]');
  const [n = 0, d = 1] = tensor.shape;
  if (tensor.rank < 1 || tensor.rank > 2 || d !== 1) {
    throw new ShapeError(
      `${where}: ${name} must have shape [n] or [n, 1], got ${shown(tensor)}. This metric compares numbers; for rows of several use slicedWasserstein or energyDistance.`,
    );
  }
  requireRows(where, name, n, 1);
  const values = await tensor.data<'float32'>();
  requireAllFinite(where, name, values, 1);
  return values;
}
