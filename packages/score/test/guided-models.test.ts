/**
 * Intervals, rescaling, autoguidance, projection and composition. Gaussians of one variance are the oracle: there every
 * extrapolation of scores is the exact score of a Gaussian with the extrapolated mean.
 */
import {
  autoguidance,
  classifierFreeGuidance,
  composedGuidance,
  defineModel,
  type ExactModel,
  gaussian,
  gaussianMixture,
  PREDICTION_KINDS,
  type PredictionKind,
  projectedGuidance,
  type ScoreModel,
} from '@diff/score';
import { edm, ornsteinUhlenbeck } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const process = ornsteinUhlenbeck({ theta: 1, mu: 0.5, sigma: 1.2, T: 4 });
const normalAt = (mean: readonly number[], kind: PredictionKind = 'velocity', variance = 0.3): ExactModel =>
  gaussian({ process, mean, variance, kind });
/** One Gaussian for each label; the model without a condition is given separately. */
const labelled = (kind: PredictionKind = 'velocity'): ExactModel =>
  gaussianMixture({
    process,
    kind,
    means: [
      [1, 2],
      [-1, 0.5],
    ],
    variance: 0.3,
    labels: [0, 1],
  });
const x = tf.tensor2d([
  [0.2, 0.1],
  [1.3, -0.4],
  [-0.7, 0.9],
]);
const zeros = tf.tensor1d([0, 0, 0], 'int32');
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
/** Counts evaluations and the rows of each. */
function counted(model: ScoreModel): { model: ScoreModel; rows: number[] } {
  const rows: number[] = [];
  const predict: ScoreModel['predict'] = (state, t, condition) => {
    rows.push(state.shape[0]!);
    return model.predict(state, t, condition);
  };
  return { model: defineModel({ process, kind: model.kind, name: model.name, predict }), rows };
}

describe('Gaussians of one variance: the extrapolated mean, exactly', () => {
  const times = [0.05, 0.6, tf.tensor1d([0.1, 0.8, 3])];

  test.each(PREDICTION_KINDS)('classifier-free guidance of a model that predicts %s', async (kind) => {
    for (const weight of [-0.5, 0, 1, 4]) {
      const guided = classifierFreeGuidance({
        conditional: labelled(kind),
        unconditional: normalAt([0.5, -1], 'noise'),
        weight,
      });
      const mean = [1, 2].map((m, i) => (1 + weight) * m - weight * [0.5, -1][i]!);
      for (const t of times) {
        const exact = await numbers(normalAt(mean).score(x, t));
        close(await numbers(guided.score(x, t, zeros)), exact, 2e-4);
      }
    }
  });

  test.each(PREDICTION_KINDS)('autoguidance of a model that predicts %s', async (kind) => {
    const guided = autoguidance({ model: normalAt([1, 2], kind), weaker: normalAt([0.5, -1]), weight: 1.5 });
    expect(guided.kind).toBe(kind);
    for (const t of times) {
      close(await numbers(guided.score(x, t)), await numbers(normalAt([1.75, 6.5]).score(x, t)), 2e-4);
    }
  });

  test('a product of three experts, one negated, each with a condition of its own', async () => {
    const model = labelled('data');
    const label = (value: number) => (_: unknown, rows: number) => tf.fill([rows], value, 'int32');
    const composed = composedGuidance({
      unconditional: normalAt([0.5, -1], 'score'),
      experts: [
        { model, condition: label(0), weight: 0.8 },
        { model, condition: label(1), weight: -0.5 },
        { model }, // the run's own condition: label 1 here
      ],
    });
    const ones = tf.tensor1d([1, 1, 1], 'int32');
    // 0.5 − 1 with the rest 1 − 0.8 + 0.5 − 1 = −0.3
    const mean = [0, 1].map((i) => -0.3 * [0.5, -1][i]! + 0.8 * [1, 2][i]! + (1 - 0.5) * [-1, 0.5][i]!);
    const before = tf.memory().numTensors;
    for (const t of [0.05, 0.6]) {
      const [actual, exact] = [await composed.score(x, t, ones), await normalAt(mean).score(x, t)];
      close(await numbers(actual), await numbers(exact), 2e-4);
      tf.dispose([actual, exact]);
    }
    expect(tf.memory().numTensors).toBe(before);
  });

  test('projected guidance with the parallel part is classifier-free guidance', async () => {
    const pair = { conditional: labelled('noise'), unconditional: normalAt([0.5, -1]), weight: 2 };
    const [projected, plain] = [projectedGuidance({ ...pair, parallel: 1 }), classifierFreeGuidance(pair)];
    expect(projected.kind).toBe('data');
    for (const t of [0.6, tf.tensor1d([0.1, 0.8, 3])]) {
      close(await numbers(projected.denoise(x, t, zeros)), await numbers(plain.denoise(x, t, zeros)), 5e-5);
    }
  });
});

