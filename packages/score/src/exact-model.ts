/**
 * Exact models: laws of X₀ whose smoothing by X_t = α X₀ + m + σ ε is known in closed form.
 *
 * A law says how to evaluate itself for rows [n, d] at given noise levels; this file makes a model of it: shapes,
 * times per row, conditions (rows are sorted by label, each group is evaluated by the law of its label), blocks of
 * rows so that memory stays bounded, and tidying. Predictions of every kind come straight from the law, never by
 * subtracting two nearly equal tensors; the default kind, velocity, is the one that converts to each of the others
 * without loss at any time (see `conversion`).
 */
import { DomainError, type Key, requireInteger, requireOneOf, ShapeError, shown } from '@diff/core';
import type { LinearProcess } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { levelAt, type Marginals, sliceLevels, takeLevels, timesOf } from './marginal.ts';
import { type Condition, requireTime, type ScoreModel, type Time } from './model.ts';
import { PREDICTION_KINDS, type PredictionKind } from './prediction-kind.ts';

/** A function of state and time: immediate (and differentiable in x) for one time without condition. */
export interface ExactFunction<R extends tf.Tensor> {
  (x: tf.Tensor, t: number): R;
  (x: tf.Tensor, t: Time, condition?: Condition): R | Promise<R>;
}

/** Which rows of the random stream, and of which class. */
export interface DataSampleOptions {
  /** Row of the stream at which the sample begins; default 0. */
  readonly firstRow?: number;
  /** Draw from the law of this label; default: from the law of all. */
  readonly label?: number;
}

/** A score model whose score is exact, and what else is known of its law. */
export interface ExactModel extends ScoreModel {
  readonly eventShape: readonly number[];
  readonly predict: ExactFunction<tf.Tensor>;
  /** log p_t(x) in nats, [n], owned by the caller. */
  readonly logDensity: ExactFunction<tf.Tensor1D>;
  /** E[X₀ | X_t = x], of x's shape, owned by the caller. */
  readonly posteriorMean: ExactFunction<tf.Tensor>;
  /** Cov[X₀ | X_t = x], [n, d, d] with d the number of elements of a row, owned by the caller. */
  readonly posteriorCovariance: ExactFunction<tf.Tensor3D>;
  /** n independent draws of X₀, [n, …event], owned by the caller. Row i depends on key and firstRow + i alone. */
  sample(key: Key, n: number, options?: DataSampleOptions): Promise<tf.Tensor>;
}

/** The law of X₀, evaluated for rows x [n, d] (a tidy is around every call but sample's). */
export interface ExactLaw {
  predict(kind: PredictionKind, x: tf.Tensor2D, levels: Marginals): tf.Tensor;
  logDensity(x: tf.Tensor2D, levels: Marginals): tf.Tensor;
  posteriorCovariance(x: tf.Tensor2D, levels: Marginals): tf.Tensor;
  /** [n, d], owned by the caller. */
  sample(key: Key, n: number, firstRow: number): Promise<tf.Tensor>;
  /** Elements of the largest intermediate tensor per row of x; 0 for those that stream. */
  readonly rowElements: number;
  /** The same for posteriorCovariance. */
  readonly covarianceRowElements: number;
}

export interface ExactModelDefinition {
  readonly process: LinearProcess;
  readonly name: string;
  readonly kind: PredictionKind;
  readonly eventShape: readonly number[];
  readonly law: ExactLaw;
  /** The law of each label, where the model can be conditioned. */
  readonly lawOf?: ReadonlyMap<number, ExactLaw>;
}

/** Elements of the largest intermediate tensor. */
const BLOCK_ELEMENTS = 2 ** 22;

/** In a condition this label stands for "no condition". */
export const UNCONDITIONAL = -1;

type RowFunction = (law: ExactLaw, x: tf.Tensor2D, levels: Marginals) => tf.Tensor;

