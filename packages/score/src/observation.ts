/**
 * Noisy observations y = A x₀ + r η, η ~ N(0, I), as what guidance asks of them: with A Aᵀ = U Λ Uᵀ, the squares of the
 * residual's coordinates along U, each with a weight that depends on its eigenvalue,
 *
 *   Σ_i weight(λ_i) (Uᵀ(y − A x̂0))_i²,
 *
 * because under a posterior covariance ρ² I of x₀ the residual has covariance r² I + ρ² A Aᵀ.
 */
import { DomainError, requireFinite, ShapeError, shown } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { requireRows } from './gaussian-mixture.ts';
import { rowProducts } from './row-products.ts';
import { symmetricEigen } from './symmetric-eigen.ts';

/** What was seen of x₀. */
export interface Observation {
  /** For messages. */
  readonly name: string;
  /**
   * Σ_i weight(λ_i) residual_i² of each row, [n]: differentiable, synchronous tfjs code of x̂0 [n, …event].
   */
  weightedSquares(data: tf.Tensor, weight: (gain: number) => number): tf.Tensor;
  /**
   * y − A x̂0 in some orthonormal basis, [n, m], of linear observations: differentiable, synchronous tfjs code.
   */
  residual?(data: tf.Tensor): tf.Tensor;
}

export interface MaskedObservationOptions {
  /** 1 (or true) where x₀ was seen and 0 where not: of an event's shape, or [n, …event]. Stays the caller's. */
  readonly mask: tf.Tensor;
  /** What was seen there; anything where the mask is 0. Of an event's shape, or [n, …event]. Stays the caller's. */
  readonly known: tf.Tensor;
}

/** Throws unless both broadcast against [n, …event]. */
function requireKnown(where: string, { mask, known }: MaskedObservationOptions, data: tf.Tensor): void {
  for (const [name, x] of [
    ['mask', mask],
    ['known', known],
  ] as const) {
    const own = x?.shape;
    const fits =
      Array.isArray(own) &&
      own.length <= data.rank &&
      own.every((size, i) => size === data.shape[data.rank - own.length + i] || (size === 1 && i === 0));
    if (!fits) {
      throw new ShapeError(
        `${where}: ${name} must have the shape of a row, [${data.shape.slice(1).join(', ')}], or of the batch, [${data.shape.join(', ')}], got ${shown(x)}. Reshape it.`,
      );
    }
  }
}

/**
 * Some elements of x₀ were seen (inpainting): A picks them out, A Aᵀ = I.
 *
 * @throws ShapeError, when used, for tensors that do not fit a row or the batch.
 * @example
 * ```ts
 * import { maskedObservation } from '@diff/score';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * // the first of two coordinates is 0.4
 * const observation = maskedObservation({ mask: tf.tensor1d([1, 0]), known: tf.tensor1d([0.4, 0]) });
 * ```
 */
export function maskedObservation(options: MaskedObservationOptions): Observation {
  const { mask, known } = options;
  function residual(data: tf.Tensor): tf.Tensor {
    requireKnown('maskedObservation', options, data);
    const all = tf.mul(tf.sub(known, data), tf.cast(mask, 'float32'));
    return tf.reshape(all, [data.shape[0]!, -1]);
  }
  return {
    name: 'maskedObservation',
    residual,
    weightedSquares(data, weight) {
      const own = residual(data);
      return tf.mul(rowProducts(own, own), weight(1));
    },
  };
}

export interface LinearObservationOptions {
  /** A, m rows of d numbers; d is the number of elements of a row of x₀, in their order. */
  readonly matrix: readonly (readonly number[])[];
  /** y, m numbers. */
  readonly values: readonly number[];
}

/**
 * A few linear functions of x₀ were seen: y = A x₀ + noise, with A given as numbers.
 *
 * @throws ShapeError, DomainError for matrices that are not rectangular, values that do not fit, or numbers that are not
 *   finite; ShapeError, when used, for events of another size.
 * @example
 * ```ts
 * import { linearObservation } from '@diff/score';
 * // the sum of three coordinates is 2
 * const observation = linearObservation({ matrix: [[1, 1, 1]], values: [2] });
 * ```
 */
