/** What holds of every exact model: gradients, second-order Tweedie, rows and times, memory, bad input. */
import { key } from '@diff/core';
import {
  type ExactModel,
  empiricalMeasure,
  gaussian,
  gaussianMixture,
  pointMasses,
  productDensity,
  uniformSpheres,
} from '@diff/score';
import {
  canonicalOu,
  type LinearProcess,
  ornsteinUhlenbeck,
  subVariancePreserving,
  varianceExploding,
  variancePreserving,
} from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, test } from 'vitest';
import posterior from './fixtures/golden/gmm-ou-posterior.json' with { type: 'json' };
import tables from './fixtures/golden/score-sde-scores.json' with { type: 'json' };

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const process = ornsteinUhlenbeck({ theta: 0.8, mu: 0.6, sigma: 1.1, T: 5 });
const means = [
  [1.5, 0.25],
  [-1, 1.2],
  [-0.6, -1.4],
];
const labels = [0, 1, 1];
const models: readonly (readonly [string, () => ExactModel])[] = [
  ['one variance', () => gaussianMixture({ process, means, weights: [5, 3, 2], variance: 0.09, labels })],
  ['own variances', () => gaussianMixture({ process, means, variance: [0.09, 0.25, 0.04], labels })],
  [
    'covariances',
    () =>
      gaussianMixture({
        process,
        means: means.slice(1),
        covariances: [
          [
            [0.3, 0.1],
            [0.1, 0.2],
          ],
          [
            [1.5, -0.4],
            [-0.4, 0.22],
          ],
        ],
        labels: [0, 1],
      }),
  ],
  ['point masses', () => pointMasses({ process, points: means, weights: [1, 2, 1], labels })],
  ['empirical measure', () => empiricalMeasure({ process, points: tf.tensor2d(means), labels })],
  [
    'spheres',
    () =>
      uniformSpheres({
        process,
        spheres: [
          { center: [-1, 0], radius: 0.8 },
          { center: [1, 0.3], radius: 0.5 },
        ],
        labels: [0, 1],
      }),
  ],
  ['a Gaussian', () => gaussian({ process, mean: [0.3, -0.2], variance: 0.5 })],
  [
    'a product',
    () =>
      productDensity({
        process,
        coordinates: [
          { logDensity: (u) => -2 * (u * u - 1) ** 2, interval: [-3, 3] },
          { logDensity: (u) => -u, interval: [0, 12] },
        ],
      }),
  ],
];
const rows = [
  [0.2, 0.1],
  [1.3, -0.4],
  [-0.7, 0.9],
  [0.1, 1.6],
];

const numbers = async (y: tf.Tensor | Promise<tf.Tensor>): Promise<number[]> =>
  Array.from(await (await y).data());
function close(actual: readonly number[], expected: readonly number[], room: number, what: string): void {
  expect(actual.length, what).toBe(expected.length);
  actual.forEach((a, i) => {
    expect(Math.abs(a - expected[i]!), `${what}[${i}]: ${a} for ${expected[i]}`).toBeLessThan(
      room * (1 + Math.abs(expected[i]!)),
    );
  });
}