function inBlocks(f: RowFunction, law: ExactLaw, x: tf.Tensor2D, levels: Marginals, elements: number) {
  const [n, d] = x.shape;
  const rows = elements > 0 ? Math.max(1, Math.floor(BLOCK_ELEMENTS / elements)) : n;
  if (n <= rows) return f(law, x, levels);
  const pieces: tf.Tensor[] = [];
  for (let start = 0; start < n; start += rows) {
    const size = Math.min(rows, n - start);
    pieces.push(tf.tidy(() => f(law, tf.slice(x, [start, 0], [size, d]), sliceLevels(levels, start, size))));
  }
  return tf.concat(pieces, 0);
}

/**
 * Makes an exact model of a law.
 *
 * @returns the model; it holds no tensors but those that the law holds.
 * @throws DomainError for an unknown kind.
 * @example
 * ```ts
 * import { normal } from '@diff/core';
 * import { defineExactModel, type Marginal, type Marginals } from '@diff/score';
 * import { canonicalOu } from '@diff/sde';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * // N(0, 1) on the line: X_t ~ N(m, v), v = α² + σ². One level for all rows, or one for each, as a column.
 * const column = (levels: Marginals, of: (level: Marginal) => number) =>
 *   tf.reshape([levels].flat().map(of), [-1, 1]);
 * const variance = (l: Marginal): number => l.alpha ** 2 + l.sigma ** 2;
 * const gain = {
 *   data: (l: Marginal) => l.alpha / variance(l),
 *   noise: (l: Marginal) => l.sigma / variance(l),
 *   score: (l: Marginal) => -1 / variance(l),
 *   velocity: () => 0,
 * };
 * const centred = (x: tf.Tensor, levels: Marginals) => tf.sub(x, column(levels, (l) => l.mean));
 * const model = defineExactModel({
 *   process: canonicalOu(),
 *   name: 'standard normal',
 *   kind: 'velocity',
 *   eventShape: [1],
 *   law: {
 *     predict: (kind, x, levels) => tf.mul(centred(x, levels), column(levels, gain[kind])),
 *     logDensity: (x, levels) => {
 *       const square = tf.div(tf.square(centred(x, levels)), column(levels, variance));
 *       const constant = column(levels, (l) => Math.log(2 * Math.PI * variance(l)));
 *       return tf.reshape(tf.mul(-0.5, tf.add(square, constant)), [-1]);
 *     },
 *     posteriorCovariance: (x, levels) =>
 *       tf.reshape(tf.mul(tf.onesLike(x), column(levels, (l) => l.sigma ** 2 / variance(l))), [-1, 1, 1]),
 *     sample: async (key, n, firstRow) => normal(key, [n, 1], { firstRow }),
 *     rowElements: 0,
 *     covarianceRowElements: 0,
 *   },
 * });
 * const score = await model.score(tf.ones([4, 1]), 0.3); // −1
 * ```
 */
