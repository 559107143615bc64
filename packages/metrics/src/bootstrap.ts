/**
 * The bootstrap (Efron, "Bootstrap methods: another look at the jackknife", Ann. Statist. 7, 1979).
 *
 * A resample draws n of n rows with replacement; it is kept as the counts a_1 … a_n, Σ a_i = n, so that a metric
 * reweights what it has already computed instead of gathering rows. Resample r of side s is a function of
 * (key, s, r, n) alone.
 *
 * From the deviations δ_r = T*_r − mean(T*):   standardError = (Σ δ_r²/(R − 1))^½,
 * interval = [T + q_{α/2}(δ), T + q_{1−α/2}(δ)], cut to the values the statistic can take: the percentile interval,
 * centred. Many of these statistics (a distance between samples, say) lie above their population value by an amount
 * that depends on n and m, and the resamples lie above T by about as much again, which centring removes. So the
 * interval speaks of the expectation of T at these n and m, and is to be read beside the floor at the same sizes.
 *
 * Not guaranteed: distances that are 0 for equal laws have no linear part there, and the bootstrap then overstates
 * their error, by up to √3 (Fréchet and the Wasserstein distances; energy distance and MMD are corrected).
 */
import { DomainError, fold, type Key, requireInteger, requireKey, shown, uniform } from '@diff/core';
import type { BootstrapOptions, Estimate } from './estimate.ts';
import { shuffledRows } from './shuffled-rows.ts';

export interface Bootstrap {
  readonly resamples: number;
  readonly level: number;
  /** The counts a [n] of resample r of one side. */
  counts(side: 'samples' | 'reference', r: number, n: number): Promise<Uint16Array>;
  /** Half-sample r of one side: 1 for ⌊n/2⌋ of the rows, drawn without replacement, 0 for the others [n]. */
  half(side: 'samples' | 'reference', r: number, n: number): Promise<Uint8Array>;
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
    half: async (side, r, n) => {
      const rows = await shuffledRows(fold(keys[side], r), n);
      const kept = new Uint8Array(n);
      for (const i of rows.subarray(0, n >> 1)) kept[i] = 1;
      return kept;
    },
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
  const low = cut(value + quantile(deviations, tail));
  const high = cut(value + quantile(deviations, 1 - tail));
  return { standardError, interval: [low, high] };
}
