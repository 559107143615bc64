/** Steering by an observation: Gaussian posteriors in closed form are the oracle. */
import {
  classifierFreeGuidance,
  defineModel,
  diffusionPosterior,
  type ExactModel,
  gaussian,
  gaussianMixture,
  linearObservation,
  maskedObservation,
  nonlinearObservation,
  type Observation,
  observedGaussianMixture,
  PREDICTION_KINDS,
  type PredictionKind,
  type PseudoinverseGuidanceOptions,
  pseudoinverseGuidance,
  type ScoreModel,
} from '@diff/score';
import { fromAlphaSigma, ornsteinUhlenbeck } from '@diff/sde';
import { expectClose } from '@diff/testkit';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, test } from 'vitest';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const process = ornsteinUhlenbeck({ theta: 1, mu: 0.5, sigma: 1.2, T: 4 });
const [mean, variance, noiseVariance] = [[1, -0.5, 0.3], 0.6, 0.05];
const prior = (kind: PredictionKind): ExactModel => gaussian({ process, mean, variance, kind });
const posterior = (matrix: readonly number[][], observation: readonly number[]): ExactModel =>
  observedGaussianMixture({ process, means: [mean], variance, matrix, observation, noiseVariance });
const x = tf.tensor2d([
  [0.2, 0.1, -1],
  [1.3, -0.4, 0.6],
]);
const numbers = async (y: tf.Tensor | Promise<tf.Tensor>): Promise<number[]> =>
  Array.from(await (await y).data());
const close = (actual: readonly number[], expected: readonly number[], room = 2e-4): void =>
  expectClose(actual, expected, { absolute: room, relative: room });

/** The third row is the sum of the others. */
const matrix = [
  [1, 0.5, 0],
  [0, -0.7, 1.2],
  [1, -0.2, 1.2],
];
const values = [0.4, -0.2, 0.3];
const identity = [
  [1, 0, 0],
  [0, 0, 1],
];
const observations: readonly (readonly [string, number[][], number[], () => Observation])[] = [
  ['a matrix of rank 2 with 3 rows', matrix, values, () => linearObservation({ matrix, values })],
  ['one row', [[3, 0, 4]], [2], () => linearObservation({ matrix: [[3, 0, 4]], values: [2] })],
  [
    'a mask',
    identity,
    [0.7, -1],
    () =>
      maskedObservation({
        mask: tf.tensor1d([true, false, true], 'bool'),
        known: tf.tensor1d([0.7, 99, -1]),
      }),
  ],
  [
    'a function',
    identity,
    [0.7, -1],
    () =>
      nonlinearObservation({
        forward: (data) => tf.concat([tf.slice(data, [0, 0], [-1, 1]), tf.slice(data, [0, 2], [-1, 1])], 1),
        values: tf.tensor1d([0.7, -1]),
      }),
  ],
];
const times = [0, 0.02, 0.3, 1, 4];
type Guidance = (options: PseudoinverseGuidanceOptions) => ScoreModel;

describe.each(observations)('%s', (_name, a, y, make) => {
  test.each(PREDICTION_KINDS)(
    'pseudoinverse guidance of Gaussian data is the exact posterior: %s',
    async (kind) => {
      const observation = make();
      const guided = pseudoinverseGuidance({
        model: prior(kind),
        observation,
        noiseVariance,
        dataVariance: variance,
      });
      expect(guided.kind).toBe(kind);
      for (const t of kind === 'data' || kind === 'noise' ? times.slice(1) : times) {
        if (t === 0 && kind === 'velocity') continue;
        close(await numbers(guided.score(x, t)), await numbers(posterior(a, y).score(x, t)));
      }
      const t = tf.tensor1d([0.3, 2]);
      close(await numbers(guided.score(x, t)), await numbers(posterior(a, y).score(x, t)));
    },
  );

  test('diffusion posterior sampling: score + Jᵀ Aᵀ (y − A x̂0)/r², J = αv/(α²v + σ²)', async () => {
    const model = prior('data');
    const observation = make();
    for (const weight of [1, (t: number) => 0.5 + t]) {
      const guided = diffusionPosterior({ model, observation, noiseVariance, weight });
      for (const t of [0.02, 0.3, 1, 4]) {
        const [alpha, sigma] = [process.alpha(t), process.sigma(t)];
        const slope = (alpha * variance) / (alpha ** 2 * variance + sigma ** 2);
        const w = typeof weight === 'number' ? weight : weight(t);
        const [score, data] = [await numbers(model.score(x, t)), await numbers(model.predict(x, t))];
        const expected = score.map((s, i) => {
          const row = data.slice(3 * Math.floor(i / 3), 3 * Math.floor(i / 3) + 3);
          const residual = a.map((r, k) => y[k]! - r.reduce((sum, v, j) => sum + v * row[j]!, 0));
          const pull = a.reduce((sum, r, k) => sum + r[i % 3]! * residual[k]!, 0);
          return s + (w * slope * pull) / noiseVariance;
        });
        close(await numbers(guided.score(x, t)), expected);
      }
    }
  });
});

