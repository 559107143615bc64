/**
 * The samplers that can be named on the command line.
 */
import { ddim, ddpm, dpmSolver, eulerMaruyama, heun, type Sampler } from '@diff/samplers';

export type SamplerName = 'heun' | 'dpm-solver++' | 'ddim' | 'ddpm' | 'euler-maruyama';

export const SAMPLERS: Readonly<Record<SamplerName, () => Sampler>> = {
  heun: () => heun(),
  'dpm-solver++': () => dpmSolver({ order: 2 }),
  ddim: () => ddim(),
  ddpm: () => ddpm(),
  'euler-maruyama': () => eulerMaruyama(),
};

/** The sampler that a run shows beside the chosen one. */
export function otherSampler(name: SamplerName): SamplerName {
  return name === 'dpm-solver++' ? 'heun' : 'dpm-solver++';
}
