/**
 * How strongly a model is guided at each time: a weight w or w(t), and the noise levels at which it acts at all,
 *
 *   w(t) if above < σ/α ≤ upTo,   else 0.
 *
 * Guidance at high noise narrows what is drawn and at low noise does little (Kynkäänniemi et al. 2024, "Applying
 * guidance in a limited interval", eq. 4), and outside the interval it costs nothing: one model is evaluated.
 */
import { DomainError, requireFinite, shown } from '@diff/core';
import type { LinearProcess } from '@diff/sde';

/** Guidance acts where above < σ/α ≤ upTo; σ/α is EDM's σ. */
export interface GuidanceInterval {
  /** Default 0, which is in the interval too. */
  readonly above?: number | undefined;
  /** Default ∞. */
  readonly upTo?: number | undefined;
}

/** A number for all times, or a function of forward time. */
export type GuidanceWeight = number | ((t: number) => number);

export interface GuidanceStrength {
  readonly weight: GuidanceWeight;
  /** Default: all noise levels. */
  readonly interval?: GuidanceInterval | undefined;
}

/**
 * The weight at a time.
 *
 * @throws DomainError for a weight that is neither a finite number nor a function, or bounds that are not in order; from
 *   the result for a function that returns no finite number.
 */
export function guidanceStrength(
  where: string,
  process: LinearProcess,
  { weight, interval = {} }: GuidanceStrength,
): (t: number) => number {
  if (typeof weight !== 'function') requireFinite(where, 'weight', weight);
  const { above, upTo = Number.POSITIVE_INFINITY } = interval ?? {};
  const isBound = (bound: unknown): boolean => typeof bound === 'number' && bound >= 0;
  if (!isBound(above ?? 0) || !isBound(upTo) || (above ?? 0) >= upTo) {
    throw new DomainError(
      `${where}: interval must have 0 ≤ above < upTo in units of σ/α, got above = ${shown(above)} and upTo = ${shown(upTo)}. Give the noise levels between which to guide.`,
    );
  }
  return (t) => {
    const level = process.sigma(t) / process.alpha(t);
    if (level > upTo || (above !== undefined && level <= above)) return 0;
    return typeof weight === 'number' ? weight : requireFinite(where, `weight(t = ${t})`, weight(t));
  };
}
