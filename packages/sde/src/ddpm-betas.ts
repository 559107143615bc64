/**
 * Tables β_1 … β_N of the DDPM chain x_i = √(1−β_i) x_{i−1} + √β_i z.
 *
 *   linear        equally spaced from betaStart to betaEnd                  (Ho, Jain & Abbeel 2020)
 *   scaledLinear  √β equally spaced                                         (latent diffusion)
 *   cosine        β_i = min(1 − ᾱ(i/N)/ᾱ((i−1)/N), maxBeta), ᾱ(u) = cos²((π/2)(u + s)/(1 + s))   (Nichol & Dhariwal)
 *
 * As floats these are the tables of diffusers' `linear`, `scaled_linear` and `squaredcos_cap_v2`.
 */
import { DomainError, requireFinite, requireInteger, requireOneOf, shown } from '@diff/core';
import { requireBetas } from './table-schedule.ts';

export type DdpmBetasOptions =
  | {
      /** Default 'linear'. */
      readonly schedule?: 'linear' | 'scaledLinear';
      /** Number of steps N; default 1000. */
      readonly steps?: number;
      /** β_1; default 1e-4 (linear), 8.5e-4 (scaledLinear). */
      readonly betaStart?: number;
      /** β_N; default 0.02 (linear), 0.012 (scaledLinear). */
      readonly betaEnd?: number;
    }
  | {
      readonly schedule: 'cosine';
      readonly steps?: number;
      /** s; default 0.008. */
      readonly offset?: number;
      /** Cap of β_i; default 0.999. */
      readonly maxBeta?: number;
    };

function cosineBetas(steps: number, offset: number, maxBeta: number): number[] {
  requireFinite('ddpmBetas', 'offset', offset);
  const bar = (u: number): number => Math.cos((((u + offset) / (1 + offset)) * Math.PI) / 2) ** 2;
  return Array.from({ length: steps }, (_, i) =>
    Math.min(1 - bar((i + 1) / steps) / bar(i / steps), maxBeta),
  );
}

/**
 * β_1 … β_N.
 *
 * @returns steps numbers in (0, 1).
 * @throws DomainError
 * @example
 * ```ts
 * import { ddpmBetas } from '@diff/sde';
 * const betas = ddpmBetas({ schedule: 'linear', steps: 1000, betaStart: 1e-4, betaEnd: 0.02 });
 * ```
 */
export function ddpmBetas(options: DdpmBetasOptions = {}): readonly number[] {
  const where = 'ddpmBetas';
  const schedule = requireOneOf(where, 'schedule', options.schedule ?? 'linear', [
    'linear',
    'scaledLinear',
    'cosine',
  ]);
  const steps = requireInteger(where, 'steps', options.steps ?? 1000, 1);
  let betas: number[];
  if (options.schedule === 'cosine') {
    betas = cosineBetas(steps, options.offset ?? 0.008, options.maxBeta ?? 0.999);
  } else {
    const [start, end] = schedule === 'linear' ? [1e-4, 0.02] : [8.5e-4, 0.012];
    const { betaStart = start, betaEnd = end } = options;
    if (!(betaStart > 0 && betaStart <= betaEnd)) {
      throw new DomainError(
        `${where}: betaStart must lie in (0, betaEnd] = (0, ${betaEnd}], got ${shown(betaStart)}. Noise grows along the chain.`,
      );
    }
    const between = (a: number, b: number): number[] =>
      Array.from({ length: steps }, (_, i) => (steps === 1 ? a : a + (i * (b - a)) / (steps - 1)));
    betas =
      schedule === 'linear'
        ? between(betaStart, betaEnd)
        : between(Math.sqrt(betaStart), Math.sqrt(betaEnd)).map((root) => root * root);
  }
  requireBetas(where, betas);
  return Object.freeze(betas);
}

/**
 * The table rescaled so that the last state is pure noise: √ᾱ is shifted to 0 at N and scaled to keep its first
 * value (Lin et al., "Common diffusion noise schedules and sample steps are flawed", 2024). Its last β is 1.
 *
 * @example
 * ```ts
 * import { ddpmBetas, ddpmChain, rescaleToZeroTerminalSnr } from '@diff/sde';
 * const betas = rescaleToZeroTerminalSnr(ddpmBetas({ schedule: 'scaledLinear' }));
 * console.log(betas.at(-1)); // 1
 * ```
 */
export function rescaleToZeroTerminalSnr(betas: readonly number[]): readonly number[] {
  requireBetas('rescaleToZeroTerminalSnr', betas);
  let product = 1;
  const roots = betas.map((b) => {
    product *= 1 - b;
    return Math.sqrt(product);
  });
  const [first, last] = [roots[0]!, roots.at(-1)!];
  const bars = roots.map((root) => (((root - last) * first) / (first - last)) ** 2);
  return Object.freeze(bars.map((bar, i) => 1 - (i === 0 ? bar : bar / bars[i - 1]!)));
}
