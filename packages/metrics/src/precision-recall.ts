/**
 * Precision, recall, density and coverage of samples X [n] against real data Y [m], on k-nearest-neighbour manifolds.
 * ρ(y) is the distance of y to its k-th nearest other row of its own set; B(y) is the closed ball of that radius.
 *
 *   precision = share of x in some B(y)             recall = share of y in some B(x)
 *   density   = (1/(kn)) Σ_x #{y : x ∈ B(y)}        coverage = share of y whose B(y) holds some x
 *
 * Kynkäänniemi et al., "Improved precision and recall metric for assessing generative models" (2019), (1)–(2); Naeem
 * et al., "Reliable fidelity and diversity metrics for generative models" (2020), (3)–(4). For equal laws density is
 * about 1 and coverage about 1 − 2^{−k}; precision and recall are below 1. "Closed" holds up to 1e-6 of the radius.
 *
 * Cost O(n m d) four times, the membership test in float64 JavaScript; memory O((n + m) k).
 */
import { createPacer, type Pacer, requireInteger, ShapeError } from '@diff/core';
import type * as tf from '@tensorflow/tfjs-core';
import { requireBootstrap } from './bootstrap.ts';
import type { Estimate, MetricOptions } from './estimate.ts';
import { finitePair, type Rows } from './finite-rows.ts';
import { meanError, meanOf } from './resampled-mean.ts';
import { neighboursWithin } from './row-pieces.ts';

export interface PrecisionRecallOptions extends MetricOptions {
  /** Neighbours that span a ball; default 5. Must be below n and m. */
  readonly k?: number;
}

export interface PrecisionRecall {
  readonly precision: Estimate;
  readonly recall: Estimate;
  readonly density: Estimate;
  readonly coverage: Estimate;
}

/** Rounding allowed at the surface of a ball: radii are float32. */
const SURFACE = 1 + 1e-6;

interface Membership {
  /** How many balls each point lies in [points]. */
  readonly balls: Float64Array;
  /** Whether each ball holds a point, 0 or 1 [centres]. */
  readonly holds: Float64Array;
}

async function membership(
  points: Rows,
  centres: Rows,
  radii: Float64Array,
  pacer: Pacer,
): Promise<Membership> {
  const { d } = points;
  const squares = radii.map((r) => (r * SURFACE) ** 2);
  const balls = new Float64Array(points.n);
  const holds = new Float64Array(centres.n);
  const [x, y] = [points.values, centres.values];
  for (let i = 0; i < points.n; i++) {
    await pacer.turn();
    for (let j = 0; j < centres.n; j++) {
      let squared = 0;
      for (let a = i * d, b = j * d; a < (i + 1) * d; a++, b++) squared += (x[a]! - y[b]!) ** 2;
      if (squared <= squares[j]!) {
        balls[i]! += 1;
        holds[j] = 1;
      }
    }
  }
  return { balls, holds };
}

async function kthDistances(set: tf.Tensor, k: number, pacer: Pacer): Promise<Float64Array> {
  const { distance } = await neighboursWithin(set, k, pacer);
  return Float64Array.from({ length: distance.length / k }, (_, i) => distance[i * k + k - 1]!);
}

/**
 * Precision, recall, density and coverage of samples against a reference.
 *
 * Bootstrap: precision and density redraw the samples, recall and coverage the reference, with replacement; all balls
 * are held fixed (redrawing the rows that span them would shrink them by ties). The error is that of the share, given
 * the manifolds; it leaves out how the manifolds themselves vary.
 *
 * @param samples [n, d]; @param reference [m, d]; n, m > k.
 * @throws ShapeError, DomainError
 * @example
 * ```ts
 * import { key, normal } from '@diff/core';
 * import { precisionRecall } from '@diff/metrics';
 * import '@tensorflow/tfjs-backend-cpu';
 * const { precision, coverage } = await precisionRecall(normal(key(0), [100, 2]), normal(key(1), [150, 2]), { k: 3 });
 * ```
 */
export async function precisionRecall(
  samples: tf.Tensor,
  reference: tf.Tensor,
  options: PrecisionRecallOptions = {},
): Promise<PrecisionRecall> {
  const where = 'precisionRecall';
  const { k = 5, signal } = options;
  requireInteger(where, 'k', k, 1);
  const bootstrap = requireBootstrap(where, options.bootstrap);
  const [x, y] = await finitePair(where, samples, reference);
  const most = Math.min(x.n, y.n) - 1;
  if (k > most) {
    throw new ShapeError(
      `${where}: k must be at most ${most}, one less than the rows of the smaller set, got ${k}. Pass a smaller k or more rows.`,
    );
  }
  const pacer = createPacer({ signal });
  const inReal = await membership(x, y, await kthDistances(reference, k, pacer), pacer);
  const inSamples = await membership(y, x, await kthDistances(samples, k, pacer), pacer);
  const some = (balls: Float64Array): Float64Array => balls.map((b) => (b > 0 ? 1 : 0));
  const share = async (
    values: Float64Array,
    side: 'samples' | 'reference',
    highest = 1,
  ): Promise<Estimate> => {
    const error = await meanError(values, side, bootstrap, pacer, [0, highest]);
    return { value: meanOf(values), n: x.n, m: y.n, ...error };
  };
  return {
    precision: await share(some(inReal.balls), 'samples'),
    recall: await share(some(inSamples.balls), 'reference'),
    density: await share(
      inReal.balls.map((b) => b / k),
      'samples',
      y.n / k,
    ),
    coverage: await share(inReal.holds, 'reference'),
  };
}
