import * as core from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { simdInfo } from '../src/index.ts';

beforeAll(() => tf.setBackend('simd'));

/** Runs `step` so often; the mark after a tenth of the steps, and at the end. */
function marks(steps: number, step: (i: number) => void): [early: object, late: object] {
  const now = () => ({ ...simdInfo().memory, inUse: 0, tensors: tf.memory().numTensors });
  let early = {};
  for (let i = 1; i <= steps; i++) {
    step(i);
    if (i === steps / 10) early = now();
  }
  return [early, now()];
}

// A million steps of a whole sampler: npm run memory.
it('10⁴ steps of sampling need the memory of 10³', () => {
  const { blocks } = simdInfo().memory;
  const centres = tf.tensor2d([
    [2, 0],
    [-2, 1],
  ]);
  let x = core.normal(core.key(1), [8, 2]);
  const [early, late] = marks(10_000, (i) => {
    const { mean, logDensity } = core.softmaxMean(x as tf.Tensor2D, centres, {
      variance: 0.3,
      noiseVariance: 0.1,
    });
    const next = core.combine(
      [
        [0.99, x],
        [0.01, mean],
      ],
      { noise: [0.05, core.fold(core.key(2), i)] },
    );
    tf.dispose([x, mean, logDensity]);
    x = next;
  });
  expect(late).toEqual(early);
  expect(x.dataSync().every(Number.isFinite)).toBe(true);
  tf.dispose([x, centres]);
  expect(simdInfo().memory.blocks).toBe(blocks);
});

it('1000 steps of training need the memory of 100, also when batches change their size', () => {
  const { blocks } = simdInfo().memory;
  const data = core.normal(core.key(3), [40, 3]) as tf.Tensor2D;
  const initial = tf.tidy(() => tf.mul(0.1, core.normal(core.key(4), [3, 3])));
  const weights = tf.variable(initial) as tf.Variable<tf.Rank.R2>;
  const optimizer = tf.train.adam(1e-3);
  const [early, late] = marks(1000, (i) => {
    optimizer.minimize(() => {
      const batch = tf.slice(data, [i % 20, 0], [1 + (i % 17), 3]);
      return tf.mean(tf.square(tf.sub(tf.tanh(tf.matMul(batch, weights)), batch)));
    });
  });
  expect(late).toEqual(early);
  optimizer.dispose();
  tf.dispose([data, initial, weights]);
  expect(simdInfo().memory.blocks).toBe(blocks);
});