describe.each(models)('%s', (_, make) => {
  const x = tf.tensor2d(rows);

  test.each([0.15, 0.7, 3])('the score is the gradient of the log-density at t = %f', async (t) => {
    const model = make();
    const gradient = tf.grad((y: tf.Tensor) => tf.sum(model.logDensity(y, t)))(x);
    close(await numbers(model.score(x, t)), await numbers(gradient), 1e-4, 'score');
  });

  test.each([0.15, 0.7, 3])('second-order Tweedie: the derivative of the score at t = %f', async (t) => {
    const model = make();
    const [alpha, sigma] = [process.alpha(t), process.sigma(t)];
    const h = 2 ** -6;
    const covariance = (await (await model.posteriorCovariance(x, t)).array()) as number[][][];
    for (let j = 0; j < 2; j++) {
      const shifted = (by: number) =>
        numbers(model.score(tf.tensor2d(rows.map((row) => row.map((v, i) => v + (i === j ? by : 0)))), t));
      // fourth-order central differences
      const [a, b, c, d] = await Promise.all([shifted(-2 * h), shifted(-h), shifted(h), shifted(2 * h)]);
      rows.forEach((__, n) => {
        for (let i = 0; i < 2; i++) {
          const k = 2 * n + i;
          const difference = (a![k]! - 8 * b![k]! + 8 * c![k]! - d![k]!) / (12 * h);
          const expected =
            (i === j ? -1 : 0) / sigma ** 2 + (alpha ** 2 / sigma ** 4) * covariance[n]![i]![j]!;
          // Logits reach 30 here, so float32 leaves them 2⁻²⁴·30·2 uncertain, and means 3 apart 5e-6; the score has that
          // over σ². The fourth-order remainder is h⁴/30·|∂⁵ log p| (σ⁻⁵ at the worst here).
          const room = 5e-6 / sigma ** 2 / h + (h ** 4 / 30) * (30 / sigma ** 5);
          expect(Math.abs(difference - expected), `∂${j} score${i} of row ${n}`).toBeLessThan(room);
        }
      });
    }
  });

  test('score, noise, denoise and every predicted kind say the same', async () => {
    const model = make();
    const t = 0.7;
    const [alpha, sigma, mean] = [process.alpha(t), process.sigma(t), process.mean(t)];
    const score = await numbers(model.score(x, t));
    const noise = await numbers(model.noise(x, t));
    const data = await numbers(model.denoise(x, t));
    const velocity = await numbers(model.predict(x, t));
    expect(model.kind).toBe('velocity');
    close(
      noise,
      score.map((s) => -sigma * s),
      1e-5,
      'noise',
    );
    close(
      data,
      score.map((s, i) => (rows.flat()[i]! - mean + sigma ** 2 * s) / alpha),
      1e-5,
      'data',
    );
    close(
      velocity,
      noise.map((e, i) => alpha * e - sigma * data[i]!),
      1e-5,
      'velocity',
    );
  });

  test('a time for each row gives what each row gives alone', async () => {
    const model = make();
    const times = [0.05, 2, 0.4, 4.5];
    const t = tf.tensor1d(times);
    for (const name of ['predict', 'logDensity', 'posteriorMean', 'posteriorCovariance', 'score'] as const) {
      const together = await numbers(model[name](x, t));
      const alone: number[] = [];
      for (const [i, row] of rows.entries())
        alone.push(...(await numbers(model[name](tf.tensor2d([row]), times[i]!))));
      close(together, alone, 1e-4, name);
    }
  });

  test('no tensor is left behind, whatever is asked', async () => {
    const model = make();
    const t = tf.tensor1d([0.1, 0.2, 0.3, 0.4]);
    const condition = tf.tensor1d([-1, -1, -1, -1], 'int32');
    const before = tf.memory().numTensors;
    for (const time of [0.5, t]) {
      for (const given of [undefined, condition]) {
        for (const name of [
          'predict',
          'logDensity',
          'posteriorMean',
          'posteriorCovariance',
          'score',
          'denoise',
          'noise',
        ] as const) {
          (await model[name](x, time, given)).dispose();
        }
      }
    }
    (await model.sample(key(1), 5)).dispose();
    await expect(model.score(tf.zeros([2, 3]), 0.5)).rejects.toThrow('x must have shape [n, 2]');
    expect(tf.memory().numTensors - before).toBe(1); // the bad x
  });

  test('draws have the mean and the covariance that the posterior tends to', async () => {
    const model = make();
    const n = 3000;
    const draws = (await (await model.sample(key(3), n)).array()) as number[][];
    // so much noise that nothing is learnt from x: posterior = prior (up to α/σ = 0.02)
    const t = 5;
    const far = tf.fill([1, 2], process.mean(t));
    const mean = await numbers(model.posteriorMean(far, t));
    const covariance = (await (await model.posteriorCovariance(far, t)).array()) as number[][][];
    for (let j = 0; j < 2; j++) {
      const values = draws.map((p) => p[j]!);
      const average = values.reduce((a, b) => a + b, 0) / n;
      const variance = values.reduce((a, b) => a + (b - average) ** 2, 0) / (n - 1);
      const fourth = values.reduce((a, b) => a + (b - average) ** 4, 0) / n;
      expect(Math.abs(average - mean[j]!)).toBeLessThan(4 * Math.sqrt(variance / n) + 0.01);
      expect(Math.abs(variance - covariance[0]![j]![j]!)).toBeLessThan(
        4 * Math.sqrt((fourth - variance ** 2) / n) + 0.01,
      );
    }
    const cut = await (await model.sample(key(3), 10, { firstRow: 700 })).array();
    expect(cut).toEqual(draws.slice(700, 710));
  });
});

