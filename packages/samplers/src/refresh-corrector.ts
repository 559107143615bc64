/**
 * A corrector that replaces a share δ of the noise in the state by fresh noise, the rest staying as the model sees it:
 *
 *   x ← m + α x̂0 + √(1 − δ) σ ε̂ + √δ σ ξ
 *
 * It is Langevin dynamics dx = score ds + √2 dB with x̂0 held, solved exactly for the time s = −½ σ² ln(1 − δ), and so, for
 * small δ, `langevinCorrector({ stepSize: δσ²/2 })`; but it cannot blow up: at δ = 1 it is x̂0 with noise of its own, the
 * step of a consistency model. azula's `PCSampler` has this corrector before DDIM.
 *
 * Its stationary law is p_t up to O(δ). At a time without noise it does nothing.
 */
import { DomainError, fold, requireInteger, shown } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Corrector, CorrectorContext } from './corrector.ts';
import { requireFiniteUpdate, resolve, type Update, weighted } from './update.ts';

export interface RefreshCorrectorOptions {
  /** δ in (0, 1]. */
  readonly share: number;
  /** How often in a call; default 1. */
  readonly steps?: number;
}

/**
 * Partial renewal of the noise.
 *
 * @returns a corrector for `predictorCorrector`, with `steps` evaluations a call.
 * @throws DomainError unless 0 < share ≤ 1.
 * @example
 * ```ts
 * import { ddim, predictorCorrector, refreshCorrector } from '@diff/samplers';
 * const sampler = predictorCorrector({ predictor: ddim(), corrector: refreshCorrector({ share: 0.1 }) });
 * ```
 */
export function refreshCorrector({ share, steps = 1 }: RefreshCorrectorOptions): Corrector {
  if (typeof share !== 'number' || !(share > 0 && share <= 1)) {
    throw new DomainError(
      `refreshCorrector: share must lie in (0, 1], got ${shown(share)}. Try 0.1; small shares change little.`,
    );
  }
  requireInteger('refreshCorrector', 'steps', steps, 1);
  const kept = Math.sqrt(1 - share);

  function update(plan: Pick<CorrectorContext, 'process' | 'kind'>, t: number): Update {
    const { process } = plan;
    const [mean, alpha] = [process.mean(t), process.alpha(t)];
    // √(1−δ) σ ε̂ = √(1−δ) (z − α x̂0)
    const held = { carry: kept, gain: alpha * (1 - kept), noise: process.sigma(t) * Math.sqrt(share) };
    return resolve(plan, t, { meanT: mean, meanR: mean }, 'data', held);
  }

  return {
    name: 'refresh',
    nfe: steps,
    check(plan, t): void {
      if (plan.process.sigma(t) > 0) requireFiniteUpdate('refreshCorrector', t, t, { ...update(plan, t) });
    },
    async correct(context: CorrectorContext): Promise<tf.Tensor> {
      const { process, t, key, firstRow } = context;
      let x = context.x;
      const count = process.sigma(t) === 0 ? 0 : steps;
      const u = count > 0 ? update(context, t) : undefined;
      try {
        for (let i = 0; i < count; i++) {
          const prediction = await context.predict(x, t);
          const draw = { key: fold(key, i), firstRow };
          const terms = [[u!.x, x] as const, [u!.prediction, prediction] as const];
          const moved = weighted(draw, terms, u!.constant, u!.noise);
          prediction.dispose();
          if (x !== context.x) x.dispose();
          x = moved;
        }
        return x === context.x ? tf.clone(x) : x;
      } catch (error) {
        if (x !== context.x) x.dispose();
        throw error;
      }
    },
  };
}
