/** The law behind a distribution that the user chose: a cloud of its points, each blurred into a small Gaussian. */
import { type ExactModel, gaussianMixture } from '@diff/score';
import type { LinearProcess } from '@diff/sde';
import type { Distribution } from '../pages/noise-and-back/options.ts';
import { pointsOf } from '../pages/noise-and-back/shapes.ts';

const CENTRES = 500;
const BLUR = 0.05;

/** The law with its exact score under the process. */
export async function dataLaw(
  { shape, drawn, seed }: Distribution,
  process: LinearProcess,
): Promise<ExactModel> {
  const means = await pointsOf(shape, CENTRES, seed, drawn);
  return gaussianMixture({ process, means, variance: BLUR ** 2 });
}