describe('a limited interval', () => {
  const level = (t: number): number => process.sigma(t) / process.alpha(t);
  const [low, high] = [level(0.3), level(1)];

  test.each([
    [0.2, false],
    [0.3, false], // the lower bound is out
    [0.31, true],
    [1, true], // the upper one is in
    [1.01, false],
    [4, false],
  ])('t = %f: guided %s; outside only the conditional model is evaluated', async (t, inside) => {
    const { model, rows } = counted(labelled());
    const { model: free, rows: freeRows } = counted(normalAt([0.5, -1]));
    const options = { weight: 3, interval: { above: low, upTo: high } };
    const two = classifierFreeGuidance({ conditional: model, unconditional: free, ...options });
    const expected = inside ? [4 * 1 - 3 * 0.5, 4 * 2 + 3] : [1, 2];
    close(await numbers(two.score(x, t, zeros)), await numbers(normalAt(expected).score(x, t)), 2e-4);
    expect([rows, freeRows]).toEqual([[3], inside ? [3] : []]);
    const one = classifierFreeGuidance({ conditional: model, ...options });
    await one.predict(x, t, zeros);
    expect(rows).toEqual([3, inside ? 6 : 3]);
    const { model: weak, rows: weakRows } = counted(normalAt([0.5, -1]));
    await autoguidance({ model: normalAt([1, 2]), weaker: weak, ...options }).predict(x, t);
    expect(weakRows).toEqual(inside ? [3] : []);
    await projectedGuidance({ conditional: model, ...options }).predict(x, t, zeros);
    expect(rows.at(-1)).toBe(inside ? 6 : 3);
  });

  test('rows at times of their own are guided each by its own weight', async () => {
    const seen: number[] = [];
    const guided = classifierFreeGuidance({
      conditional: labelled(),
      unconditional: normalAt([0.5, -1]),
      weight: (t) => {
        seen.push(t);
        return 2 * t;
      },
      interval: { above: low, upTo: high },
    });
    const all = [0.1, 0.5, 3];
    const actual = await numbers(guided.score(x, tf.tensor1d(all), zeros));
    for (const [i, t] of all.entries()) {
      const w = i === 1 ? 2 * t : 0;
      const exact = await numbers(normalAt([1 + w * 0.5, 2 + w * 3]).score(x, t));
      close(actual.slice(2 * i, 2 * i + 2), exact.slice(2 * i, 2 * i + 2), 2e-4);
    }
    expect(seen).toEqual([0.5]);
  });

  test('the noise level zero belongs to an interval without a lower bound', async () => {
    const { model, rows } = counted(labelled('noise'));
    await classifierFreeGuidance({ conditional: model, weight: 1, interval: { upTo: 1 } }).predict(
      x,
      0,
      zeros,
    );
    await classifierFreeGuidance({ conditional: model, weight: 1, interval: { above: 0 } }).predict(
      x,
      0,
      zeros,
    );
    expect(rows).toEqual([6, 3]);
  });

  test('bad intervals and weights are refused in words', async () => {
    const conditional = labelled();
    const make =
      (interval: object, weight: unknown = 1) =>
      () =>
        classifierFreeGuidance({ conditional, weight: weight as number, interval });
    expect(make({ above: 2, upTo: 1 })).toThrow(
      'classifierFreeGuidance: interval must have 0 ≤ above < upTo in units of σ/α, got above = 2 and upTo = 1.',
    );
    expect(make({ above: -1 })).toThrow('got above = -1');
    expect(make({ upTo: '3' })).toThrow("upTo = '3'");
    expect(make({}, '2')).toThrow("classifierFreeGuidance: weight must be a finite number, got '2'");
    const broken = make({}, () => Number.NaN)();
    await expect(broken.predict(x, 0.5, zeros)).rejects.toThrow(
      'classifierFreeGuidance: weight(t = 0.5) must be a finite number, got NaN',
    );
  });
});

