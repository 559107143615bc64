/**
 * Runs of other programs come with the noise that they drew. This stands in for `@diff/core` in a test so that the
 * keys of a run yield recorded draws: the samplers under test are the production ones, to the last line.
 *
 *   vi.mock('@diff/core', async (original) => recordedCore(await original()));
 */
import type * as Core from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';

const recorded = new Map<string, readonly (readonly number[])[]>();
const name = (key: Core.Key): string => key.words.join();

/** From now on `key` yields these draws. */
export function record(key: Core.Key, draws: readonly (readonly number[])[]): void {
  recorded.set(name(key), draws);
}

/** Forgets all recordings. */
export function forget(): void {
  recorded.clear();
}

function drawsOf(key: Core.Key, shape: readonly number[]): tf.Tensor {
  const draws = recorded.get(name(key));
  if (!draws) throw new Error('this key has no recorded noise');
  return tf.tensor(draws.slice(0, shape[0]).flat(), [...shape]);
}

export function recordedCore(actual: typeof Core): typeof Core {
  return {
    ...actual,
    normal: (key, shape) => drawsOf(key, shape),
    combine: (terms, options = {}) => {
      const { noise, ...rest } = options;
      if (!noise) return actual.combine(terms, options);
      return tf.tidy(() =>
        actual.combine([...terms, [noise[0], drawsOf(noise[1], terms[0]![1].shape)]], rest),
      );
    },
  };
}
