/**
 * Products of one-dimensional densities: coordinates are independent, before noise and after, so score, density and
 * posterior are one 1-D quadrature per coordinate. Any density that you can write down on an interval has an exact
 * score in this way (double wells, exponentials, bounded and skewed laws).
 *
 *   y = (x − m)/α,  ς = σ/α:   score = s(y)/α,   noise = −σ s(y)/α,   data = E[U | y],   velocity = α·noise − σ·data
 *
 * with s = d ln p_ς/dy from `intervalPosterior`. A density that jumps at the ends of its interval is allowed.
 */
import { fold, type Key, ShapeError, shown, uniform } from '@diff/core';
import type { LinearProcess } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { defineExactModel, type ExactLaw, type ExactModel } from './exact-model.ts';
import { type IntervalDensity, type IntervalTables, intervalQuantile, tabulate } from './interval-density.ts';
import { intervalPosterior, intervalVariance, isFine, nodesPerElement } from './interval-posterior.ts';
import {
  centred,
  isPerRow,
  type Marginal,
  type Marginals,
  perLevel,
  safeAlpha,
  takeLevels,
} from './marginal.ts';
import type { PredictionKind } from './prediction-kind.ts';

export interface ProductDensityOptions {
  readonly process: LinearProcess;
  /** One density per coordinate; repeat an object to share its tables. */
  readonly coordinates: readonly IntervalDensity[];
  /** What `predict` returns; default 'velocity'. */
  readonly kind?: PredictionKind;
  /** Default 'productDensity'. */
  readonly name?: string;
}

/** Some quantities of y [N] given ς, each [N]. */
type Quantities = (
  tables: IntervalTables,
  y: tf.Tensor,
  spread: number | tf.Tensor,
  fine: boolean,
) => readonly tf.Tensor[];

const POSTERIOR: Quantities = (...args) => {
  const { logDensity, score, mean } = intervalPosterior(...args);
  return [logDensity, score, mean];
};
const VARIANCE: Quantities = (...args) => [intervalVariance(...args)];

/** Lays the pieces of every quantity together along an axis, in the order that they had before sorting. */
function merged(
  pieces: readonly (readonly tf.Tensor[])[],
  order: readonly number[],
  axis: number,
): readonly tf.Tensor[] {
  if (pieces.length === 1) return pieces[0]!;
  const back = new Int32Array(order.length);
  order.forEach((row, at) => {
    back[row] = at;
  });
  const index = tf.tensor1d(back, 'int32');
  return pieces[0]!.map((_, q) =>
    tf.gather(
      tf.concat(
        pieces.map((piece) => piece[q]!),
        axis,
      ),
      index,
      axis,
    ),
  );
}

/** Quantities of the columns of y [n, m] that share one density, all rows on one side of `isFine`. */
function columns(
  of: Quantities,
  tables: IntervalTables,
  y: tf.Tensor,
  levels: Marginals,
  fine: boolean,
): readonly tf.Tensor[] {
  const [n, m] = y.shape as [number, number];
  const spread = perLevel(levels, (l) => l.sigma / safeAlpha(l));
  const each =
    typeof spread === 'number' ? spread : tf.reshape(tf.tile(tf.expandDims(spread, 1), [1, m]), [n * m]);
  return of(tables, tf.reshape(y, [n * m]), each, fine).map((t) => tf.reshape(t, [n, m]));
}

/** The same with rows sorted by which nodes serve them. */
function sorted(
  of: Quantities,
  tables: IntervalTables,
  y: tf.Tensor,
  levels: Marginals,
): readonly tf.Tensor[] {
  const fine = (l: Marginal): boolean => isFine(tables, l.sigma / safeAlpha(l));
  if (!isPerRow(levels)) return columns(of, tables, y, levels, fine(levels));
  const groups = [true, false]
    .map((side) => ({ side, rows: levels.flatMap((l, row) => (fine(l) === side ? [row] : [])) }))
    .filter(({ rows }) => rows.length > 0);
  const pieces = groups.map(({ side, rows }) =>
    columns(of, tables, tf.gather(y, tf.tensor1d(rows, 'int32')), takeLevels(levels, rows), side),
  );
  return merged(
    pieces,
    groups.flatMap(({ rows }) => rows),
    0,
  );
}

