/** Clipping and thresholding of x̂0: the exact posterior mean and numpy's quantiles are the oracles. */
import {
  clipData,
  conversion,
  defineModel,
  dynamicThreshold,
  gaussianMixture,
  mapData,
  PREDICTION_KINDS,
  type PredictionKind,
  type ScoreModel,
} from '@diff/score';
import { fromAlphaSigma, ornsteinUhlenbeck } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, test } from 'vitest';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const process = ornsteinUhlenbeck({ theta: 1, mu: 0.5, sigma: 1.2, T: 4 });
const mixture = (kind: PredictionKind): ScoreModel =>
  gaussianMixture({
    process,
    kind,
    means: [
      [1.5, 0.2, -2],
      [-1, 1.2, 3],
    ],
    variance: [0.3, 0.2],
  });
const x = tf.tensor2d([
  [0.2, 0.1, 3],
  [1.3, -0.4, -2],
  [-0.7, 0.9, 0.4],
]);
const numbers = async (y: tf.Tensor | Promise<tf.Tensor>): Promise<number[]> =>
  Array.from(await (await y).data());
function close(actual: readonly number[], expected: readonly number[], room = 2e-5): void {
  expect(actual.length).toBe(expected.length);
  actual.forEach((a, i) => {
    expect(Math.abs(a - expected[i]!), `[${i}]: ${a} for ${expected[i]}`).toBeLessThan(
      room * (1 + Math.abs(expected[i]!)),
    );
  });
}
const clip = (v: number): number => Math.min(0.8, Math.max(-0.5, v));
/** A model that says the same whatever it is asked. */
const saying = (data: tf.Tensor, kind: PredictionKind = 'data'): ScoreModel =>
  defineModel({ process, kind, name: 'given', predict: () => tf.clone(data) });

describe.each(PREDICTION_KINDS)('a model that predicts %s', (from) => {
  test.each(PREDICTION_KINDS)('clipped, asked for %s', async (to) => {
    for (const times of [[0.7], [0.2, 0.7, 2]]) {
      const t = times.length === 1 ? times[0]! : tf.tensor1d(times);
      const exact = await numbers(mixture('data').predict(x, t));
      expect(exact.some((v) => v !== clip(v))).toBe(true);
      const clipped = clipData(mixture(from), { min: -0.5, max: 0.8, kind: to });
      expect(clipped.kind).toBe(to);
      const states = await x.data();
      const expected = exact.map((v, i) => {
        const map = conversion(process, times[times.length === 1 ? 0 : Math.floor(i / 3)]!, 'data', to);
        return map.x * states[i]! + map.p * clip(v) + map.constant;
      });
      close(await numbers(clipped.predict(x, t)), expected, 5e-5);
      close(await numbers(clipped.denoise(x, t)), exact.map(clip), 5e-5);
    }
  });
});

test('a model that answers later, and one that returns its input', async () => {
  const later = defineModel({ process, kind: 'data', predict: async (state) => tf.mul(state, 2) });
  const expected = (await numbers(x)).map((v) => clip(2 * v));
  const before = tf.memory().numTensors;
  const answer = await clipData(later, { min: -0.5, max: 0.8 }).predict(x, 1);
  close(await numbers(answer), expected);
  answer.dispose();
  const itself = clipData(defineModel({ process, kind: 'data', predict: (state) => state }));
  (await itself.predict(x, 1)).dispose();
  (
    await mapData(mixture('noise'), (data) => data).predict(
      x,
      tf.tidy(() => 0.4),
    )
  ).dispose();
  expect(x.isDisposed).toBe(false);
  expect(tf.memory().numTensors).toBe(before);
});

test('the condition reaches the model', async () => {
  const model = defineModel({
    process,
    kind: 'data',
    predict: (state, _, condition) => tf.add(tf.zerosLike(state), tf.reshape(condition!, [-1, 1])),
  });
  const labels = tf.tensor1d([0.5, 3, -7]);
  close(await numbers(clipData(model).predict(x, 1, labels)), [0.5, 0.5, 0.5, 1, 1, 1, -1, -1, -1]);
});

