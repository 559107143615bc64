/**
 * The criterion of contractive diffusion models (S3 3.15): the backward drift contracts where
 *
 *   (x − x′)·(f(t, x) − f(t, x′)) ≥ r_f(t) |x − x′|²   with   inf_t r_f(t) > 0
 *
 * For a linear process equality holds with r_f(t) = f(t). Errors of the score then fade along the backward path
 * instead of growing with it (S3 Theorem 6.5), as in CVP; VP and OU have r_f < 0, VE has r_f = 0.
 */
import type { LinearProcess } from './process.ts';

export interface Contraction {
  /** r_f(t) = f(t). */
  rate(t: number): number;
  /** The least r_f on [0, T]; exact for the built-in processes, whose f is monotone; on 1,024 intervals otherwise. */
  readonly infimum: number;
  /** Does the criterion hold: infimum > 0? */
  readonly contractive: boolean;
}

/**
 * The contraction rate of a linear process.
 *
 * @example
 * ```ts
 * import { contraction, contractive, variancePreserving } from '@diff/sde';
 * contraction(contractive({ betaMin: 0.5, betaMax: 2 })).infimum; // 0.25
 * contraction(variancePreserving()).contractive; // false
 * ```
 */
export function contraction(process: LinearProcess): Contraction {
  const points = process.type === 'custom' ? 1024 : 1;
  let infimum = Number.POSITIVE_INFINITY;
  for (let i = 0; i <= points; i++) {
    infimum = Math.min(infimum, process.drift((process.T * i) / points));
  }
  return Object.freeze({ rate: process.drift, infimum, contractive: infimum > 0 });
}
