/** The recorded numbers: `fixtures/golden/*.json`, whose `meta.source` says which programs made them. */
import { readFileSync } from 'node:fs';

export interface OneDimensionalCase {
  readonly kind: string;
  readonly X: number[];
  readonly Y: number[];
  readonly wX?: number[];
  readonly wY?: number[];
  readonly W2_squared: number;
  readonly W1: number;
  readonly energy_distance_scipy_sqrt?: number;
  readonly ks?: number;
  readonly ks_p_exact?: number;
}

interface MmdValues {
  readonly h: number;
  readonly biased: number;
  readonly unbiased: number;
}

export interface PairCase {
  readonly kind: string;
  readonly X: number[][];
  readonly Y: number[][];
  readonly 'mmd2_h0.5': MmdValues;
  readonly 'mmd2_h1.0': MmdValues;
  readonly 'mmd2_h2.0': MmdValues;
  readonly energy_V: number;
  readonly energy_U: number;
  readonly projections: number[][];
  readonly sliced_W2_squared?: number;
  readonly pot_sliced_W2: number;
  readonly frechet_ddof0: number;
  readonly frechet_ddof1: number;
}

export interface GaussianCase {
  readonly d: number;
  readonly m1: number[];
  readonly C1: number[][];
  readonly m2: number[];
  readonly C2: number[][];
  readonly W2_squared: number;
  readonly KL_1_2: number;
  readonly KL_2_1: number;
  readonly fisher_div_E1_norm2_score_diff: number;
}

function cases<T>(name: string): T[] {
  const file = new URL(`../fixtures/golden/${name}.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { cases: T[] }).cases;
}

const samples: (OneDimensionalCase | PairCase)[] = cases('sample-metrics');
export const oneDimensional: OneDimensionalCase[] = samples.filter((c) => 'W1' in c);
export const pairs: PairCase[] = samples.filter((c) => 'energy_V' in c);
export const gaussians: GaussianCase[] = cases('gaussian-distances');