describe('conditions', () => {
  const x = tf.tensor2d(rows);
  const conditional = models.filter(([name]) => !['a Gaussian', 'a product'].includes(name));

  test.each(conditional)('%s: Bayes’ rule ties the classes to the whole', async (_, make) => {
    const model = make();
    const t = 0.6;
    const given = async (label: number) => numbers(model.logDensity(x, t, tf.fill([4], label, 'int32')));
    const [zero, one, all] = await Promise.all([given(0), given(1), given(-1)]);
    close(all!, await numbers(model.logDensity(x, t)), 1e-6, 'unconditional');
    // p = w₀ p₀ + w₁ p₁: solve for w₀ at one row, check at the others
    const weights = rows.map(
      (__, i) => (Math.exp(all![i]!) - Math.exp(one![i]!)) / (Math.exp(zero![i]!) - Math.exp(one![i]!)),
    );
    for (const w of weights) expect(w).toBeCloseTo(weights[0]!, 3);
    expect(weights[0]).toBeGreaterThan(0.1);
    expect(weights[0]).toBeLessThan(0.9);
  });

  test.each(conditional)('%s: labels are taken row by row', async (_, make) => {
    const model = make();
    const mixed = [1, -1, 0, 1];
    const t = tf.tensor1d([0.3, 0.6, 0.9, 1.2]);
    const together = await numbers(model.score(x, t, tf.tensor1d(mixed, 'int32')));
    const alone: number[] = [];
    for (const [i, row] of rows.entries()) {
      const condition = tf.tensor1d([mixed[i]!], 'int32');
      alone.push(...(await numbers(model.score(tf.tensor2d([row]), [0.3, 0.6, 0.9, 1.2][i]!, condition))));
    }
    close(together, alone, 1e-5, 'score');
  });

  test('a label that no component carries is named', async () => {
    const model = gaussianMixture({ process, means, labels });
    await expect(model.score(x, 1, tf.fill([4], 7, 'int32'))).rejects.toThrow(
      'gaussianMixture: every label must be -1 (no condition) or one of 0, 1, got 7. Give the model labels, or condition on one that it has.',
    );
    await expect(model.score(x, 1, tf.fill([3], 0, 'int32'))).rejects.toThrow(
      'condition must have shape [4] (one label per row)',
    );
    await expect(gaussian({ process, mean: [0, 0] }).score(x, 1, tf.fill([4], 0, 'int32'))).rejects.toThrow(
      'none (the model has no labels)',
    );
    const draws = (await (await model.sample(key(1), 200, { label: 0 })).array()) as number[][];
    const average = draws.reduce((sum, p) => sum + p[0]!, 0) / 200;
    expect(Math.abs(average - 1.5)).toBeLessThan(4 / Math.sqrt(200));
  });
});

