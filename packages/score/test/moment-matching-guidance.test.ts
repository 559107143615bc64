/** Moment matching: on Gaussian data of any covariance the guided score is that of the exact posterior. */
import { key, normal } from '@diff/core';
import {
  defineModel,
  type ExactModel,
  gaussian,
  gaussianMixture,
  linearObservation,
  maskedObservation,
  momentMatchingGuidance,
  nonlinearObservation,
  type Observation,
  observedGaussianMixture,
  PREDICTION_KINDS,
  type PredictionKind,
  pseudoinverseGuidance,
  type ScoreModel,
} from '@diff/score';
import { edm, ornsteinUhlenbeck } from '@diff/sde';
import { expectClose } from '@diff/testkit';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, test } from 'vitest';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const process = ornsteinUhlenbeck({ theta: 1, mu: 0.5, sigma: 1.2, T: 4 });
const mean = [1, -0.5, 0.3];
const covariance = [
  [1, 0.7, -0.2],
  [0.7, 0.9, 0.1],
  [-0.2, 0.1, 0.4],
];
const noiseVariance = 0.05;
const prior = (kind: PredictionKind): ExactModel => gaussian({ process, mean, covariance, kind });
const posterior = (matrix: readonly number[][], observation: readonly number[]): ExactModel =>
  observedGaussianMixture({
    process,
    means: [mean],
    covariances: [covariance],
    matrix,
    observation,
    noiseVariance,
  });
const x = tf.tensor2d([
  [0.2, 0.1, -1],
  [1.3, -0.4, 0.6],
]);
const numbers = async (y: tf.Tensor | Promise<tf.Tensor>): Promise<number[]> =>
  Array.from(await (await y).data());
const close = (actual: readonly number[], expected: readonly number[], room = 5e-4): void =>
  expectClose(actual, expected, { absolute: room, relative: room });

/** The third row is the sum of the others, but not its value: with r² there are three eigenvalues, and three steps. */
const matrix = [
  [1, 0.5, 0],
  [0, -0.7, 1.2],
  [1, -0.2, 1.2],
];
const values = [0.4, -0.2, 0.3];
const observations: readonly (readonly [string, number, number[][], number[], () => Observation])[] = [
  ['a matrix of rank 2', 3, matrix, values, () => linearObservation({ matrix, values })],
  ['a step too many', 5, matrix, values, () => linearObservation({ matrix, values })],
  ['one row', 1, [[3, 0, 4]], [2], () => linearObservation({ matrix: [[3, 0, 4]], values: [2] })],
  [
    'a mask',
    2,
    [
      [1, 0, 0],
      [0, 0, 1],
    ],
    [0.7, -1],
    () => maskedObservation({ mask: tf.tensor1d([1, 0, 1]), known: tf.tensor1d([0.7, 99, -1]) }),
  ],
];

describe.each(observations)('%s', (_name, iterations, a, y, make) => {
  test.each(PREDICTION_KINDS)('is the exact posterior of correlated Gaussian data: %s', async (kind) => {
    const observation = make();
    const guided = momentMatchingGuidance({ model: prior(kind), observation, noiseVariance, iterations });
    expect(guided.kind).toBe(kind);
    for (const t of [0.02, 0.3, 1, 4]) {
      close(await numbers(guided.score(x, t)), await numbers(posterior(a, y).score(x, t)));
    }
    const t = tf.tensor1d([0.3, 2]);
    close(await numbers(guided.score(x, t)), await numbers(posterior(a, y).score(x, t)));
  });
});

test('at noise a thousand times the data it keeps its digits', async () => {
  const wide = edm({ T: 1000 });
  const model = gaussian({ process: wide, mean, covariance, kind: 'data' });
  const exact = observedGaussianMixture({
    process: wide,
    means: [mean],
    covariances: [covariance],
    matrix,
    observation: values,
    noiseVariance,
  });
  const guided = momentMatchingGuidance({
    model,
    observation: linearObservation({ matrix, values }),
    noiseVariance,
    iterations: 3,
  });
  const far = tf.mul(x, 700);
  close(await numbers(guided.denoise(far, 1000)), await numbers(exact.denoise(far, 1000)));
});

test('one step is the best multiple of the gradient, by hand; each costs one evaluation', async () => {
  let evaluations = 0;
  const slope = [
    [0.5, 0.2],
    [0.2, 0.3],
  ];
  const model = defineModel({
    process,
    kind: 'data',
    predict: (state) => {
      evaluations++;
      return tf.matMul(state as tf.Tensor2D, tf.tensor2d(slope));
    },
  });
  const observation = maskedObservation({ mask: tf.ones([2]), known: tf.tensor1d([1, -1]) });
  const t = 0.7;
  const gamma = process.sigma(t) ** 2 / process.alpha(t);
  const at = [0.4, 0.8];
  const times = (v: readonly number[]): number[] => slope.map((row) => row[0]! * v[0]! + row[1]! * v[1]!);
  const data = times(at);
  const b = [1 - data[0]!, -1 - data[1]!];
  const pulled = times(b);
  const image = b.map((v, i) => noiseVariance * v + gamma * pulled[i]!);
  const rate = (b[0]! ** 2 + b[1]! ** 2) / (b[0]! * image[0]! + b[1]! * image[1]!);
  for (const [iterations, weight] of [
    [1, 1],
    [1, 0.4],
    [3, 1],
  ] as const) {
    evaluations = 0;
    const guided = momentMatchingGuidance({ model, observation, noiseVariance, iterations, weight });
    const actual = await numbers(guided.predict(tf.tensor2d([at]), t));
    expect(evaluations).toBe(iterations);
    if (iterations === 1) {
      const expected = data.map((v, i) => v + weight * gamma * rate * pulled[i]!);
      close(actual, expected, 1e-5);
    }
  }
});

