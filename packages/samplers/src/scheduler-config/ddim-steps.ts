/**
 * DDIM steps as diffusers makes them (Song, Meng, Ermon 2021, eq. 12), each from a level (α, σ) that it takes the state
 * to be at, to a level (α_r, σ_r) that need not be the next one of the run:
 *
 *   x' = α_r f(x̂0) + √(σ_r² − s²) ε̂ + s ξ
 *
 * f is clipping or thresholding, and ε̂ is the model's own: it does not follow what f does to x̂0.
 */
import { conversion, defineModel } from '@diff/score';
import type { LinearProcess } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import type { RunPlan, Sampler } from '../sampler.ts';
import { requireFiniteUpdate, weighted } from '../update.ts';
import type { DataChange } from './through-data.ts';

export interface DdimStep {
  /** Time of `process` at whose level the prediction is read. */
  readonly from: number;
  /** α_r. */
  readonly data: number;
  /** √(σ_r² − s²). */
  readonly noise: number;
  /** s. */
  readonly draw: number;
}

/** @param process whose times the steps' `from` are; may be another than that of the run. */
export function ddimSteps(
  name: string,
  process: LinearProcess,
  steps: readonly DdimStep[],
  change: DataChange | undefined,
): Sampler {
  const stochastic = steps.some((step) => step.draw > 0);

  /** Weights of x and p: of x̂0, and of √(σ_r² − s²) ε̂. */
  function weights(
    kind: RunPlan['kind'],
    { from, noise }: DdimStep,
  ): Record<'dx' | 'dp' | 'ex' | 'ep', number> {
    const d = conversion(process, from, kind, 'data');
    const e = noise === 0 ? { x: 0, p: 0 } : conversion(process, from, kind, 'noise');
    return { dx: d.x, dp: d.p, ex: noise * e.x, ep: noise * e.p };
  }

  return {
    name,
    order: 1,
    strongOrder: stochastic ? 1 : undefined,
    stochastic,
    nfe: (count) => count,
    check({ kind, grid }): void {
      steps.forEach((step, i) => {
        requireFiniteUpdate(name, grid[i]!, grid[i + 1]!, { ...weights(kind, step), draw: step.draw });
      });
    },
    async step(context): Promise<tf.Tensor> {
      const { x, t, index, kind } = context;
      const step = steps[index]!;
      const { dx, dp, ex, ep } = weights(kind, step);
      const p = await context.predict(x, t);
      if (!change) {
        const terms = [
          [step.data * dx + ex, x],
          [step.data * dp + ep, p],
        ] as const;
        return weighted(context, terms, 0, step.draw);
      }
      const model = defineModel({ process, kind, predict: () => tf.clone(p) });
      const changed = await change(model).predict(x, step.from);
      try {
        const terms = [
          [step.data, changed],
          [ex, x],
          [ep, p],
        ] as const;
        return weighted(context, terms, 0, step.draw);
      } finally {
        changed.dispose();
      }
    },
  };
}