describe('closed forms', () => {
  test('a fair coin: E[X₀ | x] = tanh(α x/σ²)', async () => {
    const ou = canonicalOu({ T: 5 });
    const coin = pointMasses({ process: ou, points: [[-1], [1]] });
    for (const t of [0.01, 0.3, 2]) {
      for (const value of [-2, -0.1, 0.003, 0.6]) {
        const expected = Math.tanh((ou.alpha(t) * value) / ou.sigma(t) ** 2);
        const [mean] = await numbers(coin.posteriorMean(tf.tensor2d([[value]]), t));
        expect(Math.abs(mean! - expected)).toBeLessThan(1e-5);
        const [variance] = await numbers(coin.posteriorCovariance(tf.tensor2d([[value]]), t));
        expect(Math.abs(variance! - (1 - expected ** 2))).toBeLessThan(1e-5);
      }
    }
  });

  test('images keep their shape and the nearest one wins as the noise goes', async () => {
    const images = tf.tensor4d(
      Array.from({ length: 3 * 16 }, (_, i) => Math.sin(i)),
      [3, 4, 4, 1],
    );
    const memorising = empiricalMeasure({ process, points: images });
    expect(memorising.eventShape).toEqual([4, 4, 1]);
    const t = 1e-4;
    const noisy = tf.add(
      tf.mul(tf.slice(images, [1, 0, 0, 0], [1, 4, 4, 1]), process.alpha(t)),
      process.mean(t) + 0.01,
    );
    const denoised = await memorising.denoise(noisy, t);
    expect(denoised.shape).toEqual([1, 4, 4, 1]);
    close(
      await numbers(denoised),
      await numbers(tf.slice(images, [1, 0, 0, 0], [1, 4, 4, 1])),
      1e-6,
      'image',
    );
    expect((await memorising.sample(key(2), 5)).shape).toEqual([5, 4, 4, 1]);
    expect((await memorising.posteriorCovariance(noisy, t)).shape).toEqual([1, 16, 16]);
  });
});

describe('scores at the marginals of score_sde_pytorch', () => {
  const problems: Record<string, { weights: number[]; means: number[][]; stds?: number[] }> =
    posterior.problems;
  const processOf = (sde: string, p0: number, p1: number): LinearProcess => {
    const schedule = { schedule: 'linear', betaMin: p0, betaMax: p1, T: 1 } as const;
    if (sde === 'VP') return variancePreserving(schedule);
    if (sde === 'subVP') return subVariancePreserving(schedule);
    return varianceExploding({ sigmaMin: p0, sigmaMax: p1, T: 1, dataHasSigmaMin: true });
  };

  test.each(tables.cases)('$sde $problem t = $t', async ({ sde, problem, params, t, std, x, score }) => {
    const { weights, means: centres, stds } = problems[problem]!;
    const model = gaussianMixture({
      process: processOf(sde, params.p0, params.p1),
      weights,
      means: centres,
      variance: stds!.map((s) => s * s),
    });
    const got = await numbers(model.score(tf.tensor2d(x), t));
    // float32 rounds x by 6e-8 |x|, and the score's slope is at most 1/min(s² α² + σ²) plus the mixing term
    const alpha = model.process.alpha(t);
    const narrow = (alpha * Math.min(...stds!)) ** 2 + std ** 2;
    const size = Math.max(...x.flat().map(Math.abs), 1);
    const spread = Math.max(...score.flat().map(Math.abs));
    score.flat().forEach((s, i) => {
      expect(Math.abs(got[i]! - s)).toBeLessThan(
        4e-7 * (size / narrow) * (1 + spread * Math.sqrt(narrow)) + 2e-6 * Math.abs(s),
      );
    });
  });
});

