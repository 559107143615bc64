/**
 * How far particles are from the data: their energy distance to fresh data, and its floor, near which it stays on
 * finite draws however good they are.
 */
import { fold, fusedOps, key } from '@diff/core';
import { energyDistance, metricFloor } from '@diff/metrics';
import type { ExactModel } from '@diff/score';
import * as tf from '@tensorflow/tfjs-core';
import { sessionCache } from '../../engine/session-cache.ts';
import type { Distribution, Floor } from './options.ts';

/** Rows of a comparison: fewer where all pairs of them take long, so that measuring is not most of the run. */
const MEASURED = 1000;
const MEASURED_UNFUSED = 200;
/** Pairs of draws for the floor, out of this many times the rows of a comparison. */
const PAIRS = 8;
const POOL = 4;

const floors = sessionCache<Floor>(50);

interface Distance {
  readonly floor: Floor;
  /** Of rows [n, 2] to fresh data; the first `rows` of them count. */
  to(x: tf.Tensor): Promise<number>;
  dispose(): void;
}

export async function distanceToData(options: {
  readonly distribution: Distribution;
  readonly law: ExactModel;
  /** Particles that are to be compared. */
  readonly count: number;
  readonly signal: AbortSignal;
}): Promise<Distance> {
  const { law, signal } = options;
  const { shape, drawn, seed } = options.distribution;
  const root = key(seed);
  const m = fusedOps().includes('DiffPairwise') ? MEASURED : MEASURED_UNFUSED;
  const n = Math.min(options.count, m);
  const between = (x: tf.Tensor, y: tf.Tensor): Promise<{ readonly value: number }> =>
    energyDistance(x, y, { signal });
  const fresh = await law.sample(fold(root, 2), m);
  const dispose = (): void => tf.dispose(fresh);
  try {
    const floor = await floors([shape, shape === 'drawn' ? drawn : [], seed, n, m], async () => {
      const pool = await law.sample(fold(root, 5), POOL * m);
      try {
        const sizes = [n, m] as const;
        const { value, spread } = await metricFloor(between, pool, {
          key: fold(root, 6),
          sizes,
          splits: PAIRS,
          signal,
        });
        return { value, spread, rows: n };
      } finally {
        pool.dispose();
      }
    });
    return {
      floor,
      async to(x) {
        const some = tf.slice(x, [0, 0], [n, 2]);
        try {
          return (await between(some, fresh)).value;
        } finally {
          some.dispose();
        }
      },
      dispose,
    };
  } catch (error) {
    dispose();
    throw error;
  }
}
