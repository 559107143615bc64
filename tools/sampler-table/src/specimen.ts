/** Samplers of an entry. */
import type { Sampler } from '@diff/samplers';
import type { LinearProcess } from '@diff/sde';
import { ring } from './problems.ts';
import type { Entry } from './registry.ts';

/** The sampler whose order is measured in a run of that many steps. */
export function stepped({ make, forced }: Entry, steps: number, process: LinearProcess): Sampler {
  return forced ? forced() : make(steps, process);
}

/** For what does not depend on the run: its claims. */
export function specimen({ make }: Entry, steps = 20): Sampler {
  return make(steps, ring.process);
}
