/**
 * Discrete noising chains x_i = s_i x_{i−1} + n_i z, i = 1 … N: what diffusion models were before their continuum
 * limits. Marginals: x_i | x_0 ~ N(α_i x_0, σ_i² I).
 */
import { combine, createPacer, DomainError, fold, type Key, shown } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import type { LinearProcess } from './process.ts';

export interface DiscreteChain {
  readonly type: 'ddpm' | 'smld';
  /** Number of transitions N. */
  readonly steps: number;
  /** α_i for 0 ≤ i ≤ N. */
  alpha(i: number): number;
  /** σ_i for 0 ≤ i ≤ N. */
  sigma(i: number): number;
  /** x_i = scale·x_{i−1} + noise·z for 1 ≤ i ≤ N. */
  transition(i: number): { readonly scale: number; readonly noise: number };
  /** The time iT/N of state i in the continuum limit. */
  time(i: number): number;
  /** The process to which the chain converges as N grows with the schedule's end values scaled by 1/N. */
  readonly limit: LinearProcess;
}

/** The parts of a chain; `states` holds (α_i, σ_i) from i = 0, `transitions` what leads to i = 1 … N. */
export function discreteChain(
  type: DiscreteChain['type'],
  states: readonly { readonly alpha: number; readonly sigma: number }[],
  transitions: readonly { readonly scale: number; readonly noise: number }[],
  limit: LinearProcess,
): DiscreteChain {
  const N = transitions.length;
  const at = <S>(name: string, list: readonly S[], index: number, i: number, least: number): S => {
    const found = list[index];
    if (!Number.isInteger(i) || found === undefined) {
      throw new DomainError(
        `${type}.${name}: i must be an integer in ${least} … ${N}, got ${shown(i)}. State 0 is data, state ${N} is noise.`,
      );
    }
    return found;
  };
  return Object.freeze({
    type,
    steps: N,
    limit,
    alpha: (i: number) => at('alpha', states, i, i, 0).alpha,
    sigma: (i: number) => at('sigma', states, i, i, 0).sigma,
    transition: (i: number) => at('transition', transitions, i - 1, i, 1),
    time: (i: number) => {
      at('time', states, i, i, 0);
      return (i * limit.T) / N;
    },
  });
}

export interface SimulateChainOptions {
  readonly chain: DiscreteChain;
  /** State 0, [n, …]; not disposed. */
  readonly x0: tf.Tensor;
  readonly key: Key;
  /** The state at which to stop; default N. */
  readonly until?: number;
  /** Row of the noise stream at which this batch begins; default 0. */
  readonly firstRow?: number;
  readonly signal?: AbortSignal;
}

/**
 * Runs a chain from its data, one transition after the other; transition i takes its noise from fold(key, i).
 *
 * @returns x_until, owned by the caller.
 * @throws DomainError, the signal's reason.
 * @example
 * ```ts
 * import { key } from '@diff/core';
 * import { ddpmChain, simulateChain } from '@diff/sde';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const chain = ddpmChain({ schedule: 'cosine', steps: 50 });
 * const noise = await simulateChain({ chain, x0: tf.ones([4, 2]), key: key(5) });
 * ```
 */
export async function simulateChain(options: SimulateChainOptions): Promise<tf.Tensor> {
  const { chain, x0, key, until = chain.steps, firstRow = 0, signal } = options;
  chain.time(until);
  const pacer = createPacer({ signal });
  let x = tf.clone(x0);
  try {
    for (let i = 1; i <= until; i++) {
      await pacer.turn();
      const { scale, noise } = chain.transition(i);
      const next = combine([[scale, x]], { noise: [noise, fold(key, i)], firstRow });
      x.dispose();
      x = next;
    }
    return x;
  } catch (error) {
    x.dispose();
    throw error;
  }
}
