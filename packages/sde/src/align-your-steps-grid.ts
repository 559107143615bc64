/**
 * Align Your Steps (Sabour, Fidler & Kreis 2024): noise levels ς = σ/α optimised for three models and ten steps, as the
 * authors published them. Another number of steps interpolates ln ς linearly in the index, as they advise. As in
 * k-diffusion's grids the last level becomes that of `end`.
 */
import { requireOneOf } from '@diff/core';
import { checkGrid, type GridOptions, requireGridOptions } from './grid.ts';
import { timesAt } from './levels-to-times.ts';

const LEVELS = {
  stableDiffusion15: [
    14.6146412293, 6.4745760956, 3.8636745985, 2.694615152, 1.8841921177, 1.3943805092, 0.9642583904,
    0.6523686016, 0.3977456272, 0.1515232662, 0.0291671582,
  ],
  stableDiffusionXl: [
    14.6146412293, 6.3184485287, 3.7681790315, 2.1811480769, 1.3405244945, 0.8620721141, 0.5550693289,
    0.3798540708, 0.2332364134, 0.1114188177, 0.0291671582,
  ],
  stableVideoDiffusion: [700, 54.5, 15.886, 7.977, 4.248, 1.789, 0.981, 0.403, 0.173, 0.034, 0.002],
} as const;

export interface AlignYourStepsGridOptions extends GridOptions {
  /** The model whose levels are taken. */
  readonly model: keyof typeof LEVELS;
}

/** ln-linear interpolation of a descending list at `count` equally spaced places, ends included. */
export function logInterpolated(levels: readonly number[], count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => {
    const place = count === 1 ? 0 : (i / (count - 1)) * (levels.length - 1);
    const low = Math.min(Math.floor(place), levels.length - 2);
    const share = place - low;
    if (share === 0) return levels[low]!;
    if (share === 1) return levels[low + 1]!;
    return levels[low]! * (levels[low + 1]! / levels[low]!) ** share;
  });
}

/**
 * The published levels of a model on any process; options, result and errors as `karrasGrid`. The process must have as
 * much noise as the first level, 14.61, or 700 for video.
 *
 * @example
 * ```ts
 * import { alignYourStepsGrid, ddpmBetas, variancePreserving } from '@diff/sde';
 * const process = variancePreserving({ schedule: 'table', betas: ddpmBetas({ schedule: 'scaledLinear' }), T: 1000 });
 * const grid = alignYourStepsGrid({ process, model: 'stableDiffusion15', steps: 10, end: 0 });
 * ```
 */
export function alignYourStepsGrid(options: AlignYourStepsGridOptions): readonly number[] {
  requireGridOptions('alignYourSteps', options);
  const { process, steps, end } = options;
  const model = requireOneOf('alignYourSteps', 'model', options.model, [
    'stableDiffusion15',
    'stableDiffusionXl',
    'stableVideoDiffusion',
  ]);
  const levels = logInterpolated(LEVELS[model], steps + 1).slice(0, steps);
  return Object.freeze(
    checkGrid('alignYourSteps', timesAt('alignYourSteps', process, levels, end)) as number[],
  );
}
