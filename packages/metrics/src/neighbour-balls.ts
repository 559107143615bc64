/**
 * The k-nearest-neighbour manifold of a set of centres: the union of the closed balls B(y) around its rows, the radius
 * of each the distance to the k-th nearest other row. "Closed" holds up to 1e-6 of the radius (float32).
 *
 * What is kept of a set of points is the sparse list of pairs (point, centre) at distances up to the `reach`-th
 * neighbour of the centre, reach ≥ k. From it the memberships of any subset of points and centres follow without a
 * second look at the rows, as long as the subset still holds k of each centre's first `reach` neighbours.
 */
import type { Pacer } from '@diff/core';
import type { Rows } from './finite-rows.ts';
import type { Neighbours } from './row-pieces.ts';

const SURFACE = 1 + 1e-6;

export interface NeighbourBalls {
  readonly own: Neighbours;
  /** Pairs of centre j lie at start[j] … start[j + 1] − 1. */
  readonly start: readonly number[];
  readonly point: readonly number[];
  readonly squaredDistance: readonly number[];
}

export interface Membership {
  /** How many balls each point lies in [points]. */
  readonly balls: Float64Array;
  /** Whether each ball holds a point, 0 or 1 [centres]. */
  readonly holds: Float64Array;
}

/** Lists the pairs; O(points · centres · d) in float64. `own.k` is the reach. */
export async function neighbourBalls(
  points: Rows,
  centres: Rows,
  own: Neighbours,
  pacer: Pacer,
): Promise<NeighbourBalls> {
  const { d } = points;
  const start = [0];
  const point: number[] = [];
  const squaredDistance: number[] = [];
  const [x, y] = [points.values, centres.values];
  for (let j = 0; j < centres.n; j++) {
    await pacer.turn();
    const reach = (own.distance[(j + 1) * own.k - 1]! * SURFACE) ** 2;
    for (let i = 0; i < points.n; i++) {
      let squared = 0;
      for (let a = i * d, b = j * d; a < (i + 1) * d; a++, b++) squared += (x[a]! - y[b]!) ** 2;
      if (squared <= reach) {
        point.push(i);
        squaredDistance.push(squared);
      }
    }
    start.push(point.length);
  }
  return { own, start, point, squaredDistance };
}

/**
 * Memberships of the points and centres that are in (1) the subsets; those out (0) count as absent.
 *
 * @param k neighbours that span a ball. Where the subset holds fewer of a centre's neighbours, the farthest known counts.
 */
export function membership(
  { own, start, point, squaredDistance }: NeighbourBalls,
  k: number,
  pointIn: Uint8Array,
  centreIn: Uint8Array,
): Membership {
  const balls = new Float64Array(pointIn.length);
  const holds = new Float64Array(centreIn.length);
  for (let j = 0; j < centreIn.length; j++) {
    if (!centreIn[j]) continue;
    let rank = j * own.k - 1;
    for (let found = 0; found < k && rank < (j + 1) * own.k - 1; ) found += centreIn[own.index[++rank]!]!;
    const radius = (own.distance[rank]! * SURFACE) ** 2;
    for (let p = start[j]!; p < start[j + 1]!; p++) {
      const i = point[p]!;
      if (!pointIn[i] || squaredDistance[p]! > radius) continue;
      balls[i]! += 1;
      holds[j] = 1;
    }
  }
  return { balls, holds };
}