test.each(observations)(
  'by the residual, %s: score + ζ Jᵀ Aᵀ (y − A x̂0)/|y − A x̂0|, row by row',
  async (_name, a, y, make) => {
    const model = prior('data');
    for (const weight of [1, (t: number) => 0.5 + t]) {
      const guided = diffusionPosterior({ model, observation: make(), noiseVariance: 'residual', weight });
      for (const t of [0.02, 0.3, 1, 4]) {
        const [alpha, sigma] = [process.alpha(t), process.sigma(t)];
        const slope = (alpha * variance) / (alpha ** 2 * variance + sigma ** 2);
        const w = typeof weight === 'number' ? weight : weight(t);
        const [score, data] = [await numbers(model.score(x, t)), await numbers(model.predict(x, t))];
        const expected = score.map((s, i) => {
          const row = data.slice(3 * Math.floor(i / 3), 3 * Math.floor(i / 3) + 3);
          const residual = a.map((r, k) => y[k]! - r.reduce((sum, v, j) => sum + v * row[j]!, 0));
          const pull = a.reduce((sum, r, k) => sum + r[i % 3]! * residual[k]!, 0);
          return s + (w * slope * pull) / Math.hypot(...residual);
        });
        close(await numbers(guided.score(x, t)), expected);
      }
    }
  },
);

test('by the residual, a row that agrees with what was seen is left alone', async () => {
  const model = defineModel({ process, kind: 'data', predict: (state) => tf.mul(state, 0.5) });
  const known = tf.tensor1d([0.1, 0.05, -0.5]);
  const observation = maskedObservation({ mask: tf.ones([3]), known });
  const data = await numbers(
    diffusionPosterior({ model, observation, noiseVariance: 'residual' }).predict(x, 1),
  );
  expect(data.every(Number.isFinite)).toBe(true);
  close(data.slice(0, 3), [0.1, 0.05, -0.5], 1e-6);
  expect(Math.abs(data[3]! - 0.65)).toBeGreaterThan(0.1);
});

describe('a limited interval', () => {
  const level = (t: number): number => process.sigma(t) / process.alpha(t);
  const interval = { above: level(0.3), upTo: level(1) };

  test.each([
    [0.3, false],
    [0.31, true],
    [1, true],
    [1.01, false],
  ])('t = %f: steered %s; outside the model alone, also one that answers later', async (t, inside) => {
    let [evaluations, residuals] = [0, 0];
    const observation: Observation = {
      name: 'counted',
      weightedSquares: (data) => {
        residuals++;
        return tf.sum(tf.square(data), 1);
      },
    };
    const model = defineModel({
      process,
      kind: 'noise',
      predict: (state) => {
        evaluations++;
        return tf.mul(state, 0.3);
      },
    });
    const guided = diffusionPosterior({ model, observation, noiseVariance, interval });
    const [actual, plain] = [await numbers(guided.predict(x, t)), await numbers(tf.mul(x, 0.3))];
    expect([evaluations, residuals]).toEqual([1, inside ? 1 : 0]);
    if (inside) expect(actual).not.toEqual(plain);
    else expect(actual).toEqual(plain);
    const later = defineModel({ process, kind: 'noise', predict: async (state) => state });
    const steered = diffusionPosterior({ model: later, observation, noiseVariance, interval });
    const made = (async () => numbers(steered.predict(x, t)))();
    if (inside) await expect(made).rejects.toThrow('the model must answer at once');
    else expect(await made).toEqual(await numbers(x));
  });

  test('rows at times of their own are steered each by its own weight', async () => {
    let evaluations = 0;
    const model = defineModel({
      process,
      kind: 'score',
      predict: (state) => {
        evaluations++;
        return tf.mul(state, -0.3);
      },
    });
    const options = { model, observation: linearObservation({ matrix, values }), noiseVariance };
    const guided = diffusionPosterior({ ...options, interval, weight: (t) => 3 * t });
    const times = tf.tensor1d([3, 0.5]);
    const reference = diffusionPosterior({ ...options, weight: 1.5 });
    const steered = await numbers(reference.score(x, 0.5));
    const plain = await numbers(tf.mul(x, -0.3));
    const actual = await numbers(guided.score(x, times));
    expect(actual.slice(0, 3)).toEqual(plain.slice(0, 3));
    close(actual.slice(3), steered.slice(3), 1e-6);
    evaluations = 0;
    expect(await numbers(guided.score(x, tf.tensor1d([3, 0.1])))).toEqual(plain);
    expect(evaluations).toBe(1);
  });
});

