/**
 * Guidance that its authors define by a sampler's step from t to r, as weights w(t) of guidance that knows no steps. With
 * h = λ(r) − λ(t) > 0, so that e^{−h} = σ_r α_t/(α_r σ_t):
 *
 * CFG++ (Chung et al. 2024, "CFG++: manifold-constrained classifier free guidance") takes x̂0 from the guided noise
 * ε̂_∅ + λ (ε̂_c − ε̂_∅) and renoises it by ε̂_∅. In x_r = α_r x̂0 + σ_r ε̂ both are one prediction again,
 *
 *   ε̂_∅ + λ (ε̂_c − ε̂_∅) α_r σ_t/(α_r σ_t − α_t σ_r),      so with `ddim()` it is guidance by   1 + w = λ/(1 − e^{−h}).
 *
 * DPS (Chung et al. 2023, algorithm 1) moves the mean of each ancestral step by −ζ ∇|y − A x̂0(x)|. A change of the score
 * by w moves it by α_r (1 − e^{−2h}) (σ_t²/α_t) w, so with `ddpm()` it is
 *
 *   w = ζ α_t/(α_r σ_t² (1 − e^{−2h})).
 */
import { requireFinite } from '@diff/core';
import { checkGrid, type LinearProcess } from '@diff/sde';

interface StepWeightOptions {
  readonly process: LinearProcess;
  /** The times of the run, descending. */
  readonly grid: readonly number[];
}

export interface PlusPlusWeightOptions extends StepWeightOptions {
  /** λ, in [0, 1] as a rule. */
  readonly scale: number;
}

export interface PerStepWeightOptions extends StepWeightOptions {
  /** ζ, in the units of x. */
  readonly shift: number;
}

/** A weight by the step that begins nearest to t, whose rounding to float32 is thus forgiven. */
function byStep(
  where: string,
  { process, grid }: StepWeightOptions,
  weight: (t: number, r: number, h: number) => number,
): (t: number) => number {
  checkGrid(where, grid);
  const weights = grid
    .slice(1)
    .map((r, k) => weight(grid[k]!, r, process.lambda(r) - process.lambda(grid[k]!)));
  return (t) => {
    const gaps = grid.slice(0, -1).map((start) => Math.abs(start - t));
    return weights[gaps.indexOf(Math.min(...gaps))]!;
  };
}

/**
 * The weight that makes classifier-free guidance CFG++ when `ddim()` goes along the grid.
 *
 * @returns w(t), which belongs to the step that begins at t.
 * @throws DomainError for a scale that is not finite, or a grid that is none of this process.
 * @example
 * ```ts
 * import { classifierFreeGuidance, gaussianMixture, plusPlusWeight } from '@diff/score';
 * import { canonicalOu, logSnrGrid } from '@diff/sde';
 * const process = canonicalOu({ T: 5 });
 * const grid = logSnrGrid({ process, steps: 20, end: 0.01 });
 * const conditional = gaussianMixture({ process, means: [[1], [-1]], labels: [0, 1] });
 * const guided = classifierFreeGuidance({ conditional, weight: plusPlusWeight({ process, grid, scale: 0.6 }) });
 * ```
 */
export function plusPlusWeight({ scale, ...options }: PlusPlusWeightOptions): (t: number) => number {
  requireFinite('plusPlusWeight', 'scale', scale);
  return byStep('plusPlusWeight', options, (_t, _r, h) => -scale / Math.expm1(-h) - 1);
}

/**
 * The weight that makes `diffusionPosterior({ noiseVariance: 'residual' })` move the mean of each step of `ddpm()` by ζ.
 *
 * @returns w(t), which belongs to the step that begins at t.
 * @throws DomainError for a shift that is not finite, or a grid that is none of this process.
 * @example
 * ```ts
 * import { diffusionPosterior, gaussian, linearObservation, perStepWeight } from '@diff/score';
 * import { canonicalOu, logSnrGrid } from '@diff/sde';
 * const process = canonicalOu({ T: 5 });
 * const grid = logSnrGrid({ process, steps: 100, end: 0.01 });
 * const posterior = diffusionPosterior({
 *   model: gaussian({ process, mean: [0, 0] }),
 *   observation: linearObservation({ matrix: [[1, 1]], values: [2] }),
 *   noiseVariance: 'residual',
 *   weight: perStepWeight({ process, grid, shift: 0.05 }),
 * });
 * ```
 */
export function perStepWeight({ shift, ...options }: PerStepWeightOptions): (t: number) => number {
  requireFinite('perStepWeight', 'shift', shift);
  const { process } = options;
  return byStep(
    'perStepWeight',
    options,
    (t, r, h) =>
      (-shift * process.alpha(t)) / (process.alpha(r) * process.sigma(t) ** 2 * Math.expm1(-2 * h)),
  );
}
