/**
 * The bootstrap (Efron, "Bootstrap methods: another look at the jackknife", Ann. Statist. 7, 1979).
 *
 * A resample draws n of n rows with replacement; it is kept as the counts a_1 … a_n, Σ a_i = n, so that a metric
 * reweights what it has already computed instead of gathering rows. Resample r of side s is a function of
 * (key, s, r, n) alone.
 *
 * From the deviations δ_r = T*_r − mean(T*):   standardError = (Σ δ_r²/(R − 1))^½,
 * interval = [T − q_{1−α/2}(δ), T − q_{α/2}(δ)], cut to the values the statistic can take. The deviations are
 * centred: many of these statistics (a distance between samples, say) lie above their population value by an
 * amount that depends on n and m, and the resamples lie above T by about as much again. So the interval speaks of
 * the expectation of T at these n and m, and is to be read beside the floor at the same sizes.
 */
import { DomainError, fold, type Key, requireInteger, requireKey, shown, uniform } from '@diff/core';
import type { BootstrapOptions, Estimate } from './estimate.ts';

export interface Bootstrap {
  readonly resamples: number;
  readonly level: number;
  /** The counts a [n] of resample r of one side. */
  counts(side: 'samples' | 'reference', r: number, n: number): Promise<Uint16Array>;
}

/** Checks the options and gives the resampler; undefined where none is asked for. */
export function requireBootstrap(
  where: string,
  options: BootstrapOptions | undefined,
): Bootstrap | undefined {
  if (options === undefined) return undefined;
  const { key, resamples = 200, level = 0.95 } = options;
  requireKey(`${where}: bootstrap`, key);
  requireInteger(`${where}: bootstrap`, 'resamples', resamples, 2);
  if (typeof level !== 'number' || !(level > 0 && level < 1)) {
    throw new DomainError(
      `${where}: bootstrap: level must lie between 0 and 1, got ${shown(level)}. Pass for example 0.95.`,
    );
  }
  const keys = { samples: fold(key, 0), reference: fold(key, 1) };
  return {
    resamples,
    level,
    counts: (side, r, n) => drawCounts(fold(keys[side], r), n),
  };
}

async function drawCounts(key: Key, n: number): Promise<Uint16Array> {
  const draws = uniform(key, [n]);
  try {
    const counts = new Uint16Array(n);
    for (const u of await draws.data<'float32'>()) counts[Math.floor(u * n)]! += 1;
    return counts;
  } finally {
    draws.dispose();
  }
}

/** Quantile of ascending values by linear interpolation between order statistics. */
function quantile(sorted: Float64Array, q: number): number {
  const place = q * (sorted.length - 1);
  const below = Math.floor(place);
  const low = sorted[below]!;
  return low + (place - below) * ((sorted[below + 1] ?? low) - low);
}

/**
 * Standard error and interval of `value` from its resampled values (centred here).
 *
 * @param range the values that the statistic can take; the interval is cut to it.
 */
export function samplingError(
  value: number,
  replicates: Float64Array,
  level: number,
  range: readonly [number, number],
): Required<Pick<Estimate, 'standardError' | 'interval'>> {
  const mean = replicates.reduce((a, b) => a + b, 0) / replicates.length;
  const deviations = replicates.map((t) => t - mean).sort();
  const standardError = Math.sqrt(deviations.reduce((s, d) => s + d * d, 0) / (deviations.length - 1));
  const cut = (t: number): number => Math.min(range[1], Math.max(range[0], t));
  const tail = (1 - level) / 2;
  const low = cut(value - quantile(deviations, 1 - tail));
  const high = cut(value - quantile(deviations, tail));
  return { standardError, interval: [low, high] };
}
