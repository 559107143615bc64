/**
 * A linear process that is known by a table of its noise levels ς = σ/α at the times 0, 1, …, N, as the schedules of
 * trained models and of other libraries are. What α and σ are follows from the scaling:
 *
 *   vp     α = 1/√(1 + ς²),  σ = ς α          (α² + σ² = 1)
 *   ve     α = 1,            σ = ς
 *   flow   α = 1/(1 + ς),    σ = ς α          (α + σ = 1)
 *
 * Between the times of the table ln ς is linear, so that λ is; next to a level 0 it is ς and next to ∞ it is 1/ς that is
 * linear. f = (ln α)′ and g² = 2 α² ς ς′ follow, constant in form over each interval. Levels may stay the same over an
 * interval, but may not fall. As g²/α² dt = d(ς²), with a and b the levels at r and t
 *
 *   G = 2 α_r ∫_a^b α ς dς   (vp 2 α_r (1/α_t − 1/α_r),  ve b² − a²,  flow 2 α_r [ς − ln(1 + ς)]_a^b),   V = α_r² (b² − a²)
 */
import { DomainError, requireOneOf, requirePositive, shown } from '@diff/core';
import { linearProcess } from './linear-process.ts';
import { lessLog1p } from './log-expm1.ts';
import type { LinearProcess } from './process.ts';

export interface NoiseLevelTableOptions {
  /** ς at the times 0, 1, …, N, none below the one before; the first may be 0, the last ∞. */
  readonly levels: readonly number[];
  /** What α and σ are, given σ/α; default 'vp'. */
  readonly scaling?: 'vp' | 've' | 'flow';
  /** Standard deviation of the noise from which sampling starts; default σ(N). */
  readonly priorStd?: number;
}

function requireLevels(levels: readonly number[], scaling: string): void {
  if (!Array.isArray(levels) || levels.length < 2) {
    throw new DomainError(
      `fromNoiseLevels: levels must be a list of at least two numbers, got ${shown(levels)}. Give σ/α from data to noise.`,
    );
  }
  levels.forEach((level: unknown, i) => {
    const before = i === 0 ? 0 : levels[i - 1]!;
    const last = i === levels.length - 1 && i > 0 && scaling !== 've';
    const ok =
      typeof level === 'number' &&
      level >= before &&
      (level < Number.POSITIVE_INFINITY || last) &&
      (level > 0 || i === 0);
    if (!ok) {
      throw new DomainError(
        `fromNoiseLevels: levels must not fall, and be above 0 after the first and finite before the last, got ${shown(level)} after ${before} at index ${i}. Order them from data to noise.`,
      );
    }
  });
}

/**
 * The process with the given noise levels at the times 0, 1, …, N.
 *
 * @throws DomainError unless the levels rise from at least 0.
 * @example
 * ```ts
 * import { ddpmBetas, fromNoiseLevels } from '@diff/sde';
 * let bar = 1;
 * const levels = ddpmBetas().map((beta) => {
 *   bar *= 1 - beta;
 *   return Math.sqrt((1 - bar) / bar);
 * });
 * const process = fromNoiseLevels({ levels: [0, ...levels] });
 * process.sigma(1000) / process.alpha(1000); // 157.4
 * ```
 */
export function fromNoiseLevels(options: NoiseLevelTableOptions): LinearProcess {
  const { scaling = 'vp' } = options;
  requireOneOf('fromNoiseLevels', 'scaling', scaling, ['vp', 've', 'flow']);
  requireLevels(options.levels, scaling);
  const levels = [...options.levels];
  const N = levels.length - 1;

  const cell = (t: number): number => Math.min(N - 1, Math.floor(t));
  const level = (t: number): number => {
    const i = cell(t);
    const [low, high, u] = [levels[i]!, levels[i + 1]!, t - i];
    if (u === 0 || low === high) return low;
    if (u === 1) return high;
    if (low === 0) return high === Number.POSITIVE_INFINITY ? u / (1 - u) : u * high;
    if (high === Number.POSITIVE_INFINITY) return low / (1 - u);
    return low * Math.exp(u * Math.log(high / low));
  };
  const slope = (t: number): number => {
    const i = cell(t);
    const [low, high, s] = [levels[i]!, levels[i + 1]!, level(t)];
    if (low === 0) return high === Number.POSITIVE_INFINITY ? (1 + s) ** 2 : high;
    return high === Number.POSITIVE_INFINITY ? (s * s) / low : s * Math.log(high / low);
  };
  const timeOfLevel = (value: number): number => {
    let [from, to] = [0, N]; // levels[from] ≤ value ≤ levels[to]
    while (to - from > 1) {
      const middle = (from + to) >> 1;
      if (levels[middle]! <= value) from = middle;
      else to = middle;
    }
    const [low, high] = [levels[from]!, levels[to]!];
    if (low === high) return from;
    if (low === 0) return high === Number.POSITIVE_INFINITY ? value / (1 + value) : value / high;
    if (high === Number.POSITIVE_INFINITY) return from + 1 - low / value;
    return from + Math.log(value / low) / Math.log(high / low);
  };
  const alphaOf = (s: number): number =>
    scaling === 've' ? 1 : scaling === 'flow' ? 1 / (1 + s) : 1 / Math.sqrt(1 + s * s);
  const sigmaOf = (s: number): number =>
    scaling !== 've' && s === Number.POSITIVE_INFINITY ? 1 : s * alphaOf(s);
  const drift = (t: number): number => {
    const s = level(t);
    if (scaling === 've') return 0;
    return scaling === 'flow' ? -slope(t) / (1 + s) : (-s * slope(t)) / (1 + s * s);
  };
  /** ∫_a^b α ς dς. */
  const weighted = (a: number, b: number): number => {
    if (scaling === 've') return 0.5 * (b - a) * (b + a);
    if (scaling === 'vp') return ((b - a) * (b + a)) / (Math.sqrt(1 + b * b) + Math.sqrt(1 + a * a));
    const d = (b - a) / (1 + a);
    return lessLog1p(d) + d * a;
  };
  const std = options.priorStd ?? sigmaOf(levels[N]!);
  requirePositive('fromNoiseLevels', 'priorStd', std);
  return linearProcess({
    type: 'custom',
    T: N,
    config: { type: 'custom', T: N },
    prior: { mean: 0, std },
    alpha: (t) => alphaOf(level(t)),
    sigma: (t) => sigmaOf(level(t)),
    lambda: (t) => -Math.log(level(t)),
    timeOfLambda: (lambda) => timeOfLevel(Math.exp(-lambda)),
    drift,
    diffusionSquared: (t) => 2 * alphaOf(level(t)) ** 2 * level(t) * slope(t),
    scoreGain: (t, r) => 2 * alphaOf(level(r)) * weighted(level(r), level(t)),
    noiseVariance: (t, r) => alphaOf(level(r)) ** 2 * (level(t) - level(r)) * (level(t) + level(r)),
  });
}
