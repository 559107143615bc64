/** Classifier guidance: Gaussian data, whose guided laws have closed forms, intervals, rescaling and what is evaluated. */
import {
  classifierGuidance,
  defineModel,
  type ExactModel,
  gaussian,
  PREDICTION_KINDS,
  type PredictionKind,
  type ScoreModel,
} from '@diff/score';
import { flowMatching, ornsteinUhlenbeck } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const process = ornsteinUhlenbeck({ theta: 1, mu: 0.5, sigma: 1.2, T: 4 });
const [mean, variance] = [[1, -0.5], 0.6];
const prior = (kind: PredictionKind = 'velocity'): ExactModel => gaussian({ process, mean, variance, kind });
const x = tf.tensor2d([
  [0.2, 0.1],
  [1.3, -0.4],
  [-0.7, 0.9],
]);
const level = (t: number): number => process.sigma(t) / process.alpha(t);
const numbers = async (y: tf.Tensor | Promise<tf.Tensor>): Promise<number[]> =>
  Array.from(await (await y).data());
function close(actual: readonly number[], expected: readonly number[], room = 1e-4): void {
  expect(actual.length).toBe(expected.length);
  actual.forEach((a, i) => {
    expect(Math.abs(a - expected[i]!), `[${i}]: ${a} for ${expected[i]}`).toBeLessThan(
      room * (1 + Math.abs(expected[i]!)),
    );
  });
}

/** x̂0 of N(mean, variance I) as differentiable code, each row at its own time. */
function posteriorMean(state: tf.Tensor, times: readonly number[]): tf.Tensor {
  const slope = (t: number): number =>
    (process.alpha(t) * variance) / (process.alpha(t) ** 2 * variance + process.sigma(t) ** 2);
  const rows = tf.tensor2d(times.map((t) => [slope(t)]));
  const centre = tf.tensor2d(times.map((t) => mean.map((m) => process.alpha(t) * m + process.mean(t))));
  return tf.add(tf.mul(tf.sub(state, centre), rows), mean);
}
const timesFor = (t: number | tf.Tensor1D, own: readonly number[]): readonly number[] =>
  typeof t === 'number' ? own.map(() => t) : own;

const ownTimes = [0.1, 0.8, 3];
describe.each([0.05, 0.6, tf.tensor1d(ownTimes)])('Gaussian data at t = %s', (t) => {
  const times = timesFor(t, ownTimes);
  const tilt = [0.7, -1.1];

  test.each(PREDICTION_KINDS)(
    'log p(c | x₀) = k·x₀: the Gaussian with mean μ + w v k, for every weight, of kind %s',
    async (kind) => {
      for (const weight of [-0.5, 0, 1, 3]) {
        const guided = classifierGuidance({
          model: prior(kind),
          logProbability: (state) => tf.sum(tf.mul(posteriorMean(state, times), tilt), 1),
          weight,
        });
        expect(guided.kind).toBe(kind);
        const moved = mean.map((m, i) => m + weight * variance * tilt[i]!);
        const exact = gaussian({ process, mean: moved, variance });
        close(await numbers(guided.score(x, t)), await numbers(exact.score(x, t)));
      }
    },
  );

  test('log p(c | x₀) = −|y − x₀|²/(2 r²): the posterior given y', async () => {
    const [y, noise] = [[0.3, 1.4], 0.2];
    const spread = times.map((time) => {
      const [a, s] = [process.alpha(time) ** 2, process.sigma(time) ** 2];
      return noise + (variance * s) / (a * variance + s);
    });
    const guided = classifierGuidance({
      model: prior(),
      logProbability: (state) => {
        const squares = tf.sum(tf.square(tf.sub(y, posteriorMean(state, times))), 1);
        return tf.div(
          squares,
          spread.map((v) => -2 * v),
        );
      },
    });
    const total = variance + noise;
    const exact = gaussian({
      process,
      mean: mean.map((m, i) => (noise * m + variance * y[i]!) / total),
      variance: (variance * noise) / total,
    });
    close(await numbers(guided.score(x, t)), await numbers(exact.score(x, t)));
  });
});

/** Counts what is evaluated. */
function counted(model: ScoreModel) {
  const seen = { evaluations: 0, gradients: 0 };
  return {
    seen,
    model: defineModel({
      process: model.process,
      kind: model.kind,
      predict: (state, t, condition) => {
        seen.evaluations++;
        return model.predict(state, t, condition);
      },
    }),
    logProbability: (state: tf.Tensor): tf.Tensor => {
      seen.gradients++;
      return tf.sum(tf.mul(state, [2, -3]), 1);
    },
  };
}