describe('float32 at the ends', () => {
  test.each([1e-7, 1e-5, 1e-3])('the score of a smooth density keeps its digits at t = %f', async (t) => {
    const ou = canonicalOu({ T: 50 });
    const mixture = {
      process: ou,
      means: [[1], [-1]],
      weights: [1, 1],
    };
    const x = tf.tensor2d([[0.3], [-1.7], [4]]);
    const v = ou.alpha(t) ** 2 * 0.25 + ou.sigma(t) ** 2;
    const expected = [0.3, -1.7, 4].map(
      (value) => (ou.alpha(t) * Math.tanh((ou.alpha(t) * value) / v) - value) / v,
    );
    for (const variance of [0.25, [0.25, 0.25]]) {
      close(await numbers(gaussianMixture({ ...mixture, variance }).score(x, t)), expected, 3e-6, 'score');
    }
  });

  test('at t = 0 a mixture with widths is its own density', async () => {
    const model = gaussian({ process, mean: [1], variance: 4 });
    close(
      await numbers(model.logDensity(tf.tensor2d([[2]]), 0)),
      [-0.125 - 0.5 * Math.log(8 * Math.PI)],
      1e-6,
      'log p',
    );
    close(await numbers(model.score(tf.tensor2d([[2]]), 0)), [-0.25], 1e-6, 'score');
  });

  test('far out in time (α = 2e-22) everything stays finite and right', async () => {
    const ou = canonicalOu({ T: 50 });
    const x = tf.tensor2d([[0.5, -2]]);
    for (const model of [
      gaussianMixture({
        process: ou,
        means: [
          [3, 0],
          [-3, 1],
        ],
        variance: 0.2,
      }),
      gaussianMixture({
        process: ou,
        means: [
          [3, 0],
          [-3, 1],
        ],
        variance: [0.2, 0.1],
      }),
      pointMasses({
        process: ou,
        points: [
          [3, 0],
          [-3, 1],
        ],
      }),
      uniformSpheres({
        process: ou,
        spheres: [
          { center: [3, 0], radius: 1 },
          { center: [-3, 1], radius: 1 },
        ],
      }),
    ]) {
      close(await numbers(model.posteriorMean(x, 50)), [0, 0.5], 1e-5, `${model.name} mean`);
      close(await numbers(model.score(x, 50)), [-0.5, 2], 1e-5, `${model.name} score`);
      close(
        await numbers(model.logDensity(x, 50)),
        [-2.125 - Math.log(2 * Math.PI)],
        1e-5,
        `${model.name} density`,
      );
    }
  });

  test('far out in space the nearest component rules', async () => {
    const model = gaussianMixture({
      process: canonicalOu({ T: 5 }),
      means: [
        [2, 0],
        [-2, 0],
      ],
      variance: 1,
    });
    const x = tf.tensor2d([[1e4, -1e4]]);
    close(await numbers(model.score(x, 0.01)), [2 * Math.exp(-0.01) - 1e4, 1e4], 1e-6, 'score');
  });
});

test('a mixture whose α is below float32: the posterior is the prior', async () => {
  const law = gaussianMixture({
    process: canonicalOu({ T: 110 }), // α = e⁻¹¹⁰
    means,
    weights: [5, 3, 2],
    variance: 0.09,
  });
  const mean = await law.posteriorMean(tf.tensor2d([[0.3, -2]]), 110);
  const prior = [0, 1].map((j) => 0.5 * means[0]![j]! + 0.3 * means[1]![j]! + 0.2 * means[2]![j]!);
  const found = await mean.data();
  prior.forEach((value, j) => {
    expect(found[j]).toBeCloseTo(value, 6);
  });
});

