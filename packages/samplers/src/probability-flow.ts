/**
 * The probability-flow ODE dX/dt = f − ½ g² score by an exponential integrator with noise level 0: the sampler
 * `exponentialIntegrator({ hold, noiseLevel: 0 })` under the name people look for. hold = 'noise' is DDIM.
 */
import { exponentialIntegrator, type Held } from './exponential-integrator.ts';
import type { Sampler } from './sampler.ts';

/**
 * First-order probability flow.
 *
 * @param options.hold what is held over a step; default 'noise'.
 * @returns a deterministic sampler of order 1 with one evaluation a step.
 * @example
 * ```ts
 * import { probabilityFlow } from '@diff/samplers';
 * const sampler = probabilityFlow({ hold: 'score' });
 * ```
 */
export function probabilityFlow({ hold = 'noise' }: { readonly hold?: Held } = {}): Sampler {
  return { ...exponentialIntegrator({ hold, noiseLevel: 0 }), name: 'probabilityFlow' };
}
