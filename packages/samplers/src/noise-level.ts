/**
 * The noise level b ≥ 0 of the reverse process: dY = (−f + ½(1 + b²) g² score) ds + b g dB. All levels share their
 * marginals; b = 0 is the probability-flow ODE, b = 1 the time-reversed SDE.
 */
import { DomainError, requireFinite, shown } from '@diff/core';
import type { NoiseLevel } from '@diff/sde';

function required(where: string, value: unknown, at: string, name = 'noiseLevel'): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
    throw new DomainError(
      `${where}: ${name} must be a finite number of at least 0, got ${shown(value)}${at}. Use 0 for the probability flow, 1 for the reverse SDE.`,
    );
  }
  return value;
}

/** The noise level as a checked function of time. A number is checked at once. */
export function noiseLevelFunction(where: string, level: NoiseLevel): (t: number) => number {
  if (typeof level === 'function') return (t) => required(where, level(t), ` at t = ${t}`);
  const b = required(where, level, '');
  return () => b;
}

export interface NoiseBetweenOptions {
  /** b within the window, ≥ 0. */
  readonly level: number;
  /** Least time with noise; default 0. */
  readonly from?: number;
  /** Largest time with noise; default ∞. */
  readonly upTo?: number;
}

/**
 * The noise level that is `level` from one time to another and 0 outside: churn in the middle of a run, a flow at its
 * ends. Goes wherever a noise level or an eta may be a function of time.
 *
 * @throws DomainError unless level ≥ 0 and from < upTo.
 * @example
 * ```ts
 * import { exponentialIntegrator, noiseBetween } from '@diff/samplers';
 * const noiseLevel = noiseBetween({ level: 1, from: 0.05, upTo: 0.8 });
 * const sampler = exponentialIntegrator({ hold: 'data', noiseLevel });
 * ```
 */
export function noiseBetween({
  level,
  from = 0,
  upTo = Number.POSITIVE_INFINITY,
}: NoiseBetweenOptions): (t: number) => number {
  required('noiseBetween', level, '', 'level');
  requireFinite('noiseBetween', 'from', from);
  if (typeof upTo !== 'number' || !(upTo > from)) {
    throw new DomainError(
      `noiseBetween: upTo must be a time after from = ${from}, got ${shown(upTo)}. Leave it out for no upper end.`,
    );
  }
  return (t) => (t >= from && t <= upTo ? level : 0);
}