describe('dynamic thresholds', () => {
  const data = tf.tensor2d([
    [0.3, -2.5, 1.7, 0.9, -0.1],
    [4, -3, 0.2, -0.4, 0.6],
    [0.01, -0.02, 0.03, 0.5, -0.9],
  ]);
  // numpy.quantile(numpy.abs(data), q, axis=1), numpy 2.4.6
  const quantiles: readonly (readonly [number, readonly number[]])[] = [
    [0, [0.1, 0.2, 0.01]],
    [0.1, [0.18, 0.28, 0.014]],
    [0.5, [0.9, 0.6, 0.03]],
    [0.9, [2.18, 3.6, 0.74]],
    [0.995, [2.484, 3.98, 0.892]],
    [1, [2.5, 4, 0.9]],
  ];

  test.each(quantiles)('quantile %f agrees with numpy', async (quantile, expected) => {
    const values = await numbers(data);
    for (const [range, max] of [
      [1, Number.POSITIVE_INFINITY],
      [0.02, 3],
      [0.5, 2],
    ] as const) {
      const model = dynamicThreshold(saying(data), { quantile, range, max });
      const wanted = values.map((v, i) => {
        const s = Math.min(max, Math.max(range, expected[Math.floor(i / 5)]!));
        return (Math.min(s, Math.max(-s, v)) * range) / s;
      });
      close(await numbers(model.predict(data, 1)), wanted, 1e-6);
    }
  });

  test('max = range is static clipping; images are rows; single numbers are their own quantile', async () => {
    const images = tf.reshape(tf.concat([data, data], 1), [3, 2, 5, 1]);
    const [dynamic, still] = [dynamicThreshold(saying(images), { max: 1 }), clipData(saying(images))];
    const out = await dynamic.predict(images, 1);
    expect(out.shape).toEqual([3, 2, 5, 1]);
    expect(await numbers(out)).toEqual(await numbers(still.predict(images, 1)));
    const points = tf.tensor1d([3, -0.2]);
    close(await numbers(dynamicThreshold(saying(points)).predict(points, 1)), [1, -0.2]);
  });

  test('NaN is not hidden', async () => {
    const bad = tf.tensor2d([[0.1, Number.NaN, 0.3]]);
    expect((await numbers(clipData(saying(bad)).predict(bad, 1)))[1]).toBeNaN();
    const thresholded = await numbers(dynamicThreshold(saying(bad)).predict(bad, 1));
    expect(thresholded.some(Number.isNaN)).toBe(true);
  });

  test('the gradient takes the threshold for a constant', async () => {
    const model = dynamicThreshold(defineModel({ process, kind: 'data', predict: (s) => tf.mul(s, 1) }), {
      quantile: 0.5,
    });
    const row = tf.tensor2d([[4, 0.5, -2]]);
    const slope = tf.grad((s: tf.Tensor) => tf.sum(model.predict(s, 1) as tf.Tensor))(row);
    close(await numbers(slope), [0, 0.5, 0.5]); // clipped at s = 2; the tie at −2 goes with the inside
  });
});

test('no tensor is left behind, also when the function throws', async () => {
  const failing = mapData(mixture('noise'), () => {
    throw new Error('broken');
  });
  const wrong = mapData(mixture('noise'), (data) => tf.sum(data), { name: 'wrong' });
  const t = tf.tensor1d([0.2, 0.7, 1.5]);
  const before = tf.memory().numTensors;
  for (const time of [0.4, t]) {
    (await dynamicThreshold(mixture('score'), { kind: 'velocity' }).predict(x, time)).dispose();
    await expect((async () => failing.predict(x, time))()).rejects.toThrow('broken');
    await expect((async () => wrong.predict(x, time))()).rejects.toThrow(
      'wrong: the function must return shape [3, 3], that of x̂0, got a tensor of shape []. Keep the shape.',
    );
  }
  expect(tf.memory().numTensors).toBe(before);
});

test('where the data are not determined, `conversion` says so', () => {
  const ends = fromAlphaSigma({ alpha: (t) => 1 - t, sigma: (t) => t, T: 1 });
  const model = defineModel({ process: ends, kind: 'noise', predict: (s) => tf.clone(s) });
  const before = tf.memory().numTensors;
  expect(() => clipData(model).predict(x, 1)).toThrow('conversion: data from noise needs alpha(t) > 0');
  expect(tf.memory().numTensors).toBe(before);
});

test('bad options are refused in words', () => {
  const model = mixture('data');
  const refused = (make: () => unknown, message: string): void => expect(make).toThrow(message);
  refused(
    () => clipData(model, { min: 1, max: 1 }),
    'clipData: min must be below max, got min = 1 and max = 1',
  );
  refused(() => clipData(model, { max: '1' as never }), "clipData: max must be a finite number, got '1'");
  refused(
    () => clipData({} as never),
    'clipData: model must be a score model { process, kind, predict }, got',
  );
  refused(() => dynamicThreshold(model, { quantile: 99.5 }), 'quantile must lie in [0, 1], got 99.5');
  refused(() => dynamicThreshold(model, { range: 0 }), 'range must be a positive finite number, got 0');
  refused(() => dynamicThreshold(model, { max: 0.5 }), 'max must be at least range = 1, got 0.5');
  refused(() => mapData(model, 3 as never), 'mapData: f must be a function of x̂0, got 3');
  refused(() => mapData(model, (d) => d, { kind: 'eps' as never }), "mapData: kind must be one of 'score'");
});