test('on Gaussian data DPS pulls too hard by 1 + ρ²λ/r²', async () => {
  const observation = maskedObservation({ mask: tf.ones([3]), known: tf.tensor1d(values) });
  for (const t of [0.02, 0.3, 2]) {
    const [alpha, sigma] = [process.alpha(t), process.sigma(t)];
    const spread = (variance * sigma ** 2) / (alpha ** 2 * variance + sigma ** 2);
    const pull = async (make: Guidance, more: object): Promise<number[]> => {
      const guided = make({ model: prior('score'), observation, noiseVariance, ...more });
      const [with_, without] = [await numbers(guided.score(x, t)), await numbers(prior('score').score(x, t))];
      return with_.map((v, i) => v - without[i]!);
    };
    const [dps, exact] = [
      await pull(diffusionPosterior, {}),
      await pull(pseudoinverseGuidance, { dataVariance: variance }),
    ];
    close(
      dps,
      exact.map((v) => v * (1 + spread / noiseVariance)),
      1e-3,
    );
  }
});

test('on a mixture both tend to the exact posterior as t → 0, and ΠGDM is nearer before', async () => {
  const options = {
    process,
    means: [
      [1, 0.5, -0.3],
      [-1, -0.4, 0.8],
    ],
    variance: 0.2,
  };
  const exact = observedGaussianMixture({ ...options, matrix, observation: values, noiseVariance });
  const model = gaussianMixture({ ...options, kind: 'noise' });
  const observation = linearObservation({ matrix, values });
  const gap = async (make: Guidance, t: number): Promise<number> => {
    const guided = make({ model, observation, noiseVariance });
    const [p, q] = [await numbers(guided.score(x, t)), await numbers(exact.score(x, t))];
    return Math.sqrt(p.reduce((s, v, i) => s + (v - q[i]!) ** 2, 0) / q.reduce((s, v) => s + v * v, 0));
  };
  for (const make of [diffusionPosterior, pseudoinverseGuidance]) {
    expect(await gap(make, 0.001)).toBeLessThan(0.15);
    expect(await gap(make, 0.0001)).toBeLessThan(0.015);
  }
  for (const t of [0.1, 0.5, 1]) {
    expect(await gap(pseudoinverseGuidance, t)).toBeLessThan(0.5 * (await gap(diffusionPosterior, t)));
  }
});

test('images, batches of observations, and conditions', async () => {
  const images = tf.reshape(tf.concat([x, x], 1), [2, 2, 3, 1]);
  const seen: unknown[] = [];
  const model = defineModel({
    process,
    kind: 'data',
    predict: (state, _, condition) => {
      seen.push(condition);
      return tf.mul(state, 0.5);
    },
  });
  const labels = tf.tensor1d([1, 2], 'int32');
  const known = tf.tensor4d([...Array(12).keys()], [2, 2, 3, 1]);
  const mask = tf.tensor3d([1, 0, 1, 0, 1, 0], [2, 3, 1]);
  const guided = diffusionPosterior({
    model,
    observation: maskedObservation({ mask, known }),
    noiseVariance: 2,
  });
  const t = 0.5;
  const [alpha, sigma] = [process.alpha(t), process.sigma(t)];
  const flat = await numbers(images);
  const masked = flat.map((v, i) => {
    const pull = i % 6 === 0 || i % 6 === 2 || i % 6 === 4 ? (0.5 * (i - 0.5 * v)) / 2 : 0;
    return 0.5 * v + (sigma ** 2 / alpha) * pull;
  });
  close(await numbers(guided.predict(images, t, labels)), masked, 1e-5);
  expect(seen).toEqual([labels]);
});

test('no tensor is left behind, also when something throws', async () => {
  const failing = (error: string): Observation => ({
    name: 'failing',
    weightedSquares: () => {
      throw new Error(error);
    },
  });
  const t = tf.tensor1d([0.2, 0.7]);
  const model = prior('noise');
  const later = defineModel({ process, kind: 'noise', name: 'later', predict: async (s) => tf.clone(s) });
  const itself = defineModel({ process, kind: 'noise', predict: (s) => s });
  const good = linearObservation({ matrix, values });
  const twoRows = nonlinearObservation({ forward: (data) => tf.sum(data), values: tf.scalar(1) });
  const before = tf.memory().numTensors;
  for (const time of [0.5, t]) {
    const made = (m: typeof model | typeof later, observation: Observation): Promise<tf.Tensor> =>
      (async () => diffusionPosterior({ model: m, observation, noiseVariance }).predict(x, time))();
    (await made(model, good)).dispose();
    (await made(itself, good)).dispose();
    await expect(made(model, failing('broken'))).rejects.toThrow('broken');
    await expect(made(later, good)).rejects.toThrow(
      "later observed: the model must answer at once, with a tensor, for a gradient to go through it, got a promise from 'later'.",
    );
    await expect(made(model, twoRows)).rejects.toThrow(
      /forward must return [12] rows, got a tensor of shape \[\]/,
    );
  }
  await new Promise((resolve) => setTimeout(resolve));
  expect(tf.memory().numTensors).toBe(before);
  expect(x.isDisposed).toBe(false);
});

