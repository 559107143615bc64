/**
 * All weights of a network as one row [1, P], so that an optimiser step over thirty variables costs as many kernels
 * as over one. The order is that of the network's `variables`.
 */
import * as tf from '@tensorflow/tfjs-core';

export interface FlatParameters {
  readonly names: readonly string[];
  readonly variables: readonly tf.Variable[];
  /** P. */
  readonly size: number;
  /** One row [1, P] out of one tensor per variable (of any shape of its size); undefined stands for zeros. */
  flatten(tensors: readonly (tf.Tensor | undefined)[]): tf.Tensor;
  /** The pieces of a row, each of its variable's shape. */
  unflatten(row: tf.Tensor): tf.Tensor[];
  /** Writes a row into the variables. */
  assign(row: tf.Tensor): void;
}

/** Views the variables as one row; it owns nothing. */
export function flatParameters(named: Readonly<Record<string, tf.Variable>>): FlatParameters {
  const names = Object.keys(named);
  const variables = names.map((name) => named[name]!);
  const sizes = variables.map((v) => v.size);
  const size = sizes.reduce((a, b) => a + b, 0);
  const unflatten = (row: tf.Tensor): tf.Tensor[] =>
    tf.tidy(() =>
      tf.split(tf.reshape(row, [size]), sizes, 0).map((piece, i) => tf.reshape(piece, variables[i]!.shape)),
    );
  return {
    names,
    variables,
    size,
    flatten: (tensors) =>
      tf.tidy(() => {
        const pieces = variables.map((v, i) => {
          const piece = tensors[i];
          return piece ? tf.reshape(piece, [v.size]) : tf.zeros([v.size]);
        });
        return tf.reshape(pieces.length === 1 ? tf.clone(pieces[0]!) : tf.concat(pieces, 0), [1, size]);
      }),
    unflatten,
    assign: (row) => {
      tf.tidy(() => {
        unflatten(row).forEach((piece, i) => {
          variables[i]!.assign(piece);
        });
      });
    },
  };
}
