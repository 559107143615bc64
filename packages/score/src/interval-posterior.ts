/**
 * A density on an interval seen through Gaussian noise of standard deviation ς:
 *
 *   p_ς(y) = ∫_a^b p(u) φ_ς(y − u) du,   E[U | y],   Var[U | y],   d ln p_ς/dy = E[U − y | y]/ς²
 *
 * by quadrature over offsets o = u − y with weights p(u) exp(−o²/(2ς²)). Two sets of nodes, one for each end:
 *
 *   ς ≥ panel/2   fixed: the composite rule of the tables;
 *   ς < panel/2   moving: 64-point Gauss–Legendre on the part of [a, b] within 10ς of y (for y outside, as far as the tail
 *                 of the noise weighs), p by cubic interpolation of the tabulated log p relative to that near y. The
 *                 score then comes from the asymmetry of the weights, never as a difference of means; it is
 *                 known to 6·10⁻⁸(b − a)|(ln p)′|/ς, since float32 places a node to 6·10⁻⁸ of the interval.
 *
 * ς is never taken below 10⁻⁵(b − a), where float32 no longer places y against the noise: the value at ς = 0 is that
 * of the density smoothed so little.
 */
import { softmaxMean } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { gaussLegendre } from './gauss-legendre.ts';
import type { IntervalTables } from './interval-density.ts';

/** What is known of U given y, each of y's shape [N]. */
export interface IntervalPosterior {
  /** ln p_ς(y). */
  readonly logDensity: tf.Tensor;
  /** d ln p_ς(y)/dy. */
  readonly score: tf.Tensor;
  /** E[U | y]. */
  readonly mean: tf.Tensor;
}

/** Offsets o [N, Q], log-weights [N or 1, Q] relative to `base` [N, 1]. */
interface Nodes {
  readonly offsets: tf.Tensor;
  readonly logWeights: tf.Tensor;
  readonly base: tf.Tensor | number;
}

/** Elements of the largest intermediate tensor per element of y. */
export const nodesPerElement = (tables: IntervalTables): number => Math.max(tables.nodes.length, 4 * MOVING);

/** Do the moving nodes serve this ς? */
export const isFine = (tables: IntervalTables, spread: number): boolean => spread < 0.5 * tables.panel;

const MOVING = 64;
const MOVING_RULE = gaussLegendre(MOVING);
/** Reach of the moving nodes in units of ς: what lies beyond weighs less than exp(−50) before p. */
const REACH = 10;

function fixedNodes({ nodes, logWeights }: IntervalTables, y: tf.Tensor): Nodes {
  return {
    offsets: tf.sub(tf.expandDims(tf.tensor1d(nodes), 0), y),
    logWeights: tf.expandDims(tf.tensor1d(logWeights), 0),
    base: 0,
  };
}

/** How far past the near end of the interval, `gap` away from y, the noise still weighs: √(gap² + reach²) − gap. */
function tail(gap: tf.Tensor, reach: tf.Tensor): tf.Tensor {
  return tf.div(tf.square(reach), tf.add(tf.sqrt(tf.add(tf.square(gap), tf.square(reach))), gap));
}

function movingNodes(tables: IntervalTables, y: tf.Tensor, s: tf.Tensor): Nodes {
  const toA = tf.sub(tables.a, y);
  const toB = tf.sub(tables.b, y);
  const reach = tf.mul(s, REACH);
  const below = tail(tf.relu(tf.neg(toB)), reach);
  const above = tail(tf.relu(toA), reach);
  const lower = tf.maximum(toA, tf.sub(tf.minimum(toB, 0), below));
  const upper = tf.minimum(toB, tf.add(tf.maximum(toA, 0), above));
  const half = tf.mul(tf.sub(upper, lower), 0.5);
  const middle = tf.mul(tf.add(upper, lower), 0.5);
  const offsets = tf.add(tf.mul(half, tf.expandDims(tf.tensor1d([...MOVING_RULE.nodes]), 0)), middle);
  const { relative, base } = interpolated(tables, y, offsets);
  return {
    offsets,
    logWeights: tf.add(relative, tf.expandDims(tf.tensor1d(MOVING_RULE.weights.map(Math.log)), 0)),
    base: tf.add(base, tf.log(half)),
  };
}

