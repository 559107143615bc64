/**
 * The noise level b ≥ 0 of the reverse process: dY = (−f + ½(1 + b²) g² score) ds + b g dB. All levels share their
 * marginals; b = 0 is the probability-flow ODE, b = 1 the time-reversed SDE.
 */
import { DomainError, shown } from '@diff/core';
import type { NoiseLevel } from '@diff/sde';

function required(where: string, value: unknown, at: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
    throw new DomainError(
      `${where}: noiseLevel must be a finite number of at least 0, got ${shown(value)}${at}. Use 0 for the probability flow, 1 for the reverse SDE.`,
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