describe('a limited interval', () => {
  const [low, high] = [level(0.3), level(1)];
  const interval = { above: low, upTo: high };

  test.each([
    [0.2, false],
    [0.3, false], // the lower bound is out
    [0.31, true],
    [1, true], // the upper one is in
    [1.01, false],
  ])('t = %f: guided %s; one evaluation always, a gradient only inside', async (t, inside) => {
    const { model, logProbability, seen } = counted(prior('noise'));
    const guided = classifierGuidance({ model, logProbability, weight: 1.5, interval, rescale: 0.5 });
    const plain = await numbers(prior('noise').predict(x, t));
    const actual = await numbers(guided.predict(x, t));
    expect(seen).toEqual({ evaluations: 1, gradients: inside ? 1 : 0 });
    if (inside) expect(actual).not.toEqual(plain);
    else expect(actual).toEqual(plain);
  });

  test('rows at times of their own are guided each by its own weight', async () => {
    const asked: number[] = [];
    const { model, logProbability, seen } = counted(prior('score'));
    const weight = (t: number): number => {
      asked.push(t);
      return 2 * t;
    };
    const guided = classifierGuidance({ model, logProbability, weight, interval });
    const times = tf.tensor1d([0.1, 3, 0.5]);
    const plain = await numbers(prior('score').score(x, times));
    const actual = await numbers(guided.score(x, times));
    expect(actual.slice(0, 4)).toEqual(plain.slice(0, 4));
    close(actual.slice(4), [plain[4]! + 2, plain[5]! - 3], 1e-6);
    expect(asked).toEqual([0.5]);
    expect(seen).toEqual({ evaluations: 1, gradients: 1 });
    await guided.score(x, tf.tensor1d([0.1, 0.2, 3]));
    expect(seen).toEqual({ evaluations: 2, gradients: 1 });
  });

  test('the end where nothing of the data is left may be outside it', async () => {
    const straight = flowMatching();
    const model = defineModel({ process: straight, kind: 'data', predict: (state) => tf.mul(state, 0.5) });
    const guided = classifierGuidance({
      model,
      logProbability: (state) => tf.sum(state, 1),
      interval: { upTo: 10 },
    });
    const data = await numbers(guided.predict(x, tf.tensor1d([1, 0.5, 1])));
    close(data, [0.1, 0.05, 0.65 + 0.5, -0.2 + 0.5, -0.35, 0.45], 1e-6);
  });
});

describe('rescaling', () => {
  /** Population standard deviation. */
  const deviation = (row: readonly number[]): number => {
    const middle = row.reduce((s, v) => s + v, 0) / row.length;
    return Math.sqrt(row.reduce((s, v) => s + (v - middle) ** 2, 0) / row.length);
  };

  test('φ of the way from the guided to the model’s own standard deviation, row by row', async () => {
    const row = fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 4, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(row, row),
        row,
        fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
        async (own, push, rescale) => {
          const t = 0.7;
          const guided = classifierGuidance({
            model: defineModel({ process, kind: 'noise', predict: () => tf.tensor2d(own) }),
            logProbability: (state) => tf.sum(tf.mul(state, push), 1),
            weight: 2.5,
            rescale,
          });
          const actual = await numbers(guided.predict(tf.zeros([2, 4]), t));
          const expected = own.flatMap((values, i) => {
            const plain = values.map((v, j) => v - 2.5 * process.sigma(t) * push[j]!);
            fc.pre(deviation(plain) > 0.05);
            const factor = (rescale * deviation(values)) / deviation(plain) + 1 - rescale;
            if (rescale === 1) {
              const kept = deviation(actual.slice(4 * i, 4 * i + 4));
              expect(Math.abs(kept - deviation(values))).toBeLessThan(1e-4);
            }
            return plain.map((v) => factor * v);
          });
          close(actual, expected, 1e-3);
        },
      ),
      { numRuns: 40 },
    );
  });
});

test('bad options are refused in words', async () => {
  const logProbability = (state: tf.Tensor): tf.Tensor => tf.sum(state, 1);
  const make = (options: object) => () => classifierGuidance({ model: prior(), logProbability, ...options });
  expect(make({ interval: { above: 2, upTo: 1 } })).toThrow(
    'classifierGuidance: interval must have 0 ≤ above < upTo in units of σ/α, got above = 2 and upTo = 1.',
  );
  expect(make({ weight: '2' })).toThrow("classifierGuidance: weight must be a finite number, got '2'");
  expect(make({ rescale: 1.2 })).toThrow('classifierGuidance: rescale must lie in [0, 1], got 1.2.');
  expect(make({ logProbability: 3 })).toThrow(
    'classifierGuidance: logProbability must be a function of x, got 3.',
  );
  expect(make({ model: { process } })).toThrow('classifierGuidance: model must be a score model');
  await expect(make({ weight: () => Number.NaN })().predict(x, 0.5)).rejects.toThrow(
    'classifierGuidance: weight(t = 0.5) must be a finite number, got NaN',
  );
});

test('no tensor is left behind, and a model may give back its input', async () => {
  const itself = defineModel({ process, kind: 'noise', predict: (state) => state });
  const logProbability = (state: tf.Tensor): tf.Tensor => tf.sum(state, 1);
  const t = tf.tensor1d([0.2, 0.7, 1.5]);
  const before = tf.memory().numTensors;
  for (const time of [0.5, t]) {
    for (const weight of [0, 1]) {
      const guided = classifierGuidance({ model: itself, logProbability, weight, rescale: 0.3 });
      (await guided.predict(x, time)).dispose();
      (await guided.score(x, time)).dispose();
    }
  }
  expect(tf.memory().numTensors).toBe(before);
  expect(x.isDisposed).toBe(false);
});
