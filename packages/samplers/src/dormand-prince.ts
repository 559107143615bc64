/**
 * Dormand–Prince 5(4) (1980; the RK45 of scipy and of score_sde's ODE sampler) on the probability flow in σ/α, with
 * PI step control; see `adaptiveFlowSampler` for the norm and what the tolerances mean.
 *
 * Order 5, six evaluations an inner step (the seventh is the next one's first). The grid's interior times are where
 * the run reports; two times are enough. It must end at σ > 0 and start at α > 0.
 */
import { type AdaptiveFlowOptions, adaptiveFlowSampler, type EmbeddedPair } from './adaptive-flow-sampler.ts';
import type { Sampler } from './sampler.ts';

const WEIGHTS = [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84];

/** The pair as data. */
export const DORMAND_PRINCE: EmbeddedPair = {
  name: 'dormandPrince',
  order: 5,
  errorOrder: 5,
  tableau: {
    nodes: [0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1],
    stages: [
      [],
      [1 / 5],
      [3 / 40, 9 / 40],
      [44 / 45, -56 / 15, 32 / 9],
      [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
      [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
      WEIGHTS,
    ],
    weights: WEIGHTS,
  },
  error: [71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40],
};

/**
 * Adaptive Dormand–Prince on the probability flow.
 *
 * @returns a deterministic sampler of order 5; `nfe` is the bound that maximumAttempts gives.
 * @throws DomainError for a tolerance of 0 or below; in a run NumericalError where no step size meets the tolerance,
 *   naming time and step size.
 * @example
 * ```ts
 * import { dormandPrince } from '@diff/samplers';
 * const sampler = dormandPrince({ relativeTolerance: 1e-4, absoluteTolerance: 1e-4 });
 * ```
 */
export function dormandPrince(options: AdaptiveFlowOptions = {}): Sampler {
  return adaptiveFlowSampler(DORMAND_PRINCE, options);
}
