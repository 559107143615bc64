import { simdInfo } from '@diff/backend-simd';
import { type Key, key } from '@diff/core';
import { energyDistance } from '@diff/metrics';
import { heun, type Sampler, sample } from '@diff/samplers';
import { gaussianMixture, type ScoreModel } from '@diff/score';
import { edm, karrasGrid, type LinearProcess } from '@diff/sde';

const run: Key = key(1);
const process: LinearProcess = edm();
const model: ScoreModel = gaussianMixture({ process, means: [[0, 1]], variance: 0.25 });
const sampler: Sampler = heun();
const samples = await sample({
  model,
  sampler,
  grid: karrasGrid({ process, steps: 10, end: 0 }),
  shape: [4, 2],
  key: run,
});
const rows: number = samples.shape[0]!;
export const report: { rows: number; distance: number } = {
  rows,
  distance: (await energyDistance(samples, samples)).value,
};
export const info: ReturnType<typeof simdInfo> = simdInfo();
