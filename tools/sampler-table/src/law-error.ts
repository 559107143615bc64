/**
 * How far samples are from the exact law: sliced W₂ to fresh draws of p_end, on the production backend in float32, from
 * the exact law at the start of the grid. `lawFloor` is what two sets of exact draws of that size have between them.
 */
import { fold, key } from '@diff/core';
import { slicedWasserstein } from '@diff/metrics';
import { type Sampler, sample } from '@diff/samplers';
import { type ExactModel, gaussianMixture } from '@diff/score';
import { perturb } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import type { ExactProblem } from './problems.ts';

/** Enough for the floor to lie below what 20 evaluations leave. */
export const ROWS: Readonly<Record<ExactProblem['name'], number>> = { ring: 16384, cube: 8192 };

export function exactModel({ process, law: { weights, means, stds } }: ExactProblem): ExactModel {
  return gaussianMixture({
    process,
    weights,
    means,
    variance: stds.map((s) => s * s),
    kind: 'data',
  });
}

/** Draws of p_t, owned by the caller; another `stream` gives others. */
async function drawsAt(problem: ExactProblem, t: number, stream: number): Promise<tf.Tensor> {
  const data = await exactModel(problem).sample(fold(key(11), stream), ROWS[problem.name]);
  const { x, noise } = perturb(problem.process, data, t, { key: fold(key(12), stream) });
  tf.dispose([data, noise]);
  return x;
}

async function distance(problem: ExactProblem, x: tf.Tensor, y: tf.Tensor): Promise<number> {
  const projections = problem.name === 'ring' ? 16 : 64;
  return (await slicedWasserstein(x, y, { projections, key: key(13) })).value;
}

/** Sliced W₂ of a run with this sampler on this grid, and its evaluations. */
export async function lawError(
  problem: ExactProblem,
  sampler: Sampler,
  grid: readonly number[],
): Promise<{ readonly error: number; readonly nfe: number }> {
  let nfe = 0;
  const initial = await drawsAt(problem, grid[0]!, 0);
  const x = await sample({
    model: exactModel(problem),
    sampler,
    grid,
    shape: initial.shape,
    key: key(14),
    initial,
    onStep: (report) => {
      nfe = report.nfe;
    },
  });
  const reference = await drawsAt(problem, problem.end, 1);
  const error = await distance(problem, x, reference);
  tf.dispose([initial, x, reference]);
  return { error, nfe };
}

/** Mean of the distance between exact sets, over five pairs. */
export async function lawFloor(problem: ExactProblem): Promise<number> {
  let total = 0;
  for (let i = 0; i < 5; i++) {
    const [x, y] = [await drawsAt(problem, problem.end, 2 + i), await drawsAt(problem, problem.end, 1)];
    total += await distance(problem, x, y);
    tf.dispose([x, y]);
  }
  return total / 5;
}
