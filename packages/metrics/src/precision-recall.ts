/**
 * Precision, recall, density and coverage of samples X [n] against real data Y [m], on k-nearest-neighbour manifolds.
 * ρ(y) is the distance of y to its k-th nearest other row of its own set; B(y) is the closed ball of that radius.
 *
 *   precision = share of x in some B(y)             recall = share of y in some B(x)
 *   density   = (1/(kn)) Σ_x #{y : x ∈ B(y)}        coverage = share of y whose B(y) holds some x
 *
 * Kynkäänniemi et al., "Improved precision and recall metric for assessing generative models" (2019), (1)–(2); Naeem
 * et al., "Reliable fidelity and diversity metrics for generative models" (2020), (3)–(4). For equal laws density is
 * about 1 and coverage about 1 − 2^{−k}; precision and recall are below 1.
 *
 * Cost 4 n m d, half of it in float64 JavaScript; memory O((n + m) k) where no sample lies in most balls at once.
 */
import { createPacer, requireInteger, ShapeError } from '@diff/core';
import type * as tf from '@tensorflow/tfjs-core';
import { requireBootstrap, samplingError } from './bootstrap.ts';
import type { Estimate, MetricOptions } from './estimate.ts';
import { finitePair, type Rows } from './finite-rows.ts';
import { membership, type NeighbourBalls, neighbourBalls } from './neighbour-balls.ts';
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

type Shares = Readonly<Record<keyof PrecisionRecall, number>>;

/** How many are not 0. */
const count = (values: Uint8Array | Float64Array): number => {
  let found = 0;
  for (const v of values) if (v !== 0) found++;
  return found;
};

/**
 * Precision, recall, density and coverage of samples against a reference.
 *
 * Sampling error: not the bootstrap, whose repeated rows would be each other's neighbours and shrink the balls, but its
 * sibling without replacement: both sets are cut to random halves, balls and all, and the spread of the four numbers
 * over the halves is their standard error (the delete-half jackknife; Shao & Wu, Ann. Statist. 17, 1989). It errs on
 * the large side: 0.9 to 1.6 of the true one on Gaussians with n = 200. Needs n, m ≥ 2k + 2.
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
  const smallest = Math.min(x.n, y.n);
  const most = bootstrap ? (smallest >> 1) - 1 : smallest - 1;
  if (k > most) {
    throw new ShapeError(
      `${where}: k must be at most ${most}, one less than ${bootstrap ? 'half the rows' : 'the rows'} of the smaller set, got ${k}. Pass a smaller k or more rows.`,
    );
  }
  const pacer = createPacer({ signal });
  // Of so many neighbours a half-sample holds fewer than k with a chance below 1e-6.
  const wanted = bootstrap ? 2 * k + Math.ceil(8 * Math.sqrt(k)) + 16 : k;
  const ballsOf = async (set: tf.Tensor, centres: Rows, points: Rows): Promise<NeighbourBalls> => {
    const reach = Math.min(wanted, centres.n - 1);
    return neighbourBalls(points, centres, await neighboursWithin(set, reach, pacer), pacer);
  };
  const real = await ballsOf(reference, y, x);
  const drawn = await ballsOf(samples, x, y);
  const shares = (xIn: Uint8Array, yIn: Uint8Array): Shares => {
    const inReal = membership(real, k, xIn, yIn);
    const inDrawn = membership(drawn, k, yIn, xIn);
    const [n, m] = [count(xIn), count(yIn)];
    return {
      precision: count(inReal.balls) / n,
      recall: count(inDrawn.balls) / m,
      density: inReal.balls.reduce((sum, b) => sum + b, 0) / (k * n),
      coverage: count(inReal.holds) / m,
    };
  };
  const value = shares(new Uint8Array(x.n).fill(1), new Uint8Array(y.n).fill(1));
  const halves: Shares[] = [];
  for (let r = 0; r < (bootstrap?.resamples ?? 0); r++) {
    await pacer.turn();
    halves.push(shares(await bootstrap!.half('samples', r, x.n), await bootstrap!.half('reference', r, y.n)));
  }
  const estimate = (name: keyof Shares, highest = 1): Estimate => {
    const found = { value: value[name], n: x.n, m: y.n };
    if (!bootstrap) return found;
    const replicates = Float64Array.from(halves, (half) => half[name]);
    return { ...found, ...samplingError(found.value, replicates, bootstrap.level, [0, highest]) };
  };
  return {
    precision: estimate('precision'),
    recall: estimate('recall'),
    density: estimate('density', y.n / k),
    coverage: estimate('coverage'),
  };
}
