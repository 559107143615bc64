/** tfjs on its active backend as a contestant. */
import * as tf from '@tensorflow/tfjs-core';
import { CannotRun, type Contestant } from './session.ts';

/** tfjs on the backend that is active now. */
export function tfjsContestant(): Contestant<tf.Tensor> {
  const backend = tf.getBackend();
  return {
    async prepare(benchCase, inputs) {
      try {
        return await benchCase.prepare(inputs, { backend });
      } catch (error) {
        throw asCannot(error);
      }
    },
    read: async (result) => Float32Array.from(await result.data()),
    free: (result) => result.dispose(),
    // A GPU's queue is empty when the last result has come back; the CPU backends return when they are done.
    ...(backend.startsWith('web') && {
      settle: async (result: tf.Tensor): Promise<void> => {
        await result.data();
      },
    }),
  };
}

/** A missing kernel is a fact about the backend, not a failure of the case. */
export function asCannot(error: unknown): unknown {
  const message = error instanceof Error ? error.message : String(error);
  const missing = /[Kk]ernel '?(\w+)'? not registered/.exec(message);
  return missing ? new CannotRun(`${missing[1]} is not implemented there`) : error;
}
