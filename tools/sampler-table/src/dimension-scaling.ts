/**
 * How many evaluations a given W₂ takes on Gaussian data as the dimension grows, without sampling: a run on data with
 * independent coordinates N(0, v_j) is a product of runs on the line, whose laws `lawOf` knows exactly, so
 *
 *   W₂² = (d/3) Σ_{v ∈ VARIANCES} ((std_N(v) − std_δ(v))² + …)
 *
 * against the law at time δ where the grid ends, from N(0, I) at time T under dX = −X dt + √2 dB: discretisation and a
 * finite horizon, not early stopping. N is found by bisection.
 */
import { dpmSolver, dpum, exponentialIntegrator, heun, probabilityFlow, type Sampler } from '@diff/samplers';
import { bbddGrid, canonicalOu } from '@diff/sde';
import { lawOf, marginal, w2Squared } from './gaussian-law.ts';

/** Variances of the coordinates, a third of them each. */
const VARIANCES = [0.05, 0.25, 4] as const;
export const DIMENSIONS = [1, 2, 4, 8, 16, 32, 64, 128, 256] as const;
export const ACCURACY = 0.1;
const HORIZON = 7;
const DELTA = 1e-3;

const process = canonicalOu({ T: HORIZON });

export interface ScalingMethod {
  readonly name: string;
  readonly make: () => Sampler;
}

export const SCALING_METHODS: readonly ScalingMethod[] = [
  { name: 'EI, score held, b = 1 (BBDD)', make: () => exponentialIntegrator({ hold: 'score' }) },
  { name: 'EI, data held, b = 1 (DDPM)', make: () => exponentialIntegrator({ hold: 'data' }) },
  { name: 'EI, score held, b = 0', make: () => probabilityFlow({ hold: 'score' }) },
  { name: 'DPUM', make: () => dpum() },
  { name: 'DPM-Solver++(2M)', make: () => dpmSolver() },
  { name: 'Heun', make: () => heun() },
];

/** W₂² per coordinate at that number of steps. */
async function perCoordinate({ make }: ScalingMethod, steps: number): Promise<number> {
  const grid = bbddGrid({ process, steps, end: DELTA });
  let sum = 0;
  for (const variance of VARIANCES) {
    const data = { mean: 0, variance };
    const law = await lawOf({ sampler: make(), process, data, grid, initial: { mean: 0, variance: 1 } });
    sum += w2Squared(law, marginal(process, data, DELTA)) / VARIANCES.length;
  }
  return sum;
}

export interface Scaling {
  readonly name: string;
  /** Evaluations for each of `DIMENSIONS`. */
  readonly nfe: readonly number[];
  /** Slope of log evaluations against log d over the last four doublings. */
  readonly slope: number;
}

/** The least number of steps whose W₂ is at most `ACCURACY` in each dimension, as evaluations. */
export async function scalingOf(method: ScalingMethod): Promise<Scaling> {
  const known = new Map<number, number>();
  const errorAt = async (steps: number): Promise<number> => {
    const found = known.get(steps) ?? (await perCoordinate(method, steps));
    known.set(steps, found);
    return found;
  };
  const sampler = method.make();
  const nfe: number[] = [];
  for (const d of DIMENSIONS) {
    const allowed = ACCURACY ** 2 / d;
    let [low, high] = [1, 4];
    while ((await errorAt(high)) > allowed) [low, high] = [high, 2 * high];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if ((await errorAt(middle)) > allowed) low = middle;
      else high = middle;
    }
    nfe.push(sampler.nfe(high));
  }
  return { name: method.name, nfe, slope: Math.log2(nfe.at(-1)! / nfe.at(-5)!) / 4 };
}
