/**
 * `sample`: from noise at grid[0] to data at the end of the grid.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { checkRun } from './check-run.ts';
import { startRun } from './run.ts';
import type { SampleOptions } from './sample-options.ts';

/**
 * Draws samples from a score model.
 *
 * The state starts at prior.mean + prior.std·ξ (or `initial`) and makes one step of the sampler for each interval of
 * the grid. Everything random is named by (key, step, row), so the same key gives the same samples, and rows
 * `firstRow … firstRow + n − 1` are the same whether drawn alone or in a larger batch (with a model that treats rows
 * independently). Memory does not grow with the number of steps.
 *
 * @returns [n, …event] at the grid's last time, owned by the caller.
 * @throws ShapeError, DomainError before the first evaluation, for options that cannot work; NumericalError if the
 *   model returns NaN or infinity, naming step, time and model (found without stopping the loop, so up to a few
 *   steps later); the signal's reason if aborted; whatever the model throws.
 * @example
 * ```ts
 * import { key } from '@diff/core';
 * import { heun, sample } from '@diff/samplers';
 * import { defineModel } from '@diff/score';
 * import { edm } from '@diff/sde';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * // data ~ N(0, I): the best denoiser is x / (1 + σ²), and σ(t) = t
 * const model = defineModel({
 *   process: edm({ T: 80 }),
 *   kind: 'data',
 *   predict: (x, t) => tf.div(x, tf.add(1, tf.square(t))),
 * });
 * const samples = await sample({
 *   model,
 *   sampler: heun(),
 *   grid: [80, 20, 5, 1, 0.2, 0],
 *   shape: [1000, 2],
 *   key: key(7),
 *   onStep: ({ step, steps }) => console.log(`${step}/${steps}`),
 * });
 * ```
 */
export async function sample(options: SampleOptions): Promise<tf.Tensor> {
  checkRun('sample', options);
  options.signal?.throwIfAborted();
  const run = startRun('sample', options);
  try {
    while (run.step < run.steps) await run.advance();
    return run.take();
  } finally {
    await run.close();
  }
}