/** log p(y + o) relative to the tabulated value nearest y, by cubic Lagrange interpolation between cell ends. */
function interpolated(
  { a, cell, log }: IntervalTables,
  y: tf.Tensor,
  offsets: tf.Tensor,
): { relative: tf.Tensor; base: tf.Tensor } {
  const last = log.length - 1;
  const position = (u: tf.Tensor): tf.Tensor => tf.clipByValue(tf.div(tf.sub(u, a), cell), 0, last);
  const rounded = (at: tf.Tensor): tf.Tensor => tf.cast(tf.round(at), 'int32');
  /** The four table values around each position, relative to that nearest y, and the distances to their places. */
  const around = (at: tf.Tensor, center: tf.Tensor): { values: tf.Tensor[]; f: tf.Tensor[] } => {
    const near = rounded(center);
    const table = tf.tensor1d(log); // afresh: the gradient outlives this call
    const first = tf.clipByValue(tf.sub(tf.floor(at), 1), 0, last - 3);
    const index = tf.cast(first, 'int32');
    const values = [0, 1, 2, 3].map((k) => {
      const here = tf.add(index, tf.scalar(k, 'int32'));
      return tf.sub(entries(table, here), entries(table, near));
    });
    return { values, f: [0, 1, 2, 3].map((k) => tf.sub(tf.sub(at, first), k)) };
  };
  const cubic = (values: readonly tf.Tensor[], basis: (k: number) => tf.Tensor): tf.Tensor =>
    LAGRANGE.map((w, k) => tf.mul(values[k]!, tf.mul(w, basis(k)))).reduce((p, q) => tf.add(p, q));
  const others = (f: readonly tf.Tensor[], k: number): [tf.Tensor, tf.Tensor, tf.Tensor] =>
    f.filter((_, j) => j !== k) as [tf.Tensor, tf.Tensor, tf.Tensor];
  // the derivative by hand: tfjs cannot differentiate past the integer indices of a gather
  const lookUp = tf.customGrad((...args) => {
    const [at, center, save] = args as [tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    save([at, center]);
    const { values, f } = around(at, center);
    return {
      value: cubic(values, (k) => {
        const [p, q, r] = others(f, k);
        return tf.mul(p, tf.mul(q, r));
      }),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [then, centerThen] = saved as [tf.Tensor, tf.Tensor];
        const point = around(then, centerThen);
        const slope = cubic(point.values, (k) => {
          const [p, q, r] = others(point.f, k);
          return tf.add(tf.mul(p, q), tf.mul(r, tf.add(p, q)));
        });
        return [tf.mul(dy, slope), tf.zerosLike(centerThen)];
      },
    };
  });
  const nearest = tf.customGrad((...args) => {
    const at = args[0] as tf.Tensor;
    return {
      value: entries(tf.tensor1d(log), rounded(at)),
      gradFunc: (dy: tf.Tensor) => tf.zerosLike(dy),
    };
  });
  const center = position(y);
  return { relative: lookUp(position(tf.add(y, offsets)), center), base: nearest(center) };
}

/** table[index] for an index of any shape; `gatherND` is many times faster than `gather` on the CPU backends. */
const entries = (table: tf.Tensor1D, index: tf.Tensor): tf.Tensor =>
  tf.gatherND(table, tf.expandDims(index, -1));

/** 1/Π_{j≠k}(k − j) of four equidistant places. */
const LAGRANGE = [-1 / 6, 1 / 2, -1 / 2, 1 / 6];

/** ς [N or 1], no smaller than float32 can tell. */
function spreadOf({ a, b }: IntervalTables, spread: number | tf.Tensor): tf.Tensor {
  const least = 1e-5 * (b - a);
  return typeof spread === 'number' ? tf.tensor1d([Math.max(spread, least)]) : tf.maximum(spread, least);
}

/** Weights r [N, Q] of the nodes, their offsets in units of ς, and the logarithm of all mass [N, 1]. */
function weighed(
  tables: IntervalTables,
  y: tf.Tensor,
  s: tf.Tensor,
  fine: boolean,
): { r: tf.Tensor; scaled: tf.Tensor; lift: tf.Tensor; logMass: tf.Tensor } {
  const { offsets, logWeights, base } = fine ? movingNodes(tables, y, s) : fixedNodes(tables, y);
  const scaled = tf.div(offsets, s);
  const logits = tf.sub(logWeights, tf.mul(0.5, tf.square(scaled)));
  const r = tf.softmax(logits);
  const lift = tf.sum(tf.mul(r, scaled), 1, true); // E[U − y]/ς
  return { r, scaled, lift, logMass: tf.add(tf.logSumExp(logits, 1, true), base) };
}

/**
 * Density, score and mean of U given y = U + ς ξ. The fixed nodes stream through `softmaxMean`.
 *
 * @param y [N]; @param spread ς ≥ 0: one number, or a tensor [N] of which all are `fine` or none is.
 * @returns three tensors [N] (call inside a tidy).
 */
export function intervalPosterior(
  tables: IntervalTables,
  y: tf.Tensor,
  spread: number | tf.Tensor,
  fine: boolean,
): IntervalPosterior {
  const s = spreadOf(tables, spread);
  if (!fine) {
    const nodes = tf.tensor2d(tables.nodes, [tables.nodes.length, 1]);
    const { mean: sums, logDensity } = softmaxMean(tf.expandDims(y, 1), nodes, {
      noiseVariance: typeof spread === 'number' ? spread * spread : tf.square(s),
      logWeights: tf.tensor1d(tables.logWeights),
      values: tf.concat([nodes, tf.onesLike(nodes)], 1),
    });
    // the weights sum to 1 only up to the rounding of a logarithm that is large in the tails
    const [first, total] = tf.unstack(sums, 1) as [tf.Tensor, tf.Tensor];
    const mean = tf.div(first, total);
    return { logDensity, mean, score: tf.div(tf.sub(mean, y), tf.square(s)) };
  }
  const column = tf.expandDims(s, 1);
  const { lift, logMass } = weighed(tables, tf.expandDims(y, 1), column, fine);
  return {
    logDensity: tf.squeeze(tf.sub(logMass, tf.log(tf.mul(column, Math.sqrt(2 * Math.PI)))), [1]),
    score: tf.squeeze(tf.div(lift, column), [1]),
    mean: tf.add(y, tf.squeeze(tf.mul(lift, column), [1])),
  };
}

/** Var[U | y], [N]; arguments as `intervalPosterior`. Memory N × `nodesPerElement`. */
export function intervalVariance(
  tables: IntervalTables,
  y: tf.Tensor,
  spread: number | tf.Tensor,
  fine: boolean,
): tf.Tensor {
  const column = tf.expandDims(spreadOf(tables, spread), 1);
  const { r, scaled, lift } = weighed(tables, tf.expandDims(y, 1), column, fine);
  return tf.sum(tf.mul(r, tf.square(tf.mul(tf.sub(scaled, lift), column))), 1);
}
