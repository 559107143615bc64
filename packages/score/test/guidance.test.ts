/** Guidance against exact conditional scores: Bayes' rule is the oracle. */
import {
  classifierFreeGuidance,
  classifierGuidance,
  defineModel,
  type ExactModel,
  gaussianMixture,
  PREDICTION_KINDS,
  type PredictionKind,
} from '@diff/score';
import { canonicalOu, edm, ornsteinUhlenbeck } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, test } from 'vitest';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const process = ornsteinUhlenbeck({ theta: 1, mu: 0.5, sigma: 1.2, T: 4 });
const shares = [0.2, 0.5, 0.3];
const mixture = (kind: PredictionKind): ExactModel =>
  gaussianMixture({
    process,
    kind,
    means: [
      [1.5, 0.2],
      [-1, 1.2],
      [-0.6, -1.4],
    ],
    weights: shares,
    variance: [0.3, 0.2, 0.5],
    labels: [0, 1, 2],
  });
const x = tf.tensor2d([
  [0.2, 0.1],
  [1.3, -0.4],
  [-0.7, 0.9],
]);
const condition = tf.tensor1d([0, 2, 1], 'int32');
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

describe.each([0.4, tf.tensor1d([0.1, 0.8, 2])])('classifier-free guidance at t = %s', (t) => {
  const model = mixture('velocity');

  test.each([-1, 0, 0.5, 3])('(1 + w) s(x, c) − w s(x) at w = %f', async (weight) => {
    const given = await numbers(model.score(x, t, condition));
    const free = await numbers(model.score(x, t));
    const expected = given.map((s, i) => (1 + weight) * s - weight * free[i]!);
    for (const batched of [true, false]) {
      const guided = classifierFreeGuidance({ conditional: model, weight, batched });
      expect(guided.kind).toBe('velocity');
      expect(guided.eventShape).toEqual([2]);
      close(await numbers(guided.score(x, t, condition)), expected);
    }
  });

  test.each(PREDICTION_KINDS)('an unconditional model of its own, of kind %s', async (kind) => {
    const unconditional = defineModel({
      process,
      kind,
      predict: (state, time, given) => {
        expect(given).toBeUndefined();
        return mixture(kind).predict(state, time);
      },
    });
    const guided = classifierFreeGuidance({ conditional: mixture('noise'), unconditional, weight: 1.5 });
    const reference = classifierFreeGuidance({ conditional: model, weight: 1.5 });
    close(
      await numbers(guided.score(x, t, condition)),
      await numbers(reference.score(x, t, condition)),
      5e-5,
    );
  });
});

test('the null condition may be the caller’s', async () => {
  const seen: number[] = [];
  const conditional = defineModel({
    process,
    kind: 'noise',
    predict: async (state, _, given) => {
      seen.push(...(await given!.data()));
      return tf.zerosLike(state);
    },
  });
  const guided = classifierFreeGuidance({
    conditional,
    weight: 1,
    nullCondition: (given) => tf.fill(given.shape, 10, 'int32'),
  });
  (await guided.predict(x, 1, condition)).dispose();
  expect(seen).toEqual([0, 2, 1, 10, 10, 10]);
});

describe.each(PREDICTION_KINDS)('classifier guidance of a model that predicts %s', (kind) => {
  const model = mixture(kind);
  /** log p_t(c | x) by Bayes' rule, for one class. */
  const logProbability = (label: number) => {
    const own = gaussianMixture({
      process,
      means: [
        [
          [1.5, 0.2],
          [-1, 1.2],
          [-0.6, -1.4],
        ][label]!,
      ],
      variance: [[0.3, 0.2, 0.5][label]!],
    });
    return (state: tf.Tensor) =>
      tf.add(tf.sub(own.logDensity(state, 0.4), model.logDensity(state, 0.4)), Math.log(shares[label]!));
  };

  test('weight 1 with the exact classifier is the exact conditional score', async () => {
    for (const label of [0, 1, 2]) {
      const guided = classifierGuidance({ model, logProbability: logProbability(label) });
      const exact = await numbers(model.score(x, 0.4, tf.fill([3], label, 'int32')));
      close(await numbers(guided.score(x, 0.4)), exact, 5e-5);
    }
  });

  test('the weight and the condition reach where they should, row by row', async () => {
    const t = tf.tensor1d([0.2, 0.7, 1.5]);
    const guided = classifierGuidance({
      model,
      weight: 2,
      // ∇ of c·x₁ is c in the first coordinate
      logProbability: (state, _, given) =>
        tf.mul(tf.squeeze(tf.slice(state, [0, 0], [-1, 1]), [1]), tf.cast(given!, 'float32')),
    });
    const before = await numbers(model.score(x, t));
    const pushes = [0, 0, 4, 0, 2, 0];
    close(
      await numbers(guided.score(x, t, condition)),
      before.map((s, i) => s + pushes[i]!),
      5e-5,
    );
    const both = classifierGuidance({
      model,
      weight: 0,
      conditionModel: true,
      logProbability: (state) => tf.sum(state, 1),
    });
    close(await numbers(both.score(x, t, condition)), await numbers(model.score(x, t, condition)), 5e-5);
  });
});

test('no tensor is left behind, also when something throws', async () => {
  const model = mixture('data');
  const guided = classifierFreeGuidance({ conditional: model, weight: 2 });
  const steered = classifierGuidance({ model, logProbability: (state) => tf.sum(state, 1) });
  const wrong = classifierGuidance({ model, logProbability: (state) => tf.sum(state), name: 'wrong' });
  const failing = classifierFreeGuidance({
    conditional: model,
    unconditional: defineModel({
      process,
      kind: 'noise',
      predict: () => {
        throw new Error('broken');
      },
    }),
    weight: 1,
  });
  const t = tf.tensor1d([0.2, 0.7, 1.5]);
  const before = tf.memory().numTensors;
  for (const time of [0.5, t]) {
    (await guided.score(x, time, condition)).dispose();
    (await steered.noise(x, time)).dispose();
    await expect(wrong.score(x, time)).rejects.toThrow(
      'wrong: logProbability must return shape [3] (one number per row), got a tensor of shape []. Sum over the other axes.',
    );
    await expect(failing.score(x, time, condition)).rejects.toThrow('broken');
    await expect(guided.score(x, time)).rejects.toThrow(
      'gaussianMixture guided: a condition must be given with one row per row of x, got undefined.',
    );
  }
  expect(tf.memory().numTensors).toBe(before);
});

test('bad weights and mismatched processes are refused', () => {
  const model = mixture('data');
  expect(() => classifierFreeGuidance({ conditional: model, weight: Number.NaN })).toThrow(
    'classifierFreeGuidance: weight must be a finite number, got NaN',
  );
  expect(() =>
    classifierGuidance({ model, logProbability: (s) => s, weight: Number.POSITIVE_INFINITY }),
  ).toThrow('classifierGuidance: weight must be a finite number');
  const other = gaussianMixture({ process: edm({ T: 80 }), means: [[0, 0]] });
  expect(() => classifierFreeGuidance({ conditional: model, unconditional: other, weight: 1 })).toThrow(
    /both models must have one process, got .*"ou".* and .*"edm"/,
  );
  const same = gaussianMixture({ process: canonicalOu({ T: 4 }), means: [[0, 0]] });
  const twin = gaussianMixture({ process: canonicalOu({ T: 4 }), means: [[1, 0]] });
  expect(() => classifierFreeGuidance({ conditional: same, unconditional: twin, weight: 1 })).not.toThrow();
});
