/**
 * The cosine schedule (Nichol & Dhariwal, "Improved denoising diffusion probabilistic models", 2021, eq. 17) in
 * continuous time:
 *
 *   α(t) = cos φ(t) / cos φ(0),   φ(t) = (π/2)(t/T + s)/(1 + s),   β = −2 (ln α)' = (π/(T(1+s))) tan φ
 *
 * β diverges at T, where α would be 0. As the discrete schedule clips its β_i at 0.999, so β is held at `betaMax`
 * from the time at which it gets there; the prior then matches the marginal at T to α(T) ≈ 1e-3 by default.
 */
import { DomainError, requirePositive, shown } from '@diff/core';
import type { BetaSchedule } from './beta-schedule.ts';

/** @param s the offset ≥ 0; @param betaMax cap of the rate; @param T horizon. */
export function cosineSchedule(where: string, s: number, betaMax: number, T: number): BetaSchedule {
  if (typeof s !== 'number' || !Number.isFinite(s) || s < 0) {
    throw new DomainError(
      `${where}: offset must be a finite number of at least 0, got ${shown(s)}. The usual value is 0.008.`,
    );
  }
  requirePositive(where, 'betaMax', betaMax);
  const speed = Math.PI / (2 * T * (1 + s)); // φ'
  const angle0 = speed * s * T;
  const cos0 = Math.cos(angle0);
  const clip = Math.max(0, T - Math.atan((2 * speed) / betaMax) / speed); // β(clip) = betaMax, as tan φ = cot(π/2 − φ)
  const cosAt = (t: number): number => Math.sin(speed * (T - t)); // cos φ, exact near T

  /** ln(cos² φ_r / cos² φ_t), without cancellation for near times. */
  const smooth = (r: number, t: number): number => {
    const lost = (Math.sin(speed * (t - r)) * Math.sin(speed * (t + r) + 2 * angle0)) / cosAt(r) ** 2;
    return lost < 0.5 ? -Math.log1p(-lost) : 2 * Math.log(cosAt(r) / cosAt(t));
  };
  const integral = (r: number, t: number): number =>
    t <= clip ? smooth(r, t) : r >= clip ? betaMax * (t - r) : smooth(r, clip) + betaMax * (t - clip);
  const atClip = clip > 0 ? smooth(0, clip) : 0;

  return {
    config: { schedule: 'cosine', offset: s, betaMax, T },
    beta: (t) => (t < clip ? (2 * speed * Math.cos(speed * (T - t))) / cosAt(t) : betaMax),
    integral,
    timeOfIntegral: (value) => {
      if (value <= 0) return 0;
      if (value >= atClip) return clip + (value - atClip) / betaMax;
      const lost = -Math.expm1(-value) * cos0 ** 2; // cos² φ_0 − cos² φ_t = sin(φ_t − φ_0) sin(φ_t + φ_0)
      const angle =
        value < 1
          ? Math.asin(Math.sqrt(Math.sin(angle0) ** 2 + lost))
          : Math.acos(cos0 * Math.exp(-value / 2));
      return value < 1 ? Math.asin(lost / Math.sin(angle + angle0)) / speed : (angle - angle0) / speed;
    },
  };
}
