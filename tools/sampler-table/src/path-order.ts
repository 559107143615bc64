/**
 * Measured strong orders of stochastic samplers: runs in float64 on nested grids along one Brownian path each row, and
 * how far neighbouring grids are apart, |X_N − X_{2N}|, which falls like N^{−order} where X_N converges along the path.
 * The median over the paths: a few paths pass near the border of two components, and which way they fall is decided by
 * the smallest error.
 */
import { key } from '@diff/core';
import { type BrownianPath, brownianTree, sample } from '@diff/samplers';
import * as tf from '@tensorflow/tfjs-core';
import { float64Tensor, float64Values, keyedNoise } from './float64-backend.ts';
import { float64Model } from './mixture.ts';
import type { ExactProblem } from './problems.ts';
import type { Entry } from './registry.ts';
import { stepped } from './specimen.ts';

/** The path of a tree with its values kept by time: all runs ask for the same times. */
export function keptPath(problem: ExactProblem): BrownianPath {
  const [to, from] = [problem.grid(1)[0]!, problem.end];
  const tree = brownianTree({ key: key(5), from, to, tolerance: (to - from) * 2 ** -18 });
  const kept = new Map<number, Float64Array>();
  const value = (t: number, shape: readonly number[]): Float64Array => {
    let w = kept.get(t);
    if (!w) {
      const x = tree.increment(from, t, shape);
      w = float64Values(x);
      kept.set(t, w);
      x.dispose();
    }
    return w;
  };
  const areas = new Map<string, Float64Array>();
  const increment = (s: number, t: number, shape: readonly number[]): tf.Tensor => {
    const [a, b] = [value(s, shape), value(t, shape)];
    return float64Tensor(
      b.map((v, i) => v - a[i]!),
      shape,
    );
  };
  return {
    ...tree,
    increment,
    incrementAndArea: (s, t, shape) => {
      const name = `${Math.min(s, t)} ${Math.max(s, t)}`;
      let area = areas.get(name);
      if (!area) {
        const pair = tree.incrementAndArea(s, t, shape);
        area = float64Values(pair[1]);
        areas.set(name, area);
        tf.dispose([...pair]);
      }
      return [increment(s, t, shape), float64Tensor(area, shape)];
    },
  };
}

/** Median of |X_N − X_{2N}| for each neighbouring pair of counts. */
async function pathGaps(
  problem: ExactProblem,
  entry: Entry,
  counts: readonly number[],
  path: BrownianPath,
  rows = 64,
): Promise<number[]> {
  const { process, law } = problem;
  const shape = [rows, law.means[0]!.length];
  const xi = keyedNoise(key(1).words, shape);
  const start = float64Tensor(
    xi.map((v) => process.prior.mean + process.prior.std * v),
    shape,
  );
  const ends: Float64Array[] = [];
  for (const steps of counts) {
    const model = float64Model(law, process, 'data');
    const sampler = stepped(entry, steps, process);
    const grid = problem.grid(steps);
    const x = await sample({ model, sampler, grid, shape, key: key(0), initial: start, brownian: path });
    ends.push(float64Values(x));
    x.dispose();
  }
  tf.dispose(start);
  return ends.slice(1).map((fine, i) => {
    const gaps = Float64Array.from({ length: rows }, (_, row) => {
      const [from, to] = [row * shape[1]!, (row + 1) * shape[1]!];
      const coarse = ends[i]!.subarray(from, to);
      return Math.hypot(...fine.subarray(from, to).map((v, j) => v - coarse[j]!));
    });
    return gaps.sort()[Math.floor(rows / 2)]!;
  });
}

/** The slope over two doublings of the steps, from 64 to 256. */
export async function measuredStrongOrder(
  problem: ExactProblem,
  entry: Entry,
  path: BrownianPath,
): Promise<number> {
  const gaps = await pathGaps(problem, entry, [64, 128, 256, 512], path);
  return Math.log2(gaps[0]! / gaps[2]!) / 2;
}