export function linearObservation({ matrix, values }: LinearObservationOptions): Observation {
  const d = requireRows('linearObservation', 'matrix', matrix);
  if (!Array.isArray(values) || values.length !== matrix.length) {
    throw new ShapeError(
      `linearObservation: values must have shape [${matrix.length}], one for each row of the matrix, got ${shown(values)}. Make the two agree.`,
    );
  }
  values.forEach((value: number, i: number) => {
    requireFinite('linearObservation', `values[${i}]`, value);
  });
  const m = matrix.length;
  const products = matrix.map((a) => matrix.map((b) => a.reduce((sum, v, j) => sum + v * b[j]!, 0)));
  const { values: gains, vectors } = symmetricEigen(products);
  /** Uᵀ of a column. */
  const turned = (column: readonly number[]): number[] =>
    gains.map((_, i) => column.reduce((sum, v, k) => sum + vectors[k * m + i]! * v, 0));
  const turnedValues = turned(values);
  // [d, m]: what a row of x̂0 is multiplied by.
  const turnedMatrix = Float32Array.from(
    Array.from({ length: d }, (_, j) => turned(matrix.map((row) => row[j]!))).flat(),
  );
  function residual(data: tf.Tensor): tf.Tensor {
    const rows = tf.reshape(data, [data.shape[0]!, -1]) as tf.Tensor2D;
    if (rows.shape[1] !== d) {
      throw new ShapeError(
        `linearObservation: the rows of x must have ${d} elements, as many as the matrix has columns, got ${shown(data)}. Make the two agree.`,
      );
    }
    return tf.sub(turnedValues, tf.matMul(rows, tf.tensor2d(turnedMatrix, [d, m])));
  }
  return {
    name: 'linearObservation',
    residual,
    weightedSquares(data, weight) {
      // A dependent row has eigenvalue 0, which may have come out a little below.
      const weights = gains.map((gain) => weight(Math.max(0, gain)));
      return tf.sum(tf.mul(tf.square(residual(data)), weights), 1);
    },
  };
}

export interface NonlinearObservationOptions {
  /** F: x₀ [n, …event] → [n, …], differentiable, synchronous tfjs code. Rows must not mix. */
  readonly forward: (data: tf.Tensor) => tf.Tensor;
  /** What was seen, of the shape that F returns or broadcasting against it. Stays the caller's. */
  readonly values: tf.Tensor;
}

/**
 * Any differentiable function of x₀ was seen: y = F(x₀) + noise. Its spread is taken as if F Fᵀ were I, which does not
 * matter to `diffusionPosterior`; `momentMatchingGuidance` does not take it.
 *
 * @throws DomainError unless F is a function; ShapeError, when used, unless it returns n rows.
 * @example
 * ```ts
 * import { nonlinearObservation } from '@diff/score';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * // the radius is 2
 * const observation = nonlinearObservation({ forward: (data) => tf.norm(data, 2, 1), values: tf.scalar(2) });
 * ```
 */
export function nonlinearObservation({ forward, values }: NonlinearObservationOptions): Observation {
  if (typeof forward !== 'function') {
    throw new DomainError(
      `nonlinearObservation: forward must be a function of x₀, got ${shown(forward)}. Pass (data) => tensor.`,
    );
  }
  return {
    name: 'nonlinearObservation',
    weightedSquares(data, weight) {
      const seen = forward(data);
      if (!Array.isArray(seen?.shape) || seen.shape[0] !== data.shape[0]) {
        throw new ShapeError(
          `nonlinearObservation: forward must return ${data.shape[0]} rows, got ${shown(seen)}. Keep the first axis.`,
        );
      }
      const residual = tf.sub(values, seen);
      return tf.mul(rowProducts(residual, residual), weight(1));
    },
  };
}
