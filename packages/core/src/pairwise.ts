/**
 * `pairwise`: reductions over all pairs (x_i, y_j) of rows of a function of their distance D_ij = |x_i − y_j|.
 *
 *   sumExp       out_i = Σ_j w_j exp(−scale·D_ij²)              kernel sums: MMD, density estimates
 *   sumDistance  out_i = Σ_j w_j D_ij                           energy distance
 *   logSumExp    out_i = log Σ_j exp(potential_j − scale·D_ij²) Sinkhorn, kernel density
 *   nearest      the k smallest D_ij and their j                 neighbours, precision and recall
 *
 * Distances come from differences, never from |x|² + |y|² − 2⟨x, y⟩, so near pairs keep their digits. Streaming:
 * flat memory at 10⁵ points; the reference works through blocks of rows.
 */
import * as tf from '@tensorflow/tfjs-core';
import { requireFinite, requireInteger } from './checks.ts';
import { ShapeError, shown } from './errors.ts';
import { type NamedTensors, registerReferenceGradient, runOp } from './kernel.ts';

interface PairOptions {
  /** Leave out the pairs i = j (for a set against itself); default false. */
  readonly excludeDiagonal?: boolean;
}

interface SumOptions extends PairOptions {
  /** Weights w [m]; default 1. */
  readonly weights?: tf.Tensor;
}

type PairwiseAttrs = {
  readonly reduce: 'sumExp' | 'sumDistance' | 'logSumExp' | 'nearest';
  readonly scale: number;
  readonly k: number;
  readonly excludeDiagonal: boolean;
};

/** Elements of the largest intermediate tensor of the reference. */
const BLOCK_ELEMENTS = 2 ** 22;
const SUM_BLOCK = 256;
const SMALLEST_NORMAL = 2 ** -126;

function block(x: tf.Tensor, firstRow: number, inputs: NamedTensors, attrs: PairwiseAttrs): tf.Tensor[] {
  const { y, potential, weights } = inputs;
  const [n, d] = x.shape as [number, number];
  const m = y!.shape[0]!;
  const squared = tf.sum(tf.square(tf.sub(tf.reshape(x, [n, 1, d]), tf.reshape(y!, [1, m, d]))), 2);
  const onDiagonal = attrs.excludeDiagonal
    ? tf.equal(
        tf.reshape(tf.range(firstRow, firstRow + n, 1, 'int32'), [n, 1]),
        tf.reshape(tf.range(0, m, 1, 'int32'), [1, m]),
      )
    : undefined;
  const kept = (terms: tf.Tensor, otherwise: number): tf.Tensor =>
    onDiagonal ? tf.where(onDiagonal, tf.fill([n, m], otherwise), terms) : terms;
  const total = (terms: tf.Tensor): tf.Tensor =>
    rowSums(weights ? tf.mul(terms, tf.reshape(weights, [1, m])) : terms);
  switch (attrs.reduce) {
    case 'sumExp':
      return [total(kept(tf.exp(tf.mul(-attrs.scale, squared)), 0))];
    case 'sumDistance':
      return [total(kept(distance(squared), 0))];
    case 'logSumExp':
      return [
        tf.logSumExp(
          kept(
            tf.sub(tf.reshape(potential!, [1, m]), tf.mul(attrs.scale, squared)),
            Number.NEGATIVE_INFINITY,
          ),
          1,
        ),
      ];
    case 'nearest': {
      const { values, indices } = tf.topk(tf.neg(kept(squared, Number.POSITIVE_INFINITY)), attrs.k, true);
      return [distance(tf.neg(values)), indices];
    }
  }
}

/** √s, written so that its derivative along s = |x − y|² is 0, not NaN, at s = 0. */
function distance(squared: tf.Tensor): tf.Tensor {
  return tf.div(squared, tf.sqrt(tf.maximum(squared, SMALLEST_NORMAL)));
}

/** Row sums in two levels: some backends add up a long row one by one in float32. */
function rowSums(terms: tf.Tensor): tf.Tensor {
  const [n, m] = terms.shape as [number, number];
  if (m <= SUM_BLOCK) return tf.sum(terms, 1);
  const blocks = Math.ceil(m / SUM_BLOCK);
  const padded = tf.pad(terms as tf.Tensor2D, [
    [0, 0],
    [0, blocks * SUM_BLOCK - m],
  ]);
  return tf.sum(tf.sum(tf.reshape(padded, [n, blocks, SUM_BLOCK]), 2), 1);
}

function reference(inputs: NamedTensors, attrs: PairwiseAttrs): tf.Tensor[] {
  const x = inputs.x!;
  const [n, d] = x.shape as [number, number];
  const rows = Math.max(1, Math.floor(BLOCK_ELEMENTS / (inputs.y!.shape[0]! * Math.max(d, 1))));
  if (n <= rows) return block(x, 0, inputs, attrs);
  const pieces: tf.Tensor[][] = [];
  for (let start = 0; start < n; start += rows) {
    const size = Math.min(rows, n - start);
    pieces.push(tf.tidy(() => block(tf.slice(x, [start, 0], [size, d]), start, inputs, attrs)));
  }
  return pieces[0]!.map((_, i) =>
    tf.concat(
      pieces.map((p) => p[i]!),
      0,
    ),
  );
}

registerReferenceGradient<PairwiseAttrs>('DiffPairwise', (attrs) => (inputs) => reference(inputs, attrs));

