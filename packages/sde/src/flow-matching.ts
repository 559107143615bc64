/**
 * The straight-line process of flow matching and rectified flow (Lipman et al. 2023; Liu, Gong & Liu 2023):
 *
 *   X_t = (1 − t) X_0 + t ε,   f = −1/(1 − t),   g² = 2t/(1 − t),   λ = ln((1 − t)/t)
 *   G = 2(1 − r)[1/(1 − u) + ln(1 − u)]_r^t,   V = ((1 − r) t/(1 − t))² − r²
 *
 * At t = 1 nothing of the data is left and f, g, G and V are infinite: steps from there use α, σ and λ alone, or T < 1.
 * What a flow model predicts, u = ε − X_0, is the flow's velocity dx/dt; X_0 = x − t u and ε = x + (1 − t) u.
 */
import { DomainError, shown } from '@diff/core';
import { linearProcess } from './linear-process.ts';
import { lessLog1p } from './log-expm1.ts';
import type { LinearProcess } from './process.ts';

/**
 * The straight-line process α = 1 − t, σ = t.
 *
 * @param options `T`: horizon in (0, 1]; default 1.
 * @throws DomainError unless 0 < T ≤ 1.
 * @example
 * ```ts
 * import { flowMatching } from '@diff/sde';
 * const process = flowMatching();
 * process.timeOfLambda(0); // 0.5
 * ```
 */
export function flowMatching({ T = 1 }: { readonly T?: number } = {}): LinearProcess {
  if (typeof T !== 'number' || !(T > 0 && T <= 1)) {
    throw new DomainError(
      `flowMatching: T must lie in (0, 1], got ${shown(T)}. At t = 1 the state is pure noise.`,
    );
  }
  /** 1/(1 − t) − 1/(1 − r) + ln((1 − t)/(1 − r)) = d − ln(1 + d) + d r/(1 − r), d = (t − r)/(1 − t): no cancellation. */
  const spread = (t: number, r: number): number => {
    const d = (t - r) / (1 - t);
    return lessLog1p(d) + (d * r) / (1 - r);
  };
  return linearProcess({
    type: 'flow',
    T,
    config: { type: 'flow', T },
    prior: { mean: 0, std: T },
    alpha: (t) => 1 - t,
    sigma: (t) => t,
    drift: (t) => -1 / (1 - t),
    diffusionSquared: (t) => (2 * t) / (1 - t),
    lambda: (t) => Math.log1p(-t) - Math.log(t),
    timeOfLambda: (lambda) => 1 / (1 + Math.exp(lambda)),
    scoreGain: (t, r) => 2 * (1 - r) * spread(t, r),
    noiseVariance: (t, r) => ((t - r) * (t + r - 2 * r * t)) / (1 - t) ** 2,
  });
}