describe('rescaling', () => {
  /** Population standard deviation. */
  const deviation = (row: readonly number[]): number => {
    const mean = row.reduce((s, v) => s + v, 0) / row.length;
    return Math.sqrt(row.reduce((s, v) => s + (v - mean) ** 2, 0) / row.length);
  };
  const fixed = (rows: readonly number[][]): ScoreModel =>
    defineModel({ process, kind: 'noise', predict: () => tf.tensor2d(rows as number[][]) });

  test('Lin et al.: φ of the way from the guided to the conditional standard deviation, row by row', async () => {
    const row = fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 4, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(row, row),
        fc.tuple(row, row),
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (given, free, rescale) => {
          const guided = classifierFreeGuidance({
            conditional: fixed(given),
            unconditional: fixed(free),
            weight: 2.5,
            rescale,
          });
          const expected = given.flatMap((own, i) => {
            const plain = own.map((v, j) => 3.5 * v - 2.5 * free[i]![j]!);
            fc.pre(deviation(plain) > 0.05);
            const factor = (rescale * deviation(own)) / deviation(plain) + 1 - rescale;
            return plain.map((v) => factor * v);
          });
          close(await numbers(guided.predict(tf.zeros([2, 4]), 1, tf.tensor1d([0, 0]))), expected, 1e-3);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('rows of one number stay as they are; bad shares are refused', async () => {
    const one = fixed([[2], [3]]);
    const guided = classifierFreeGuidance({ conditional: one, unconditional: one, weight: 1, rescale: 1 });
    expect(await numbers(guided.predict(tf.zeros([2, 1]), 1, tf.tensor1d([0, 0])))).toEqual([2, 3]);
    const make = (rescale: unknown) => () =>
      autoguidance({ model: one, weaker: one, weight: 1, rescale: rescale as number });
    expect(make(1.2)).toThrow('rescale must lie in [0, 1], got 1.2. 0.7 is usual.');
    expect(make('1')).toThrow("got '1'");
  });
});

describe('projected guidance', () => {
  const fixed = (rows: readonly number[][]): ScoreModel =>
    defineModel({ process, kind: 'data', predict: () => tf.tensor2d(rows as number[][]) });
  const conditional = fixed([
    [3, 4],
    [0, 0],
    [1, 0],
  ]);
  const unconditional = fixed([
    [0, 3],
    [1, 1],
    [0, 0],
  ]);
  // Δ = (3, 1), (−1, −1), (1, 0); along (3, 4)/5: 13/5, so Δ∥ = (39, 52)/25, Δ⊥ = (36, −27)/25
  test.each([
    [0, Number.POSITIVE_INFINITY, [3 + 2 * 1.44, 4 - 2 * 1.08, -2, -2, 1, 0]],
    [0.5, Number.POSITIVE_INFINITY, [3 + 2 * (1.44 + 0.78), 4 + 2 * (-1.08 + 1.04), -2, -2, 2, 0]],
    [0, 1, [3 + (2 * 1.44) / Math.sqrt(10), 4 - (2 * 1.08) / Math.sqrt(10), -Math.SQRT2, -Math.SQRT2, 1, 0]],
  ])('parallel %f, radius %f, by hand', async (parallel, radius, expected) => {
    const guided = projectedGuidance({ conditional, unconditional, weight: 2, parallel, radius });
    close(await numbers(guided.predict(x, 0.5, zeros)), expected, 1e-6);
  });

  test('rescaled all the way, each row has the standard deviation of the conditional prediction', async () => {
    const guided = projectedGuidance({ conditional, unconditional, weight: 2, rescale: 1 });
    const plain = projectedGuidance({ conditional, unconditional, weight: 2 });
    const spread = async (model: ScoreModel): Promise<number[]> => {
      const rows = await numbers(model.predict(x, 0.5, zeros));
      return [0, 2, 4].map((i) => Math.abs(rows[i]! - rows[i + 1]!) / 2);
    };
    expect(await spread(plain)).not.toEqual(await spread(conditional));
    // The row of equal numbers has none to rescale.
    const [first, , last] = await spread(guided);
    close([first!, last!], [0.5, 0.5], 1e-6);
    const [a, b] = await numbers(plain.predict(x, 0.5, zeros));
    close((await numbers(guided.predict(x, 0.5, zeros))).slice(0, 2), [
      a! / Math.abs(a! - b!),
      b! / Math.abs(a! - b!),
    ]);
  });

  test('bad options are refused in words', () => {
    const make = (options: object) => () => projectedGuidance({ conditional, weight: 1, ...options });
    expect(make({ radius: 0 })).toThrow('projectedGuidance: radius must be a positive number, got 0.');
    expect(make({ parallel: Number.NaN })).toThrow('projectedGuidance: parallel must be a finite number');
    expect(make({ unconditional: gaussian({ process: edm(), mean: [0, 0] }) })).toThrow(
      'projectedGuidance: both models must have one process',
    );
  });
});

test('no tensor is left behind, also when the second model throws', async () => {
  const conditional = labelled();
  const broken = defineModel({
    process,
    kind: 'noise',
    predict: () => {
      throw new Error('broken');
    },
  });
  const itself = defineModel({ process, kind: 'noise', predict: (state) => state });
  const t = tf.tensor1d([0.2, 0.7, 1.5]);
  const before = tf.memory().numTensors;
  for (const time of [0.5, t]) {
    for (const weaker of [broken, itself]) {
      const models = [
        classifierFreeGuidance({ conditional, unconditional: weaker, weight: 1, rescale: 0.5 }),
        projectedGuidance({ conditional, unconditional: weaker, weight: 1, radius: 1 }),
        autoguidance({ model: conditional, weaker, weight: 1 }),
        composedGuidance({ unconditional: conditional, experts: [{ model: weaker }] }),
        autoguidance({ model: weaker, weaker: itself, weight: 1 }),
        autoguidance({ model: weaker, weaker: itself, weight: 0 }),
      ];
      for (const model of models) {
        const made = (async () => (await model.score(x, time, zeros)).dispose())();
        if (weaker === broken) await expect(made).rejects.toThrow('broken');
        else await made;
        expect(tf.memory().numTensors, model.name).toBe(before);
      }
    }
  }
  expect(x.isDisposed).toBe(false);
});

test('compositions that cannot be are refused in words', () => {
  const model = labelled();
  expect(() => composedGuidance({ unconditional: model, experts: [] })).toThrow(
    'composedGuidance: experts must be a list of at least one { model, weight }, got [].',
  );
  expect(() =>
    composedGuidance({ unconditional: model, experts: [{ model, weight: '1' as never }] }),
  ).toThrow("composedGuidance: experts[0].weight must be a finite number, got '1'");
  expect(() => composedGuidance({ unconditional: model, experts: [{} as never] })).toThrow(
    'composedGuidance: experts[0].model must be a score model',
  );
  const other = gaussian({ process: edm(), mean: [0, 0] });
  expect(() => composedGuidance({ unconditional: model, experts: [{ model }, { model: other }] })).toThrow(
    'composedGuidance: all models must have one process',
  );
  expect(() => autoguidance({ model, weaker: 3 as never, weight: 1 })).toThrow(
    'autoguidance: weaker must be a score model { process, kind, predict }, got 3.',
  );
});