test('a Jacobian that is no covariance does not turn the step around', async () => {
  const model = defineModel({ process, kind: 'data', predict: (state) => tf.mul(state, -0.5) });
  const known = [1, 2, 3];
  const t = 0.7;
  const guided = momentMatchingGuidance({
    model,
    observation: maskedObservation({ mask: tf.ones([3]), known: tf.tensor1d(known) }),
    noiseVariance,
  });
  // As if V were 0: Jᵀ(y − x̂0)/r².
  const gamma = process.sigma(t) ** 2 / process.alpha(t);
  const expected = (await numbers(x)).map(
    (v, i) => -0.5 * v + (gamma * -0.5 * (known[i % 3]! + 0.5 * v)) / noiseVariance,
  );
  close(await numbers(guided.predict(x, t)), expected, 1e-5);
});

test('a row that agrees with what was seen stays as it is', async () => {
  const model = defineModel({ process, kind: 'data', predict: (state) => tf.mul(state, 0.5) });
  const guided = momentMatchingGuidance({
    model,
    observation: maskedObservation({ mask: tf.ones([3]), known: tf.tensor1d([0.1, 0.05, -0.5]) }),
    noiseVariance,
    iterations: 3,
  });
  const actual = await numbers(guided.predict(x, 1));
  expect(actual.every(Number.isFinite)).toBe(true);
  close(actual.slice(0, 3), [0.1, 0.05, -0.5], 1e-6);
});

test('where the posterior of two modes is, it is nearer to its score than with one variance for all', async () => {
  const options = {
    process,
    means: [
      [1, 1],
      [-1, -1],
    ],
    variance: 0.05,
  };
  const seen = { matrix: [[1, 0]], values: [0.8] };
  const exact = observedGaussianMixture({
    ...options,
    matrix: seen.matrix,
    observation: seen.values,
    noiseVariance: 0.09,
  });
  const common = {
    model: gaussianMixture(options),
    observation: linearObservation(seen),
    noiseVariance: 0.09,
  };
  for (const t of [0.02, 0.1, 0.3, 0.5, 0.8]) {
    const { alpha, sigma, mean: centre } = process;
    const at = tf.add(
      tf.add(tf.mul(await exact.sample(key(1), 400), alpha(t)), centre(t)),
      tf.mul(normal(key(2), [400, 2]), sigma(t)),
    );
    const gap = async (guided: ScoreModel): Promise<number> => {
      const [p, q] = [await numbers(guided.score(at, t)), await numbers(exact.score(at, t))];
      return Math.sqrt(p.reduce((s, v, i) => s + (v - q[i]!) ** 2, 0) / q.reduce((s, v) => s + v * v, 0));
    };
    const one = await gap(pseudoinverseGuidance({ ...common, dataVariance: 1.05 }));
    const own = await gap(momentMatchingGuidance(common));
    expect(own).toBeLessThan(one);
    if (t === 0.02) expect(own).toBeLessThan(1e-3);
  }
});

test('outside the interval there is one evaluation and no gradient', async () => {
  let evaluations = 0;
  const model = defineModel({
    process,
    kind: 'noise',
    predict: async (state) => {
      evaluations++;
      return tf.mul(state, 0.3);
    },
  });
  const guided = momentMatchingGuidance({
    model,
    observation: linearObservation({ matrix, values }),
    noiseVariance,
    iterations: 4,
    interval: { upTo: process.sigma(1) / process.alpha(1) },
  });
  for (const t of [1.1, tf.tensor1d([1.1, 3])]) {
    evaluations = 0;
    expect(await numbers(guided.predict(x, t))).toEqual(await numbers(tf.mul(x, 0.3)));
    expect(evaluations).toBe(1);
  }
});

test('no tensor is left behind, also when something throws', async () => {
  const observation = linearObservation({ matrix, values });
  let calls = 0;
  const failing = defineModel({
    process,
    kind: 'noise',
    predict: (state) => {
      calls++;
      if (calls % 2 === 0) throw new Error('broken');
      return tf.clone(state);
    },
  });
  const t = tf.tensor1d([0.2, 0.7]);
  const before = tf.memory().numTensors;
  for (const time of [0.5, t]) {
    const good = momentMatchingGuidance({ model: prior('noise'), observation, noiseVariance, iterations: 3 });
    (await good.predict(x, time)).dispose();
    const bad = momentMatchingGuidance({ model: failing, observation, noiseVariance, iterations: 3 });
    calls = 0;
    await expect((async () => bad.predict(x, time))()).rejects.toThrow('broken');
  }
  expect(tf.memory().numTensors).toBe(before);
});

test('bad input is refused in words', () => {
  const good = { model: prior('noise'), observation: linearObservation({ matrix, values }), noiseVariance };
  const refused = (options: object, message: string): void =>
    expect(() => momentMatchingGuidance({ ...good, ...options })).toThrow(message);
  refused(
    { noiseVariance: -1 },
    'momentMatchingGuidance: noiseVariance must be a positive finite number, got -1.',
  );
  refused({ iterations: 0 }, 'momentMatchingGuidance: iterations must be');
  refused({ observation: undefined }, 'momentMatchingGuidance: observation must be an observation');
  refused(
    { observation: nonlinearObservation({ forward: (data) => tf.square(data), values: tf.scalar(1) }) },
    "momentMatchingGuidance: observation must be linear, got 'nonlinearObservation'.",
  );
  refused({ weight: '1' }, "momentMatchingGuidance: weight must be a finite number, got '1'");
});