export function defineExactModel({
  process,
  name,
  kind,
  eventShape,
  law,
  lawOf,
}: ExactModelDefinition): ExactModel {
  requireOneOf(name, 'kind', kind, PREDICTION_KINDS);
  const d = eventShape.reduce((a, b) => a * b, 1);

  const lawFor = (label: number): ExactLaw => {
    const found = label === UNCONDITIONAL ? law : lawOf?.get(label);
    if (!found) {
      const known = [...(lawOf?.keys() ?? [])].sort((a, b) => a - b);
      throw new DomainError(
        `${name}: every label must be ${UNCONDITIONAL} (no condition) or one of ${known.slice(0, 12).join(', ') || 'none (the model has no labels)'}, got ${label}. Give the model labels, or condition on one that it has.`,
      );
    }
    return found;
  };

  async function given(
    f: RowFunction,
    x: tf.Tensor,
    levels: Marginals,
    condition: Condition,
    elements: (law: ExactLaw) => number,
  ): Promise<tf.Tensor> {
    const groups = new Map<number, number[]>();
    (await condition.data()).forEach((label, row) => {
      const rows = groups.get(label);
      if (rows) rows.push(row);
      else groups.set(label, [row]);
    });
    return tf.tidy(() => {
      const flat = tf.reshape(x, [-1, d]) as tf.Tensor2D;
      const pieces = [...groups].map(([label, rows]) => {
        const own = lawFor(label);
        return inBlocks(f, own, tf.gather(flat, rows), takeLevels(levels, rows), elements(own));
      });
      const order = new Int32Array(flat.shape[0]);
      [...groups.values()].flat().forEach((row, at) => {
        order[row] = at;
      });
      return tf.gather(tf.concat(pieces, 0), tf.tensor1d(order, 'int32'));
    });
  }

  function exactFunction<R extends tf.Tensor>(
    f: RowFunction,
    shapeOf: (x: tf.Tensor) => number[],
    elements: (law: ExactLaw) => number = (l) => l.rowElements,
  ): ExactFunction<R> {
    const finish = (x: tf.Tensor, y: tf.Tensor): R => tf.reshape(y, shapeOf(x)) as R;
    async function later(x: tf.Tensor, t: Time, condition: Condition | undefined): Promise<R> {
      const levels =
        typeof t === 'number'
          ? levelAt(name, process, t)
          : (await timesOf(t)).map((time) => levelAt(name, process, time));
      if (!condition) {
        return tf.tidy(() => finish(x, inBlocks(f, law, tf.reshape(x, [-1, d]), levels, elements(law))));
      }
      const y = await given(f, x, levels, condition, elements);
      return tf.tidy(() => {
        const shaped = finish(x, y);
        y.dispose();
        return shaped;
      });
    }
    function evaluate(x: tf.Tensor, t: number): R;
    function evaluate(x: tf.Tensor, t: Time, condition?: Condition): R | Promise<R>;
    function evaluate(x: tf.Tensor, t: Time, condition?: Condition): R | Promise<R> {
      requireState(name, x, eventShape);
      requireTime(name, x, t);
      if (condition) requireLabels(name, x, condition);
      if (typeof t !== 'number' || condition) return later(x, t, condition);
      const level = levelAt(name, process, t);
      return tf.tidy(() => finish(x, inBlocks(f, law, tf.reshape(x, [-1, d]), level, elements(law))));
    }
    return evaluate;
  }

  const predictionOf = (to: PredictionKind): ExactFunction<tf.Tensor> =>
    exactFunction(
      (own, x, levels) => own.predict(to, x, levels),
      (x) => x.shape,
    );
  const later =
    (f: ExactFunction<tf.Tensor>) =>
    async (x: tf.Tensor, t: Time, condition?: Condition): Promise<tf.Tensor> =>
      f(x, t, condition);
  const posteriorMean = predictionOf('data');

  return {
    process,
    kind,
    name,
    eventShape,
    predict: predictionOf(kind),
    score: later(predictionOf('score')),
    denoise: later(posteriorMean),
    noise: later(predictionOf('noise')),
    posteriorMean,
    logDensity: exactFunction<tf.Tensor1D>(
      (own, x, levels) => own.logDensity(x, levels),
      (x) => [x.shape[0]!],
    ),
    posteriorCovariance: exactFunction<tf.Tensor3D>(
      (own, x, levels) => own.posteriorCovariance(x, levels),
      (x) => [x.shape[0]!, d, d],
      (own) => own.covarianceRowElements,
    ),
    async sample(key, n, { firstRow = 0, label = UNCONDITIONAL } = {}) {
      requireInteger(name, 'n', n, 1);
      requireInteger(name, 'firstRow', firstRow);
      const flat = await lawFor(label).sample(key, n, firstRow);
      return tf.tidy(() => {
        const shaped = tf.reshape(flat, [n, ...eventShape]);
        flat.dispose();
        return shaped;
      });
    },
  };
}

/** Throws unless x is [n, …eventShape]. */
function requireState(where: string, x: tf.Tensor, eventShape: readonly number[]): void {
  const ok = x?.rank === eventShape.length + 1 && eventShape.every((size, i) => x.shape[i + 1] === size);
  if (!ok) {
    throw new ShapeError(
      `${where}: x must have shape [n, ${eventShape.join(', ')}], got ${shown(x)}. Pass one row per point.`,
    );
  }
}

function requireLabels(where: string, x: tf.Tensor, condition: Condition): void {
  if (condition.rank !== 1 || condition.shape[0] !== x.shape[0]) {
    throw new ShapeError(
      `${where}: condition must have shape [${x.shape[0]}] (one label per row), got ${shown(condition)}. Pass int32 labels; ${UNCONDITIONAL} leaves a row unconditional.`,
    );
  }
}
