/** One sampler of an entry, for what does not depend on the run: its claims. */
import type { Sampler } from '@diff/samplers';
import { ring } from './problems.ts';
import type { Entry } from './registry.ts';

export function specimen({ make }: Entry, steps = 20): Sampler {
  return make(steps, ring.process);
}
