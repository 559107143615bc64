/** All cases, in the order in which they run. */
import type { BenchCase } from './bench-case.ts';
import { convolutionCases } from './convolution.ts';
import { diffusionOpCases } from './diffusion-ops.ts';
import { digitsMlp } from './digits-mlp.ts';
import { elementwiseCases } from './elementwise.ts';
import { matmulCases } from './matmul.ts';
import { metricCases } from './metrics.ts';
import { reductionCases } from './reductions.ts';
import { growthCases, samplingCases } from './sampling.ts';
import { trainingCase } from './training-step.ts';
import { unet } from './unet.ts';

export const CASES: readonly BenchCase[] = [
  ...matmulCases,
  ...elementwiseCases,
  ...reductionCases,
  ...convolutionCases,
  ...diffusionOpCases,
  ...samplingCases,
  trainingCase(digitsMlp),
  trainingCase(unet),
  ...metricCases,
  ...growthCases,
];

/** The case of that id. */
export function caseOf(id: string): BenchCase {
  const found = CASES.find((c) => c.id === id);
  if (!found) throw new RangeError(`caseOf: the id must be one of the suite's, got '${id}'. Look at --list.`);
  return found;
}