describe('bad input is refused in words', () => {
  test.each<readonly [() => unknown, string]>([
    [
      () => gaussianMixture({ process, means: [] }),
      'gaussianMixture: means must be at least one list of numbers, all of one length',
    ],
    [
      () => gaussianMixture({ process, means: [[1], [1, 2]] }),
      'gaussianMixture: means must be at least one list of numbers, all of one length',
    ],
    [
      () => gaussianMixture({ process, means: [[1, Number.NaN]] }),
      'gaussianMixture: means[0][1] must be a finite number, got NaN',
    ],
    [
      () => gaussianMixture({ process, means, weights: [1, -1, 1] }),
      'gaussianMixture: weights must be non-negative finite numbers, got -1 at [1]. Pass probabilities or any multiple of them.',
    ],
    [
      () => gaussianMixture({ process, means, weights: [0, 0, 0] }),
      'gaussianMixture: weights must have a positive sum, got 0. Give at least one component some weight.',
    ],
    [
      () => gaussianMixture({ process, means, weights: [1, 1] }),
      'gaussianMixture: weights must have length 3 (one per component), got 2',
    ],
    [
      () => gaussianMixture({ process, means, variance: -1 }),
      'gaussianMixture: variance must not be negative, got -1',
    ],
    [
      () => gaussianMixture({ process, means, variance: [1, 1] }),
      'gaussianMixture: variance must be a number or a list of 3 (one per mean), got 2',
    ],
    [
      () => gaussianMixture({ process, means, variance: [1, 0, 1] }),
      'gaussianMixture: variance[1] must be positive, got 0',
    ],
    [
      () =>
        gaussian({
          process,
          mean: [0, 0],
          covariance: [
            [1, 0.5],
            [0.4, 1],
          ],
        }),
      'gaussian: covariances[0] must be symmetric, got 0.4 at [1][0] and 0.5 at [0][1]. Pass (C + Cᵀ)/2.',
    ],
    [
      () =>
        gaussian({
          process,
          mean: [0, 0],
          covariance: [
            [1, 2],
            [2, 1],
          ],
        }),
      'gaussian: covariances[0] must be positive definite, got an eigenvalue of -',
    ],
    [
      () => gaussian({ process, mean: [0, 0], covariance: [[1, 0]] }),
      'gaussian: covariances[0] must be a 2 × 2 matrix, got 1 rows of lengths 2',
    ],
    [
      () => gaussian({ process, mean: [0], covariance: [[1]], variance: 1 }),
      'gaussian: variance and covariances must not both be given',
    ],
    [
      () => gaussianMixture({ process, means, labels: [0, 1] }),
      'gaussianMixture: labels must have length 3 (one per component), got 2',
    ],
    [
      () => gaussianMixture({ process, means, labels: [0, -1, 1] }),
      'gaussianMixture: labels[1] must be a non-negative integer, got -1',
    ],
    [
      () => empiricalMeasure({ process, points: tf.zeros([3]) }),
      'empiricalMeasure: points must have shape [K, …] with at least one row and element, got a tensor of shape [3]',
    ],
    [
      () => uniformSpheres({ process, spheres: [] }),
      'uniformSpheres: spheres must be a list of at least one sphere',
    ],
    [
      () => uniformSpheres({ process, spheres: [{ center: [0], radius: 0 }] }),
      'uniformSpheres: spheres[0].radius must be a positive finite number, got 0. For radius 0 use pointMasses.',
    ],
    [
      () => productDensity({ process, coordinates: [{ logDensity: () => 0, interval: [1, 1] }] }),
      'productDensity: interval must be [a, b] with a < b, got [1, 1]',
    ],
    [
      () => productDensity({ process, coordinates: [{ logDensity: Math.log, interval: [0, 1] }] }),
      'productDensity: logDensity must be finite on the whole interval, got -Infinity at 0',
    ],
  ])('%#', (make, message) => {
    expect(make).toThrow(message);
  });

  test('at evaluation', async () => {
    const model = pointMasses({ process, points: [[0, 0]] });
    const x = tf.zeros([2, 2]);
    expect(() => model.predict(x, 0)).toThrow(
      'pointMasses: a law without a density needs sigma(t) > 0, got 0. Stop at a later time, or give the components a variance.',
    );
    expect(() => model.predict(tf.zeros([2]), 1)).toThrow(
      'pointMasses: x must have shape [n, 2], got a tensor of shape [2]',
    );
    expect(() => model.predict(x, Number.NaN)).toThrow('pointMasses: t must be a finite number, got NaN');
    expect(() => model.predict(x, tf.tensor1d([1]))).toThrow('t must be a number or a tensor of shape [2]');
    expect(() => model.predict(x, 7)).toThrow(/t must/);
    await expect(model.sample(key(1), 0)).rejects.toThrow('pointMasses: n must be a positive integer, got 0');
  });
});