test('bad input is refused in words', () => {
  const good = { model: prior('noise'), observation: linearObservation({ matrix, values }), noiseVariance };
  const refused = (make: () => unknown, message: string): void => expect(make).toThrow(message);
  refused(
    () => diffusionPosterior({ ...good, noiseVariance: 0 }),
    'diffusionPosterior: noiseVariance must be a positive finite number, got 0.',
  );
  refused(
    () => diffusionPosterior({ ...good, observation: {} as never }),
    'diffusionPosterior: observation must be an observation, got an object with no keys.',
  );
  refused(
    () => diffusionPosterior({ ...good, weight: '1' as never }),
    "weight must be a finite number, got '1'",
  );
  refused(
    () => diffusionPosterior({ ...good, noiseVariance: 'norm' as never }),
    "diffusionPosterior: noiseVariance must be a positive finite number, got 'norm'.",
  );
  refused(
    () => pseudoinverseGuidance({ ...good, interval: { above: 2, upTo: 1 } }),
    'pseudoinverseGuidance: interval must have 0 ≤ above < upTo',
  );
  refused(
    () => pseudoinverseGuidance({ ...good, dataVariance: -1 }),
    'pseudoinverseGuidance: dataVariance must be a positive finite number, got -1.',
  );
  refused(
    () => pseudoinverseGuidance({ ...good, model: 1 as never }),
    'pseudoinverseGuidance: model must be a score model',
  );
  refused(() => linearObservation({ matrix, values: [1] }), 'linearObservation: values must have shape [3]');
  refused(() => linearObservation({ matrix: [[1], [1, 2]], values: [1, 2] }), 'linearObservation: ');
  refused(
    () => linearObservation({ matrix: [[1]], values: [Number.NaN] }),
    'linearObservation: values[0] must be a finite number, got NaN',
  );
  refused(
    () => nonlinearObservation({ forward: 1 as never, values: tf.scalar(1) }),
    'nonlinearObservation: forward must be a function of x₀, got 1.',
  );
  const wide = diffusionPosterior({
    ...good,
    observation: linearObservation({ matrix: [[1]], values: [1] }),
  });
  refused(() => wide.predict(x, 1), 'the rows of x must have 1 elements, as many as the matrix has columns');
  const mask = maskedObservation({ mask: tf.ones([2]), known: tf.ones([3]) });
  refused(
    () => diffusionPosterior({ ...good, observation: mask }).predict(x, 1),
    'maskedObservation: mask must have the shape of a row, [3], or of the batch, [2, 3], got a tensor of shape [2].',
  );
  const ends = fromAlphaSigma({ alpha: (t) => 1 - t, sigma: (t) => t, T: 1 });
  const still = defineModel({ process: ends, kind: 'noise', predict: (s) => tf.clone(s) });
  refused(
    () => diffusionPosterior({ ...good, model: still }).predict(x, 1),
    'conversion: data from noise needs alpha(t) > 0',
  );
  const pure = defineModel({ process: ends, kind: 'data', predict: (s) => tf.clone(s) });
  refused(
    () => diffusionPosterior({ ...good, model: pure }).predict(x, 1),
    'conversion: data from score needs alpha(t) > 0',
  );
  const nan = diffusionPosterior({ ...good, weight: () => Number.NaN });
  refused(() => nan.predict(x, 1), 'weight(t = 1) must be a finite number, got NaN');
});

test('guidance may be put around the steered model', async () => {
  const labelled = gaussianMixture({ process, means: [mean, [0, 0, 0]], labels: [0, 1], variance });
  const observation = linearObservation({ matrix, values });
  const guided = classifierFreeGuidance({
    conditional: labelled,
    unconditional: diffusionPosterior({ model: labelled, observation, noiseVariance }),
    weight: -1,
  });
  const alone = diffusionPosterior({ model: labelled, observation, noiseVariance });
  const labels = tf.tensor1d([0, 1], 'int32');
  close(await numbers(guided.score(x, 0.5, labels)), await numbers(alone.score(x, 0.5)), 1e-5);
});
