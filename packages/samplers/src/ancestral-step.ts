/**
 * An ancestral step splits the way from t to r: deterministically down to a noise level ς_d below ς_r, then up to ς_r
 * with fresh noise ς_u = √(ς_r² − ς_d²) (k-diffusion's `get_ancestral_step`). With h = λ(r) − λ(t), ς = σ/α:
 *
 *   ς_u = η ς_r √(1 − e^{−2h}),   ς_d = ς_r √(1 − η² (1 − e^{−2h}))
 *
 * If the way down is exact, so is the law after it: noise added to X at ς_d gives the law at ς_r, as forward in time. So
 * an ancestral sampler has, for the law at the grid's times, the order of its deterministic part.
 *
 * η = 0 makes no noise; at η = 1 the noise is that of DDPM's posterior, and ς_d = ς_r e^{−h} = ς_r²/ς_t.
 */
import { DomainError, shown } from '@diff/core';
import { decayed, remaining } from './transition.ts';

export interface AncestralStep {
  /** ς_d/ς_r, in [0, 1]. */
  readonly down: number;
  /** ς_u/ς_r, in [0, 1]. */
  readonly up: number;
}

export function ancestralStep(eta: number, h: number): AncestralStep {
  const e = eta * eta;
  // Bounded for η > 1, which the samplers refuse.
  return {
    down: Math.sqrt(Math.max(0, 1 - e + e * remaining(2, h))),
    up: Math.min(1, eta * Math.sqrt(decayed(2, h))),
  };
}

/** Options of all ancestral samplers. */
export interface AncestralOptions {
  /** Share of fresh noise η in [0, 1], or η(t), taken at the start of each step; default 1. */
  readonly eta?: number | ((t: number) => number);
  /** Factor on the fresh noise, ≥ 0; default 1. Slightly above 1 makes up for detail lost by the model. */
  readonly noiseScale?: number;
}

/** η as a checked function of time. A number is checked at once, as is the noise scale. */
export function checkedEta(
  where: string,
  eta: number | ((t: number) => number),
  noiseScale: number,
): (t: number) => number {
  requireNoiseScale(where, noiseScale);
  const required = (value: unknown, at: string): number => {
    if (typeof value === 'number' && value >= 0 && value <= 1) return value;
    throw new DomainError(
      `${where}: eta must lie in [0, 1], got ${shown(value)}${at}. Use 0 for the deterministic method, 1 for fresh noise in full.`,
    );
  };
  if (typeof eta === 'function') return (t) => required(eta(t), ` at t = ${t}`);
  const constant = required(eta, '');
  return () => constant;
}

export function requireNoiseScale(where: string, noiseScale: unknown): void {
  if (typeof noiseScale !== 'number' || !Number.isFinite(noiseScale) || noiseScale < 0) {
    throw new DomainError(
      `${where}: noiseScale must be a finite number of at least 0, got ${shown(noiseScale)}. Leave it out for 1.`,
    );
  }
}
