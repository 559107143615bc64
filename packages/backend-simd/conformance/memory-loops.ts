// The two loops of memory.mjs. `report` is called after each step.
import * as tf from '@tensorflow/tfjs-core';
import { key, normal } from '../../core/src/index.ts';
import { eulerMaruyama, sample } from '../../samplers/src/index.ts';
import { gaussianMixture } from '../../score/src/index.ts';
import { canonicalOu } from '../../sde/src/index.ts';

export { setVariant, simdInfo } from '../src/index.ts';

type Report = (step: number, tensors: number) => void;

export async function sampling(steps: number, report: Report): Promise<void> {
  await tf.setBackend('simd');
  const process = canonicalOu({ T: 3 });
  const model = gaussianMixture({
    process,
    means: [
      [2, 0],
      [-2, 1],
    ],
    weights: [0.3, 0.7],
  });
  const grid = Array.from({ length: steps + 1 }, (_, i) => 3 - (2.99 * i) / steps);
  const samples = await sample({
    model,
    sampler: eulerMaruyama(),
    grid,
    shape: [8, 2],
    key: key(1),
    onStep: ({ step }) => report(step, tf.memory().numTensors),
  });
  const values = await samples.data();
  if (!values.every(Number.isFinite)) throw new Error(`memory: samples must be finite, got ${values}`);
  tf.dispose(samples);
}

export async function training(steps: number, report: Report): Promise<void> {
  await tf.setBackend('simd');
  const x = normal(key(2), [16, 3]);
  const y = tf.tidy(() => tf.sum(tf.sin(x), 1, true));
  const initial = [
    [3, 8],
    [1, 8],
    [8, 1],
  ].map((shape, i) => tf.tidy(() => tf.mul(0.5, normal(key(3 + i), shape))));
  const variables = initial.map((value) => tf.variable(value));
  const [first, bias, second] = variables as [tf.Variable, tf.Variable, tf.Variable];
  const optimizer = tf.train.adam(1e-3);
  for (let step = 1; step <= steps; step++) {
    optimizer.minimize(() => {
      const hidden = tf.tanh(tf.add(tf.matMul(x as tf.Tensor2D, first as tf.Tensor2D), bias));
      return tf.mean(tf.square(tf.sub(tf.matMul(hidden as tf.Tensor2D, second as tf.Tensor2D), y)));
    });
    report(step, tf.memory().numTensors);
  }
  optimizer.dispose();
  tf.dispose([x, y, ...initial, ...variables]);
}
