/**
 * Sliced Wasserstein distance of order 2: SW₂² = mean over directions θ on the sphere of W₂²(⟨θ, X⟩, ⟨θ, Y⟩), each
 * exact on the line. Bonneel, Rabin, Peyré & Pfister, "Sliced and Radon Wasserstein barycenters of measures",
 * J. Math. Imaging Vis. 51 (2015). In units of x; SW₂ ≤ W₂/√d.
 *
 * Directions are keyed (normals, normalised), so two calls with one key compare on the same directions. Cost
 * P (n + m)(d + log(n + m)); memory flat in P but for the resamples' counts.
 */
import {
  createPacer,
  DomainError,
  type Key,
  normal,
  requireInteger,
  requireKey,
  ShapeError,
  shown,
} from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { type Bootstrap, requireBootstrap, samplingError } from './bootstrap.ts';
import type { Estimate, MetricOptions } from './estimate.ts';
import { finitePair, finiteRows } from './finite-rows.ts';
import { ascendingOrder, inOrder, quantileCoupling } from './quantile-coupling.ts';

export interface SlicedWassersteinOptions extends MetricOptions {
  /** Number of random directions (default 128; needs `key`), or the directions themselves, [P, d], of unit length. */
  readonly projections?: number | tf.Tensor;
  /** Names the random directions. */
  readonly key?: Key;
}

export interface SlicedWassersteinEstimate extends Estimate {
  /** Standard error that comes from the choice of P random directions (not of samples), by the delta method. */
  readonly projectionError: number;
}

/** Both sets' resampled counts, drawn once and used for every direction. */
interface Counts {
  readonly x: readonly Uint16Array[];
  readonly y: readonly Uint16Array[];
}

/** Numbers of one block of projected rows. */
const BLOCK_ELEMENTS = 2 ** 19;

async function unitDirections(
  where: string,
  options: SlicedWassersteinOptions,
  d: number,
): Promise<tf.Tensor> {
  const { projections = 128, key } = options;
  if (typeof projections !== 'number') {
    const rows = await finiteRows(where, 'projections', projections);
    if (rows.d !== d) {
      throw new ShapeError(
        `${where}: projections must have shape [P, ${d}], got ${shown(projections)}. Pass directions in the space of the samples.`,
      );
    }
    for (let p = 0; p < rows.n; p++) {
      const length = Math.hypot(...rows.values.subarray(p * d, (p + 1) * d));
      if (Math.abs(length - 1) > 1e-4) {
        throw new DomainError(
          `${where}: projections must have unit length, got length ${length} in row ${p}. Divide each row by its length.`,
        );
      }
    }
    return tf.clone(projections);
  }
  requireInteger(where, 'projections', projections, 1);
  requireKey(where, key);
  return tf.tidy(() => {
    const g = normal(key, [projections, d]);
    return tf.div(g, tf.norm(g, 2, 1, true));
  });
}

async function drawCounts(bootstrap: Bootstrap | undefined, n: number, m: number): Promise<Counts> {
  const x: Uint16Array[] = [];
  const y: Uint16Array[] = [];
  for (let r = 0; r < (bootstrap?.resamples ?? 0); r++) {
    x.push(await bootstrap!.counts('samples', r, n));
    y.push(await bootstrap!.counts('reference', r, m));
  }
  return { x, y };
}

/**
 * Sliced W₂ (rooted) of samples to a reference.
 *
 * Bootstrap: rows of both sets redrawn with replacement, the directions held fixed.
 *
 * @param samples [n, d]; @param reference [m, d].
 * @throws ShapeError, DomainError (also where neither `key` nor directions are given)
 * @example
 * ```ts
 * import { key, normal } from '@diff/core';
 * import { slicedWasserstein } from '@diff/metrics';
 * import '@tensorflow/tfjs-backend-cpu';
 * const x = normal(key(0), [200, 3]);
 * const y = normal(key(1), [300, 3]);
 * const { value, projectionError } = await slicedWasserstein(x, y, { projections: 64, key: key(2) });
 * ```
 */
export async function slicedWasserstein(
  samples: tf.Tensor,
  reference: tf.Tensor,
  options: SlicedWassersteinOptions,
): Promise<SlicedWassersteinEstimate> {
  const where = 'slicedWasserstein';
  const bootstrap = requireBootstrap(where, options.bootstrap);
  const [{ n, d }, { n: m }] = await finitePair(where, samples, reference);
  const directions = await unitDirections(where, options, d);
  const P = directions.shape[0]!;
  const squares = new Float64Array(P);
  const replicates = new Float64Array(bootstrap?.resamples ?? 0);
  const pacer = createPacer({ signal: options.signal });
  try {
    const counts = await drawCounts(bootstrap, n, m);
    const ones = { x: new Uint16Array(n).fill(1), y: new Uint16Array(m).fill(1) };
    const size = Math.max(1, Math.floor(BLOCK_ELEMENTS / Math.max(n, m)));
    for (let first = 0; first < P; first += size) {
      const count = Math.min(size, P - first);
      const theta = tf.slice(directions, [first, 0], [count, d]);
      const [px, py] = [tf.matMul(theta, samples, false, true), tf.matMul(theta, reference, false, true)];
      try {
        const [xs, ys] = [await px.data<'float32'>(), await py.data<'float32'>()];
        for (let p = 0; p < count; p++) {
          await pacer.turn();
          const x = xs.subarray(p * n, (p + 1) * n);
          const y = ys.subarray(p * m, (p + 1) * m);
          if (!bootstrap) {
            squares[first + p] = quantileCoupling(x.slice().sort(), ones.x, y.slice().sort(), ones.y, 2);
            continue;
          }
          const [ox, oy] = [ascendingOrder(x), ascendingOrder(y)];
          const [sx, sy] = [inOrder(x, ox), inOrder(y, oy)];
          squares[first + p] = quantileCoupling(sx, ones.x, sy, ones.y, 2);
          for (let r = 0; r < replicates.length; r++) {
            const [a, b] = [inOrder(counts.x[r]!, ox), inOrder(counts.y[r]!, oy)];
            replicates[r]! += quantileCoupling(sx, a, sy, b, 2) / P;
          }
        }
      } finally {
        tf.dispose([theta, px, py]);
      }
    }
  } finally {
    directions.dispose();
  }
  const mean = squares.reduce((a, b) => a + b, 0) / P;
  const variance = squares.reduce((s, v) => s + (v - mean) ** 2, 0) / Math.max(1, P - 1);
  const value = Math.sqrt(mean);
  const projectionError = mean > 0 ? Math.sqrt(variance / P) / (2 * value) : 0;
  const found = { value, n, m, projectionError };
  if (!bootstrap) return found;
  const range = [0, Number.POSITIVE_INFINITY] as const;
  return { ...found, ...samplingError(value, replicates.map(Math.sqrt), bootstrap.level, range) };
}
