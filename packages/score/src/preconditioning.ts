/**
 * Preconditioning: how a network F, whose input and output should have unit scale, becomes a denoiser
 *
 *   D(x) = c_skip (x − m) + c_out F(c_in (x − m), c_noise)  ≈ E[X₀ | X_t = x].
 *
 * With y = (x − m)/α and ς = σ/α every linear process is variance exploding, so the published formulas, which are
 * for y and ς, serve all of them: c_skip and c_in here are those divided by α (written so that they stay finite at
 * α = 0 where the published choice does).
 *
 *   edm       σ_d²/(ς²+σ_d²), ς σ_d/√(ς²+σ_d²), 1/√(ς²+σ_d²), ln(ς)/4     Karras et al. 2022, table 1
 *   vp        1, −ς, 1/√(ς²+1), 999·t_VP(ς)                                the same; β from 0.1 to 20
 *   ve        1, ς, 1, ln(ς/2)                                             the same
 *   iddpm     1, −ς, 1/√(ς²+1), 999 − nearest index of ς                   the same; cosine schedule, 1000 steps
 *   score, noise, data, velocity: F is that prediction itself (MATH §3), its input x − m over √(σ_d²α²+σ²), c_noise = t
 */
import { DomainError, requireOneOf, requirePositive, shown } from '@diff/core';

/** The state of the forward process that scalings may depend on. */
export interface NoiseState {
  readonly t: number;
  readonly alpha: number;
  readonly sigma: number;
}

/** D = skip·(x − m) + out·F(input·(x − m), noiseLevel). */
export interface Scalings {
  readonly skip: number;
  readonly out: number;
  readonly input: number;
  readonly noiseLevel: number;
}

/** Names of the built-in choices. */
export const PRECONDITIONINGS = ['edm', 'vp', 've', 'iddpm', 'score', 'noise', 'data', 'velocity'] as const;
export type PreconditioningName = (typeof PRECONDITIONINGS)[number];

/** A rule that gives the scalings at each noise state, in float64. */
export interface Preconditioning {
  readonly name: string;
  /** Standard deviation of the data that it assumes. */
  readonly sigmaData: number;
  scalings(state: NoiseState): Scalings;
}

/** ς kept off 0 and ∞, so that its logarithm is finite; nothing is sampled or trained out there. */
const ratioOf = ({ alpha, sigma }: NoiseState): number =>
  Math.min(1e30, Math.max(1e-30, alpha > 0 ? sigma / alpha : Number.POSITIVE_INFINITY));

const VP_BETA_MIN = 0.1;
const VP_BETA_RANGE = 19.9;

function vpTime(ratio: number): number {
  const b = Math.sqrt(VP_BETA_MIN ** 2 + 2 * VP_BETA_RANGE * Math.log1p(ratio ** 2));
  return (b - VP_BETA_MIN) / VP_BETA_RANGE;
}

const IDDPM_STEPS = 1000;
let iddpmTable: Float64Array | undefined;

/** ς of the 1000 steps of improved DDPM's cosine schedule, descending to 0 at index 1000. */
function iddpmRatios(): Float64Array {
  if (iddpmTable) return iddpmTable;
  const alphaBar = (j: number): number => Math.sin((0.5 * Math.PI * j) / IDDPM_STEPS / (0.008 + 1)) ** 2;
  const u = new Float64Array(IDDPM_STEPS + 1);
  for (let j = IDDPM_STEPS; j > 0; j--) {
    u[j - 1] = Math.sqrt((u[j]! ** 2 + 1) / Math.max(alphaBar(j - 1) / alphaBar(j), 0.001) - 1);
  }
  iddpmTable = u;
  return u;
}

function iddpmIndex(ratio: number): number {
  const u = iddpmRatios();
  let low = 0;
  let high = IDDPM_STEPS;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (u[middle]! >= ratio) low = middle;
    else high = middle;
  }
  return u[low]! - ratio <= ratio - u[high]! ? low : high;
}

type Rule = (state: NoiseState, sigmaData: number) => Scalings;

/** Input scaling of unit variance for data of standard deviation σ_d. */
const unitInput = ({ alpha, sigma }: NoiseState, sigmaData: number): number =>
  1 / Math.hypot(sigma, alpha * sigmaData);

const RULES: Readonly<Record<PreconditioningName, Rule>> = {
  edm: (state, d) => {
    const { alpha, sigma } = state;
    const input = unitInput(state, d);
    return {
      skip: alpha * d * d * input * input,
      out: sigma * d * input,
      input,
      noiseLevel: Math.log(ratioOf(state)) / 4,
    };
  },
  vp: (state) => ({
    skip: 1 / state.alpha,
    out: -state.sigma / state.alpha,
    input: unitInput(state, 1),
    noiseLevel: (IDDPM_STEPS - 1) * vpTime(ratioOf(state)),
  }),
  ve: (state) => ({
    skip: 1 / state.alpha,
    out: state.sigma / state.alpha,
    input: 1 / state.alpha,
    noiseLevel: Math.log(ratioOf(state) / 2),
  }),
  iddpm: (state) => ({
    skip: 1 / state.alpha,
    out: -state.sigma / state.alpha,
    input: unitInput(state, 1),
    noiseLevel: IDDPM_STEPS - 1 - iddpmIndex(ratioOf(state)),
  }),
  score: (state, d) => ({
    skip: 1 / state.alpha,
    out: state.sigma ** 2 / state.alpha,
    input: unitInput(state, d),
    noiseLevel: state.t,
  }),
  noise: (state, d) => ({
    skip: 1 / state.alpha,
    out: -state.sigma / state.alpha,
    input: unitInput(state, d),
    noiseLevel: state.t,
  }),
  data: (state, d) => ({ skip: 0, out: 1, input: unitInput(state, d), noiseLevel: state.t }),
  velocity: (state, d) => {
    const square = state.alpha ** 2 + state.sigma ** 2;
    return {
      skip: state.alpha / square,
      out: -state.sigma / square,
      input: unitInput(state, d),
      noiseLevel: state.t,
    };
  },
};

/**
 * A built-in preconditioning by name, or the given one itself.
 *
 * @param sigmaData standard deviation of the data; default 0.5, EDM's for images in [−1, 1].
 * @throws DomainError for an unknown name or a sigmaData that is not positive.
 * @example
 * ```ts
 * import { preconditioning } from '@diff/score';
 * const rule = preconditioning('edm', 0.5);
 * ```
 */
export function preconditioning(
  choice: PreconditioningName | Preconditioning = 'edm',
  sigmaData = 0.5,
): Preconditioning {
  if (typeof choice === 'object' && choice !== null) {
    if (typeof choice.scalings !== 'function') {
      throw new DomainError(
        `preconditioning: a rule must have a function scalings(state), got ${shown(choice)}. Or pass one of the names, such as 'edm'.`,
      );
    }
    return choice;
  }
  const name = requireOneOf('preconditioning', 'the choice', choice, PRECONDITIONINGS);
  requirePositive('preconditioning', 'sigmaData', sigmaData, 'Pass the standard deviation of the data.');
  return { name, sigmaData, scalings: (state) => RULES[name](state, sigmaData) };
}
