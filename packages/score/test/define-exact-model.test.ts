/** A law that a user writes: N(0, I), against the model of the same law that comes with the package. */
import { key, normal } from '@diff/core';
import {
  defineExactModel,
  type ExactLaw,
  gaussian,
  type Marginal,
  type Marginals,
  UNCONDITIONAL,
} from '@diff/score';
import { ornsteinUhlenbeck } from '@diff/sde';
import { expectClose } from '@diff/testkit';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, expect, test } from 'vitest';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** One row where all rows share a level, else one row each. */
const column = (levels: Marginals, of: (level: Marginal) => number): tf.Tensor =>
  tf.reshape([levels].flat().map(of), [-1, 1]);
const variance = ({ alpha, sigma }: Marginal): number => alpha ** 2 + sigma ** 2;
const centred = (x: tf.Tensor, levels: Marginals): tf.Tensor =>
  tf.sub(
    x,
    column(levels, (l) => l.mean),
  );

const asked: number[] = [];
const law: ExactLaw = {
  predict: (kind, x, levels) => {
    asked.push(x.shape[0]);
    const gain = {
      data: (l: Marginal) => l.alpha / variance(l),
      noise: (l: Marginal) => l.sigma / variance(l),
      score: (l: Marginal) => -1 / variance(l),
      velocity: () => 0,
    }[kind];
    return tf.mul(centred(x, levels), column(levels, gain));
  },
  logDensity: (x, levels) => {
    const square = tf.div(tf.sum(tf.square(centred(x, levels)), 1, true), column(levels, variance));
    const constant = column(levels, (l) => x.shape[1] * Math.log(2 * Math.PI * variance(l)));
    return tf.reshape(tf.mul(-0.5, tf.add(square, constant)), [-1]);
  },
  posteriorCovariance: (x, levels) => {
    const [n, d] = x.shape;
    const each = tf.mul(
      tf.ones([n, 1]),
      column(levels, (l) => l.sigma ** 2 / variance(l)),
    );
    return tf.mul(tf.reshape(each, [n, 1, 1]), tf.eye(d));
  },
  sample: async (key, n, firstRow) => normal(key, [n, 4], { firstRow }),
  rowElements: 2 ** 21, // two rows at a time
  covarianceRowElements: 0,
};

test('a law of your own gets shapes, times per row, labels and blocks of rows', async () => {
  const process = ornsteinUhlenbeck({ theta: 0.7, mu: 0.4, sigma: 1.3, T: 3 });
  const own = defineExactModel({
    process,
    name: 'own',
    kind: 'velocity',
    eventShape: [2, 2],
    law,
    lawOf: new Map([[0, law]]),
  });
  const known = gaussian({ process, mean: [0, 0, 0, 0] });
  const x = normal(key(1), [5, 2, 2]);
  const flat = tf.reshape(x, [5, 4]);
  const labels = tf.tensor1d([0, UNCONDITIONAL, 0, 0, UNCONDITIONAL], 'int32');
  const before = tf.memory().numTensors;
  const same = async (actual: tf.Tensor, expected: tf.Tensor, shape: number[]): Promise<void> => {
    expect(actual.shape).toEqual(shape);
    expectClose(await actual.data(), await expected.data(), { absolute: 2e-6 });
    tf.dispose([actual, expected]);
  };
  for (const t of [0.8, tf.tensor1d([0.1, 0.5, 1, 2, 3])]) {
    asked.length = 0;
    await same(await own.score(x, t, labels), await known.score(flat, t), [5, 2, 2]);
    expect(Math.max(...asked)).toBe(2);
    await same(await own.predict(x, t), await known.predict(flat, t), [5, 2, 2]);
    await same(await own.noise(x, t), await known.noise(flat, t), [5, 2, 2]);
    await same(await own.posteriorMean(x, t), await known.posteriorMean(flat, t), [5, 2, 2]);
    await same(await own.logDensity(x, t, labels), await known.logDensity(flat, t), [5]);
    await same(await own.posteriorCovariance(x, t), await known.posteriorCovariance(flat, t), [5, 4, 4]);
    if (typeof t !== 'number') t.dispose();
  }
  await same(
    await own.sample(key(2), 3, { firstRow: 1 }),
    normal(key(2), [3, 4], { firstRow: 1 }),
    [3, 2, 2],
  );
  expect(tf.memory().numTensors).toBe(before);
  expect(() =>
    defineExactModel({ process, name: 'own', kind: 'epsilon' as never, eventShape: [4], law }),
  ).toThrow("kind must be one of 'score', 'noise', 'data', 'velocity', got 'epsilon'");
  tf.dispose([x, flat, labels]);
});
