/**
 * β schedules: the rate β(t) ≥ 0 of variance-preserving, sub-VP and contractive processes, its integral
 * B(r, t) = ∫_r^t β without cancellation, and the inverse of B(0, ·).
 *
 *   linear        β = βmin + (t/T)(βmax − βmin)              (S3 3.9)
 *   scaledLinear  √β linear in t                             (latent diffusion)
 *   constant      β                                          (β = ς² is the Ornstein–Uhlenbeck process of unit speed)
 *   cosine        see cosine-schedule.ts
 *   table         the β_i of a discrete chain, see table-schedule.ts
 *
 * β is a rate per unit of time. The defaults scale with 1/T, so B(T), and with it the last α, does not depend on T.
 */
import { DomainError, requireFinite, requireOneOf, requirePositive, shown } from '@diff/core';
import { cosineSchedule } from './cosine-schedule.ts';
import { tableSchedule } from './table-schedule.ts';

/** JSON of a schedule. */
export type BetaScheduleConfig =
  | {
      readonly schedule: 'linear' | 'scaledLinear';
      readonly betaMin: number;
      readonly betaMax: number;
      readonly T: number;
    }
  | { readonly schedule: 'constant'; readonly beta: number; readonly T: number }
  | { readonly schedule: 'cosine'; readonly offset: number; readonly betaMax: number; readonly T: number }
  | { readonly schedule: 'table'; readonly betas: readonly number[]; readonly T: number };

/** What may be asked for; everything has a default. */
export type BetaScheduleOptions =
  | {
      /** Default 'linear'. */
      readonly schedule?: 'linear' | 'scaledLinear';
      /** β(0); default 0.1/T (linear), 0.85/T (scaledLinear). */
      readonly betaMin?: number;
      /** β(T); default 20/T (linear), 12/T (scaledLinear). */
      readonly betaMax?: number;
      /** Horizon; default 1. */
      readonly T?: number;
    }
  | {
      readonly schedule: 'constant';
      /** The rate; default 10/T. */
      readonly beta?: number;
      readonly T?: number;
    }
  | {
      readonly schedule: 'cosine';
      /** s of Nichol & Dhariwal; default 0.008. */
      readonly offset?: number;
      /** Cap of β near T, where the cosine rate diverges; default 999/T (the clip 0.999 of 1000 steps). */
      readonly betaMax?: number;
      readonly T?: number;
    }
  | {
      readonly schedule: 'table';
      /** β_1 … β_N of a discrete chain, each in (0, 1). */
      readonly betas: readonly number[];
      readonly T?: number;
    };

export interface BetaSchedule {
  readonly config: BetaScheduleConfig;
  /** β(t). */
  beta(t: number): number;
  /** B(r, t) = ∫_r^t β(u) du for r ≤ t. */
  integral(r: number, t: number): number;
  /** The t with B(0, t) = value. */
  timeOfIntegral(value: number): number;
}

function range(where: string, betaMin: number, betaMax: number): void {
  requireFinite(where, 'betaMin', betaMin);
  requirePositive(where, 'betaMax', betaMax);
  if (betaMin < 0 || betaMin > betaMax) {
    throw new DomainError(
      `${where}: betaMin must lie in [0, betaMax] = [0, ${betaMax}], got ${shown(betaMin)}. The rate grows from betaMin to betaMax.`,
    );
  }
}

function linear(betaMin: number, betaMax: number, T: number): BetaSchedule {
  const slope = (betaMax - betaMin) / T;
  return {
    config: { schedule: 'linear', betaMin, betaMax, T },
    beta: (t) => betaMin + slope * t,
    integral: (r, t) => (t - r) * (betaMin + 0.5 * slope * (t + r)),
    timeOfIntegral: (value) =>
      value === 0 ? 0 : (2 * value) / (betaMin + Math.sqrt(betaMin * betaMin + 2 * slope * value)),
  };
}

function scaledLinear(betaMin: number, betaMax: number, T: number): BetaSchedule {
  const first = Math.sqrt(betaMin);
  const slope = (Math.sqrt(betaMax) - first) / T;
  return {
    config: { schedule: 'scaledLinear', betaMin, betaMax, T },
    beta: (t) => (first + slope * t) ** 2,
    integral: (r, t) => {
      const [a, b] = [first + slope * r, first + slope * t];
      return ((t - r) * (a * a + a * b + b * b)) / 3;
    },
    timeOfIntegral: (value) => {
      if (value === 0) return 0;
      const last = Math.cbrt(first ** 3 + 3 * slope * value);
      return (3 * value) / (last * last + last * first + first * first);
    },
  };
}

/** Makes the schedule that the options ask for; `where` names the process in errors. */
export function betaSchedule(where: string, options: BetaScheduleOptions): BetaSchedule {
  const schedule = requireOneOf(where, 'schedule', options.schedule ?? 'linear', [
    'linear',
    'scaledLinear',
    'constant',
    'cosine',
    'table',
  ]);
  const T = requirePositive(where, 'T', options.T ?? 1);
  if (options.schedule === 'constant') {
    const beta = requirePositive(where, 'beta', options.beta ?? 10 / T);
    return {
      config: { schedule: 'constant', beta, T },
      beta: () => beta,
      integral: (r, t) => beta * (t - r),
      timeOfIntegral: (value) => value / beta,
    };
  }
  if (options.schedule === 'cosine') {
    return cosineSchedule(where, options.offset ?? 0.008, options.betaMax ?? 999 / T, T);
  }
  if (options.schedule === 'table') return tableSchedule(where, options.betas, T);
  const [low, high] = schedule === 'linear' ? [0.1, 20] : [0.85, 12];
  const { betaMin = low / T, betaMax = high / T } = options;
  range(where, betaMin, betaMax);
  return (schedule === 'linear' ? linear : scaledLinear)(betaMin, betaMax, T);
}
