/**
 * Multistep consistency sampling, LCM (Song et al. 2023, algorithm 1; Luo et al. 2023, algorithm 3), from t to r:
 *
 *   f = skip(t) x + out(t) x̂0,   x' = m_r + α_r f + σ_r ξ
 *
 * for a model that maps every state of a path to the path's start. `skip` and `out` are the parametrisation of a model
 * that predicts through them; by default f = x̂0. Ends without noise at σ_r = 0.
 *
 * Not a discretisation: with a denoiser that is not a consistency function refining the grid converges to nothing of
 * use, so its order is 0. One evaluation a step, one `combine`.
 */
import { DomainError, shown } from '@diff/core';
import { conversion } from '@diff/score';
import { oneStepSampler } from './one-step-sampler.ts';
import type { Sampler } from './sampler.ts';

/** f(x, t) = skip·x + out·x̂0. */
export type ConsistencyBoundary = (t: number) => { readonly skip: number; readonly out: number };

/**
 * Multistep consistency sampling.
 *
 * @param options.boundary skip(t) and out(t) of the consistency function; default 0 and 1.
 * @returns a stochastic sampler with one evaluation a step.
 * @throws DomainError for a boundary that is no function.
 * @example
 * ```ts
 * import { lcm } from '@diff/samplers';
 * // The parametrisation of Latent Consistency Models at a thousand timesteps over t in [0, 1]
 * const scaled = (t: number): number => (1000 * t * 10) / 0.5;
 * const sampler = lcm({
 *   boundary: (t) => ({ skip: 1 / (1 + scaled(t) ** 2), out: scaled(t) / Math.sqrt(1 + scaled(t) ** 2) }),
 * });
 * ```
 */
export function lcm({ boundary }: { readonly boundary?: ConsistencyBoundary } = {}): Sampler {
  if (boundary !== undefined && typeof boundary !== 'function') {
    throw new DomainError(
      `lcm: boundary must be a function of t that gives { skip, out }, got ${shown(boundary)}. Leave it out for a model that predicts the data.`,
    );
  }
  return oneStepSampler({
    name: 'lcm',
    order: 0,
    stochastic: true,
    update({ process, kind }, t, r) {
      const { skip, out } = boundary?.(t) ?? { skip: 0, out: 1 };
      const a = process.alpha(r);
      const q = conversion(process, t, kind, 'data');
      return {
        x: a * (skip + out * q.x),
        prediction: a * out * q.p,
        constant: process.mean(r) + a * out * q.constant,
        noise: process.sigma(r),
      };
    },
  });
}