function run(
  x: tf.Tensor,
  y: tf.Tensor,
  attrs: PairwiseAttrs,
  extra: Record<string, tf.Tensor | undefined>,
): tf.Tensor[] {
  const where = `pairwise ${attrs.reduce}`;
  if (x.rank !== 2 || y.rank !== 2 || x.shape[1] !== y.shape[1]) {
    throw new ShapeError(
      `${where}: x and y must have shapes [n, d] and [m, d], got ${shown(x)} and ${shown(y)}. Reshape them to rows of one length.`,
    );
  }
  const m = y.shape[0]!;
  if (m === 0) throw new ShapeError(`${where}: y must have at least one row, got none. Pass a point.`);
  const inputs: Record<string, tf.Tensor> = { x, y };
  for (const [name, tensor] of Object.entries(extra)) {
    if (!tensor) continue;
    if (tensor.rank !== 1 || tensor.shape[0] !== m) {
      throw new ShapeError(
        `${where}: ${name} must have shape [${m}], one per row of y, got ${shown(tensor)}. Reshape it.`,
      );
    }
    inputs[name] = tensor;
  }
  return runOp('DiffPairwise', inputs, attrs, (named) => reference(named, attrs));
}

/**
 * out_i = Σ_j w_j exp(−scale·|x_i − y_j|²).
 *
 * @param x [n, d]; @param y [m, d]; @param options.scale finite, in 1/(unit of x)²: 1/(2h²) for bandwidth h.
 * @returns [n], owned by the caller.
 * @example
 * ```ts
 * import { pairwiseSumExp } from '@diff/core';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const density = pairwiseSumExp(tf.zeros([3, 2]), tf.ones([5, 2]), { scale: 0.5 });
 * ```
 */
export function pairwiseSumExp(
  x: tf.Tensor,
  y: tf.Tensor,
  options: SumOptions & { readonly scale: number },
): tf.Tensor1D {
  const { scale, excludeDiagonal = false, weights } = options;
  requireFinite('pairwise sumExp', 'scale', scale);
  return run(x, y, { reduce: 'sumExp', scale, k: 1, excludeDiagonal }, { weights })[0] as tf.Tensor1D;
}

/**
 * out_i = Σ_j w_j |x_i − y_j|; x [n, d], y [m, d]; returns [n], owned by the caller.
 *
 * @example
 * ```ts
 * import { pairwiseSumDistance } from '@diff/core';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const total = pairwiseSumDistance(tf.zeros([1, 2]), tf.tensor2d([[3, 4], [0, 2]])); // [7]
 * ```
 */
export function pairwiseSumDistance(x: tf.Tensor, y: tf.Tensor, options: SumOptions = {}): tf.Tensor1D {
  const { excludeDiagonal = false, weights } = options;
  return run(x, y, { reduce: 'sumDistance', scale: 1, k: 1, excludeDiagonal }, { weights })[0] as tf.Tensor1D;
}

/**
 * out_i = log Σ_j exp(potential_j − scale·|x_i − y_j|²); potential [m]; returns [n], owned by the caller.
 *
 * @example
 * ```ts
 * import { key, normal, pairwiseLogSumExp } from '@diff/core';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const data = normal(key(1), [500, 2]);
 * const potential = tf.fill([500], -Math.log(500 * 2 * Math.PI * 0.1 ** 2));
 * const logDensity = pairwiseLogSumExp(tf.zeros([1, 2]), data, { potential, scale: 1 / (2 * 0.1 ** 2) });
 * ```
 */
export function pairwiseLogSumExp(
  x: tf.Tensor,
  y: tf.Tensor,
  options: PairOptions & { readonly potential: tf.Tensor; readonly scale: number },
): tf.Tensor1D {
  const { potential, scale, excludeDiagonal = false } = options;
  requireFinite('pairwise logSumExp', 'scale', scale);
  return run(x, y, { reduce: 'logSumExp', scale, k: 1, excludeDiagonal }, { potential })[0] as tf.Tensor1D;
}

/**
 * The k nearest rows of y to every row of x, nearest first; ties go to the smaller index.
 *
 * @returns `distance` [n, k] and `index` [n, k] int32, owned by the caller.
 * @example
 * ```ts
 * import { key, normal, pairwiseNearest } from '@diff/core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const data = normal(key(1), [100, 2]);
 * const { distance, index } = pairwiseNearest(data, data, { k: 5, excludeDiagonal: true }); // [100, 5] each
 * ```
 */
export function pairwiseNearest(
  x: tf.Tensor,
  y: tf.Tensor,
  options: PairOptions & { readonly k?: number } = {},
): { readonly distance: tf.Tensor2D; readonly index: tf.Tensor2D } {
  const { k = 1, excludeDiagonal = false } = options;
  requireInteger('pairwise nearest', 'k', k, 1);
  const most = (y.shape[0] ?? 0) - (excludeDiagonal ? 1 : 0);
  if (k > most) {
    throw new ShapeError(
      `pairwise nearest: k must be at most ${most}, the number of candidates, got ${k}. Pass a smaller k or more rows of y.`,
    );
  }
  const [distance, index] = run(x, y, { reduce: 'nearest', scale: 1, k, excludeDiagonal }, {});
  return { distance: distance as tf.Tensor2D, index: index as tf.Tensor2D };
}
