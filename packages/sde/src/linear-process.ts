/**
 * Makes a linear process out of the functions that define it: checks times once for all of them, and fills in
 * what has no closed form (λ from α and σ, its inverse by bisection, G by quadrature, V from its definition).
 */
import { DomainError, requirePositive, shown } from '@diff/core';
import type { LinearProcess } from './process.ts';
import { integrate } from './quadrature.ts';

/** What a linear process must give; the rest is derived where it is left out. */
interface LinearProcessSpec
  extends Pick<LinearProcess, 'type' | 'T' | 'config' | 'prior' | 'alpha' | 'sigma' | 'drift'> {
  /** g(t)². */
  diffusionSquared(t: number): number;
  mean?(t: number): number;
  offset?(t: number): number;
  lambda?(t: number): number;
  timeOfLambda?(lambda: number): number;
  scoreGain?(t: number, r: number): number;
  noiseVariance?(t: number, r: number): number;
}

/** The t in [0, T] at which a strictly decreasing λ takes a value, by bisection down to the last bit of t. */
function bisect(lambda: (t: number) => number, value: number, T: number): number {
  let low = 0;
  let high = T;
  for (;;) {
    const middle = low > 0 ? 0.5 * (low + high) : high > T * 1e-3 ? 0.5 * high : high * 2 ** -10;
    if (middle <= low || middle >= high) return high;
    if (lambda(middle) > value) low = middle;
    else high = middle;
  }
}

/** Builds the process; every function of it checks that its times lie in [0, T]. */
export function linearProcess(spec: LinearProcessSpec): LinearProcess {
  const { type, T, config, prior } = spec;
  requirePositive(type, 'T', T);
  const slack = T * (1 + 2 ** -22); // a T that went through float32 is still T

  const checked = (name: string, t: number): number => {
    if (typeof t !== 'number' || !(t >= 0 && t <= slack)) {
      throw new DomainError(
        `${type}.${name}: t must lie in [0, ${T}], got ${shown(t)}. Pass a time of this process; its horizon is T = ${T}.`,
      );
    }
    return Math.min(t, T);
  };
  const ofTime =
    (name: string, f: (t: number) => number): ((t: number) => number) =>
    (t) =>
      f(checked(name, t));
  const ofStep =
    (name: string, f: (t: number, r: number) => number): ((t: number, r: number) => number) =>
    (t, r) => {
      const from = checked(name, t);
      const to = checked(name, r);
      if (to > from) {
        throw new DomainError(
          `${type}.${name}: r must not exceed t = ${t}, got ${shown(r)}. Steps go from t down to r < t.`,
        );
      }
      return to === from ? 0 : f(from, to);
    };

  const rawLambda = spec.lambda ?? ((t): number => Math.log(spec.alpha(t)) - Math.log(spec.sigma(t)));
  const rawTime = spec.timeOfLambda ?? ((value): number => bisect(rawLambda, value, T));
  const [least, most] = [rawLambda(T), rawLambda(0)];

  return Object.freeze({
    type,
    T,
    config,
    prior: Object.freeze({ ...prior }),
    alpha: ofTime('alpha', spec.alpha),
    sigma: ofTime('sigma', spec.sigma),
    mean: ofTime('mean', spec.mean ?? ((): number => 0)),
    lambda: ofTime('lambda', rawLambda),
    timeOfLambda: (value: number): number => {
      const tolerance = 1e-9 * (1 + Math.abs(value));
      if (!(value >= least - tolerance && value <= most + tolerance) && value !== most && value !== least) {
        throw new DomainError(
          `${type}.timeOfLambda: lambda must lie in [${least}, ${most}], got ${shown(value)}. These are λ(T) and λ(0) of this process.`,
        );
      }
      if (value >= most) return 0;
      if (value <= least) return T;
      return Math.min(Math.max(rawTime(value), 0), T);
    },
    drift: ofTime('drift', spec.drift),
    offset: ofTime('offset', spec.offset ?? ((): number => 0)),
    diffusion: ofTime('diffusion', (t) => Math.sqrt(spec.diffusionSquared(t))),
    scoreGain: ofStep(
      'scoreGain',
      spec.scoreGain ??
        ((t, r): number =>
          integrate((u) => (spec.alpha(r) / spec.alpha(u)) * spec.diffusionSquared(u), r, t)),
    ),
    noiseVariance: ofStep(
      'noiseVariance',
      spec.noiseVariance ??
        ((t, r): number => {
          const ratio = spec.alpha(r) / spec.alpha(t);
          return Math.max(0, (ratio * spec.sigma(t)) ** 2 - spec.sigma(r) ** 2);
        }),
    ),
  });
}
