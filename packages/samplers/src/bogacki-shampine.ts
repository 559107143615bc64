/**
 * Bogacki–Shampine 3(2) (1989; scipy's RK23) on the probability flow in σ/α, with PI step control; see
 * `adaptiveFlowSampler` for the norm and what the tolerances mean.
 *
 * Order 3, three evaluations an inner step (the fourth is the next one's first): the better pair at loose tolerances.
 * The grid's interior times are where the run reports; two times are enough. It must end at σ > 0 and start at α > 0.
 */
import { type AdaptiveFlowOptions, adaptiveFlowSampler, type EmbeddedPair } from './adaptive-flow-sampler.ts';
import type { Sampler } from './sampler.ts';

const WEIGHTS = [2 / 9, 1 / 3, 4 / 9];

/** The pair as data. */
export const BOGACKI_SHAMPINE: EmbeddedPair = {
  name: 'bogackiShampine',
  order: 3,
  errorOrder: 3,
  tableau: {
    nodes: [0, 1 / 2, 3 / 4, 1],
    stages: [[], [1 / 2], [0, 3 / 4], WEIGHTS],
    weights: WEIGHTS,
  },
  error: [-5 / 72, 1 / 12, 1 / 9, -1 / 8],
};

/**
 * Adaptive Bogacki–Shampine on the probability flow.
 *
 * @returns a deterministic sampler of order 3; `nfe` is the bound that maximumAttempts gives.
 * @throws DomainError for a tolerance of 0 or below; in a run NumericalError where no step size meets the tolerance,
 *   naming time and step size.
 * @example
 * ```ts
 * import { bogackiShampine } from '@diff/samplers';
 * const sampler = bogackiShampine({ relativeTolerance: 1e-2, absoluteTolerance: 1e-2 });
 * ```
 */
export function bogackiShampine(options: AdaptiveFlowOptions = {}): Sampler {
  return adaptiveFlowSampler(BOGACKI_SHAMPINE, options);
}
