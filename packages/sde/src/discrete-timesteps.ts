/**
 * Timesteps for a model that was trained on a chain of N steps, at the indices 0 … N − 1 (the spacings of Lin et al.
 * 2024, table 2). n of them, descending, in the process's time: timestep i is the time i + 1 of a chain, as time 0 is
 * the data.
 *
 *   linspace   n equally spaced indices from N − 1 to 0
 *   leading    0, r, 2r, …, r = ⌊N/n⌋, plus an offset: never the last index, where the noise is greatest
 *   trailing   N − 1, N − 1 − N/n, …: always the last index
 *   simple     N − 1 − ⌊k N/n⌋: trailing with floors
 *
 * `dropLast` takes one index more and leaves out the last, 0 (linspace and leading), as libraries do for solvers that
 * go on to the data from there. Indices are rounded to whole ones, halves to even, unless `fractional`, which linspace
 * alone knows.
 *
 * ComfyUI's names: "normal" is linspace fractional, "sgm_uniform" that with `dropLast`, "simple" is simple, "ddim_uniform"
 * leading with offset 1; SD-Turbo's are the first of trailing with n = 10.
 */
import { DomainError, requireInteger, requireOneOf } from '@diff/core';

export interface DiscreteTimestepsOptions {
  /** Number of timesteps n ≥ 1. */
  readonly steps: number;
  readonly spacing: 'linspace' | 'leading' | 'trailing' | 'simple';
  /** N, the steps of the chain; default 1000. */
  readonly trainSteps?: number;
  /** Added to each index of 'leading'; default 0. */
  readonly offset?: number;
  /** Take n + 1 indices and drop index 0 (linspace, leading); default false. */
  readonly dropLast?: boolean;
  /** Keep fractions (linspace); default false. */
  readonly fractional?: boolean;
  /** How many of the chain's steps are used, from the data; default all N. Less leaves out the greatest noise. */
  readonly usedSteps?: number;
}

/** Rounds to the nearest whole number, halves to the even one. */
function rounded(x: number): number {
  const low = Math.floor(x);
  const rest = x - low;
  return rest > 0.5 || (rest === 0.5 && low % 2 !== 0) ? low + 1 : low;
}

/**
 * Indices of a chain's steps, from noise to data.
 *
 * @returns n numbers in [0, N − 1], strictly descending.
 * @throws DomainError for more whole indices than there are, and for numbers outside their ranges.
 * @example
 * ```ts
 * import { ddpmBetas, discreteTimesteps, variancePreserving } from '@diff/sde';
 * const process = variancePreserving({ schedule: 'table', betas: ddpmBetas(), T: 1000 });
 * const indices = discreteTimesteps({ steps: 20, spacing: 'trailing' }); // 999, 949, …, 49
 * const grid = [...indices.map((i) => i + 1), 0];
 * console.log(process.lambda(grid[0]!));
 * ```
 */
export function discreteTimesteps(options: DiscreteTimestepsOptions): readonly number[] {
  const where = 'discreteTimesteps';
  const { spacing, trainSteps: N = 1000, offset = 0, dropLast = false, fractional = false } = options;
  const n = requireInteger(where, 'steps', options.steps, 1);
  requireInteger(where, 'trainSteps', N, 1);
  requireInteger(where, 'offset', offset, 0);
  requireOneOf(where, 'spacing', spacing, ['linspace', 'leading', 'trailing', 'simple']);
  const used = requireInteger(where, 'usedSteps', options.usedSteps ?? N, 1);
  if (used > N) {
    throw new DomainError(
      `${where}: usedSteps must be at most trainSteps = ${N}, got ${used}. Leave it out for all.`,
    );
  }
  const count = dropLast && (spacing === 'linspace' || spacing === 'leading') ? n + 1 : n;
  if (!fractional && count > used) {
    throw new DomainError(
      `${where}: '${spacing}' must stay within the ${N} trained steps, got steps = ${n}, which needs ${count} of ${used}. Take fewer steps.`,
    );
  }
  const whole = fractional ? (x: number): number => x : rounded;
  if (spacing === 'linspace') {
    const step = count === 1 ? 0 : (used - 1) / (count - 1);
    const at = (k: number): number => (k === count - 1 && count > 1 ? used - 1 : k * step);
    return Object.freeze(Array.from({ length: n }, (_, i) => whole(at(count - 1 - i))));
  }
  if (spacing === 'leading') {
    const ratio = Math.floor(used / count);
    const highest = (count - 1) * ratio + offset;
    if (highest > N - 1) {
      throw new DomainError(
        `${where}: 'leading' must stay within the ${N} trained steps, got steps = ${n} with offset = ${offset}, which needs index ${highest}. Take fewer steps or a smaller offset.`,
      );
    }
    return Object.freeze(Array.from({ length: n }, (_, i) => (count - 1 - i) * ratio + offset));
  }
  if (spacing === 'simple') {
    return Object.freeze(Array.from({ length: n }, (_, i) => used - 1 - Math.floor(i * (used / n))));
  }
  // The progression as numpy's arange forms it, whose last bits decide about halves.
  const step = used - N / n - used;
  const indices = Array.from({ length: n }, (_, i) => rounded(used + i * step) - 1);
  return Object.freeze(indices.filter((i) => i >= 0));
}
