/**
 * The rate β(t) of a table β_1 … β_N of a discrete chain: constant on each ((i−1)T/N, iT/N], with
 * ∫ = −ln(1 − β_i) there. So the VP process of this rate has exactly the chain's marginals at the times iT/N:
 * α² = Π_{j≤i}(1 − β_j). It carries models that were trained on a table (DDPM, Stable Diffusion) into continuous
 * time.
 */
import { DomainError, shown } from '@diff/core';
import type { BetaSchedule } from './beta-schedule.ts';

/** Throws unless every β lies in (0, 1). */
export function requireBetas(where: string, betas: readonly number[]): void {
  if (!Array.isArray(betas) || betas.length === 0) {
    throw new DomainError(
      `${where}: betas must be a list of at least one number, got ${shown(betas)}. Make one with ddpmBetas.`,
    );
  }
  const bad = betas.findIndex((b: unknown) => !(typeof b === 'number' && b > 0 && b < 1));
  if (bad >= 0) {
    throw new DomainError(
      `${where}: betas must lie in (0, 1), got ${shown(betas[bad])} at index ${bad}. A step with β = 1 would erase the data.`,
    );
  }
}

/** @param betas β_1 … β_N in (0, 1); @param T horizon. */
export function tableSchedule(where: string, betas: readonly number[], T: number): BetaSchedule {
  requireBetas(where, betas);
  const N = betas.length;
  const table = Object.freeze([...betas]);
  const pieces = table.map((b) => -Math.log1p(-b));
  const until = [0];
  for (const piece of pieces) until.push(until.at(-1)! + piece);
  const cell = (t: number): number => Math.min(N - 1, Math.floor((t / T) * N));
  const upTo = (t: number): number => {
    const i = cell(t);
    return until[i]! + pieces[i]! * ((t / T) * N - i);
  };
  return {
    config: { schedule: 'table', betas: table, T },
    beta: (t) => (pieces[cell(t)]! * N) / T,
    integral: (r, t) => (cell(r) === cell(t) ? (pieces[cell(t)]! * N * (t - r)) / T : upTo(t) - upTo(r)),
    timeOfIntegral: (value) => {
      let [low, high] = [0, N]; // until[low] ≤ value < until[high]
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (until[middle]! <= value) low = middle;
        else high = middle;
      }
      return ((low + (value - until[low]!) / pieces[low]!) * T) / N;
    },
  };
}