function productLaw(coordinates: readonly IntervalTables[]): ExactLaw {
  const d = coordinates.length;
  const groups = [...new Set(coordinates)].map((tables) => ({
    tables,
    at: coordinates.flatMap((c, j) => (c === tables ? [j] : [])),
  }));
  const evaluate = (of: Quantities, x: tf.Tensor2D, levels: Marginals): readonly tf.Tensor[] => {
    const y = centred(x, levels, (l) => 1 / safeAlpha(l));
    const some = (at: readonly number[]): tf.Tensor =>
      at.length === d ? y : tf.gather(y, tf.tensor1d([...at], 'int32'), 1);
    return merged(
      groups.map(({ tables, at }) => sorted(of, tables, some(at), levels)),
      groups.flatMap(({ at }) => at),
      1,
    );
  };
  const times = (value: tf.Tensor, levels: Marginals, of: (l: Marginal) => number): tf.Tensor => {
    const w = perLevel(levels, of);
    return tf.mul(value, typeof w === 'number' ? w : tf.expandDims(w, 1));
  };
  const elements = d * Math.max(...groups.map(({ tables }) => nodesPerElement(tables)));
  return {
    rowElements: elements,
    covarianceRowElements: elements + d * d,
    predict(kind, x, levels) {
      const [, score, mean] = evaluate(POSTERIOR, x, levels) as [tf.Tensor, tf.Tensor, tf.Tensor];
      switch (kind) {
        case 'score':
          return times(score, levels, (l) => 1 / safeAlpha(l));
        case 'noise':
          return times(score, levels, (l) => -l.sigma / safeAlpha(l));
        case 'data':
          return mean;
        case 'velocity':
          return tf.neg(times(tf.add(score, mean), levels, (l) => l.sigma));
      }
    },
    logDensity: (x, levels) => {
      const shift = perLevel(levels, (l) => d * Math.log(safeAlpha(l)));
      return tf.sub(tf.sum(evaluate(POSTERIOR, x, levels)[0]!, 1), shift);
    },
    posteriorCovariance: (x, levels) =>
      tf.mul(tf.expandDims(evaluate(VARIANCE, x, levels)[0]!, 2), tf.reshape(tf.eye(d), [1, d, d])),
    async sample(key: Key, n: number, firstRow: number) {
      const u = uniform(fold(key, 0), [n, d], { firstRow });
      const values = await u.data();
      u.dispose();
      // the middle of the uniform's step of 2⁻²⁴, so that 0 is not an end of the interval
      const points = values.map((q, i) => intervalQuantile(coordinates[i % d]!, q + 2 ** -25));
      return tf.tensor2d(points, [n, d]);
    },
  };
}

/**
 * The exact model of a product of one-dimensional densities.
 *
 * @returns an exact model with event shape [d]; it holds no tensors. Relative error of densities and scores about 1e-5 for
 *   densities that the panels resolve.
 * @throws ShapeError without coordinates; DomainError for an interval out of order or a log-density that is not
 *   finite on it.
 * @example
 * ```ts
 * import { productDensity } from '@diff/score';
 * import { canonicalOu } from '@diff/sde';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const doubleWell = { logDensity: (u: number) => -2 * (u * u - 1) ** 2, interval: [-3, 3] } as const;
 * const model = productDensity({ process: canonicalOu({ T: 5 }), coordinates: [doubleWell, doubleWell] });
 * const score = await model.score(tf.zeros([4, 2]), 0.3);
 * ```
 */
export function productDensity({
  process,
  coordinates,
  kind = 'velocity',
  name = 'productDensity',
}: ProductDensityOptions): ExactModel {
  if (!Array.isArray(coordinates) || coordinates.length === 0) {
    throw new ShapeError(
      `${name}: coordinates must be a list of at least one density, got ${shown(coordinates)}. Pass [{ logDensity, interval }].`,
    );
  }
  const tablesOf = new Map<IntervalDensity, IntervalTables>();
  const tables = coordinates.map((density: IntervalDensity) => {
    const known = tablesOf.get(density) ?? tabulate(name, density);
    tablesOf.set(density, known);
    return known;
  });
  return defineExactModel({ process, name, kind, eventShape: [coordinates.length], law: productLaw(tables) });
}
