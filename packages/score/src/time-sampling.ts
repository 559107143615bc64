/**
 * At which times a training batch looks: a quantile function u ∈ (0, 1) ↦ t, fed with stratified uniforms
 * u_i = (i + U_i)/n by default, which are unbiased and of lower variance than independent ones.
 *
 *   uniform     t = from + u (to − from)
 *   logNormal   ln ς = mean + std Φ⁻¹(u), ς = σ/α       Karras et al. 2022, P_mean and P_std
 *   logUniform  ln ς uniform between two times
 */
import { DomainError, type Key, requireFinite, requirePositive, shown } from '@diff/core';
import type { LinearProcess } from '@diff/sde';
import { keyedUniforms } from './keyed-numbers.ts';
import { normalQuantile } from './normal-quantile.ts';

/** The law of training times, as its quantile function. */
export interface TimeLaw {
  readonly name: string;
  /** u in (0, 1) → t in [0, T], where σ(t) > 0. */
  quantile(u: number): number;
}

function requireInterval(where: string, process: LinearProcess, from: number, to: number): void {
  requireFinite(where, 'from', from);
  requireFinite(where, 'to', to);
  if (from < 0 || to > process.T || from >= to) {
    throw new DomainError(
      `${where}: 0 ≤ from < to ≤ T = ${process.T} must hold, got from ${from} to ${to}. Choose an interval inside the horizon.`,
    );
  }
}

/**
 * Uniform times on (from, to); defaults T/1000 and T. The score itself has no bounded target at 0.
 *
 * @example
 * ```ts
 * import { uniformTimes } from '@diff/score';
 * import { variancePreserving } from '@diff/sde';
 * const median = uniformTimes({ process: variancePreserving() }).quantile(0.5);
 * ```
 */
export function uniformTimes({
  process,
  from = process.T * 1e-3,
  to = process.T,
}: {
  readonly process: LinearProcess;
  readonly from?: number;
  readonly to?: number;
}): TimeLaw {
  requireInterval('uniformTimes', process, from, to);
  return { name: 'uniform', quantile: (u) => from + u * (to - from) };
}

/**
 * Times at which ln ς is uniform; defaults as `uniformTimes`.
 *
 * @example
 * ```ts
 * import { logUniformTimes } from '@diff/score';
 * import { variancePreserving } from '@diff/sde';
 * const median = logUniformTimes({ process: variancePreserving(), from: 1e-3 }).quantile(0.5);
 * ```
 */
export function logUniformTimes({
  process,
  from = process.T * 1e-3,
  to = process.T,
}: {
  readonly process: LinearProcess;
  readonly from?: number;
  readonly to?: number;
}): TimeLaw {
  requireInterval('logUniformTimes', process, from, to);
  const high = process.lambda(from);
  const low = process.lambda(to);
  if (!Number.isFinite(high) || !Number.isFinite(low)) {
    throw new DomainError(
      `logUniformTimes: the log-SNR must be finite at both ends, got ${high} and ${low}. Move from or to inside the horizon.`,
    );
  }
  return { name: 'logUniform', quantile: (u) => process.timeOfLambda(high + u * (low - high)) };
}

/**
 * Times at which ln ς is normal, cut off at the ends of the horizon.
 *
 * @param mean of ln ς, default −1.2 + ln(2 sigmaData), EDM's shifted to the scale of the data; @param std default 1.2.
 * @example
 * ```ts
 * import { logNormalTimes } from '@diff/score';
 * import { variancePreserving } from '@diff/sde';
 * const median = logNormalTimes({ process: variancePreserving(), sigmaData: 0.5 }).quantile(0.5);
 * ```
 */
export function logNormalTimes({
  process,
  sigmaData = 0.5,
  mean = -1.2 + Math.log(2 * sigmaData),
  std = 1.2,
}: {
  readonly process: LinearProcess;
  readonly sigmaData?: number;
  readonly mean?: number;
  readonly std?: number;
}): TimeLaw {
  requireFinite('logNormalTimes', 'mean', mean);
  requirePositive('logNormalTimes', 'std', std);
  const lowest = process.lambda(process.T);
  const highest = process.lambda(0);
  return {
    name: 'logNormal',
    quantile: (u) => {
      const lambda = -(mean + std * normalQuantile(u));
      if (lambda <= lowest) return process.T;
      return process.timeOfLambda(Math.min(lambda, highest));
    },
  };
}

/**
 * The times of one batch: `count` draws of the law.
 *
 * @param stratified one draw in each of `count` equally likely strata (default), in their order; else independent.
 * @example
 * ```ts
 * import { key } from '@diff/core';
 * import { sampleTimes, uniformTimes } from '@diff/score';
 * import { edm } from '@diff/sde';
 * const times = sampleTimes(uniformTimes({ process: edm() }), key(1), 64);
 * ```
 */
export function sampleTimes(law: TimeLaw, key: Key, count: number, stratified = true): Float64Array {
  const u = keyedUniforms(key, count);
  return u.map((ui, i) => {
    const at = Math.min(1 - 2 ** -53, Math.max(2 ** -53, stratified ? (i + ui) / count : ui));
    const t = law.quantile(at);
    if (!(typeof t === 'number' && t >= 0 && Number.isFinite(t))) {
      throw new DomainError(
        `sampleTimes: a training time must be a finite number ≥ 0, got ${shown(t)} from the law '${law.name}' at u = ${at}. Keep its times in [0, T].`,
      );
    }
    return t;
  });
}
