/**
 * One of the steps that a sampler makes within a step of the run. The predictions that it asked for are freed when it is
 * over, so that memory does not grow with the number of inner steps; the driver would keep them until the run's own step
 * is over.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Sampler, StepContext } from './sampler.ts';

/** `sampler.step(context)`, which must not keep a prediction for a later step without cloning it. */
export async function innerStep(sampler: Pick<Sampler, 'step'>, context: StepContext): Promise<tf.Tensor> {
  const made: tf.Tensor[] = [];
  let reached: tf.Tensor | undefined;
  try {
    reached = await sampler.step({
      ...context,
      async predict(x, t) {
        const prediction = await context.predict(x, t);
        made.push(prediction);
        return prediction;
      },
    });
    return reached;
  } finally {
    tf.dispose(made.filter((prediction) => prediction !== reached));
  }
}
