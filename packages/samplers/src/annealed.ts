/**
 * Annealed sampling (Song and Ermon 2019, Algorithm 1, for any chain): a corrector at each time of the grid after the
 * first, and nothing else. There is no predictor, so neighbouring laws must be close and the steps many; what is left of
 * the law of an early time is forgotten at the rate of mixing.
 *
 *   langevinCorrector            annealed Langevin dynamics, which is `ula`
 *   underdampedLangevinCorrector annealed underdamped Langevin dynamics, with `velocity: 'kept'`
 *   malaCorrector                annealed MALA: no error but that of mixing
 *
 * The grid must end at a time with noise (σ > 0), where correctors have something to do.
 */
import { DomainError, shown } from '@diff/core';
import type { Corrector } from './corrector.ts';
import type { Sampler } from './sampler.ts';

/** The sampler of that name. */
export function annealedSampler(name: string, corrector: Corrector): Sampler {
  const where = name.replace(/\(.*/, '');
  return {
    name,
    order: 1,
    stochastic: true,
    nfe: (count) => count * corrector.nfe,
    check(plan): void {
      for (const t of plan.grid.slice(1)) {
        if (plan.process.sigma(t) === 0) {
          throw new DomainError(
            `${where}: sigma must be positive at every time of the grid after the first, got 0 at t = ${t}. End the grid at a small positive time.`,
          );
        }
        corrector.check?.(plan, t);
      }
    },
    step: (context) => corrector.correct({ ...context, t: context.next, brownian: undefined }),
  };
}

/**
 * A corrector alone, along a grid.
 *
 * @returns a stochastic sampler with the corrector's evaluations at each time; its order is in the corrector's step size.
 * @throws DomainError without a corrector; before a run, where σ = 0 after the first time.
 * @example
 * ```ts
 * import { annealed, underdampedLangevinCorrector } from '@diff/samplers';
 * const sampler = annealed({ corrector: underdampedLangevinCorrector({ steps: 4, velocity: 'kept' }) });
 * ```
 */
export function annealed({ corrector }: { readonly corrector: Corrector }): Sampler {
  if (typeof corrector?.correct !== 'function') {
    throw new DomainError(
      `annealed: corrector must be a corrector, got ${shown(corrector)}. Pass for example langevinCorrector({ signalToNoise: 0.16 }).`,
    );
  }
  return annealedSampler(`annealed(${corrector.name})`, corrector);
}
