/** The posterior under a linear observation against Bayes' rule itself. */
import { gaussianMixture, observedGaussianMixture } from '@diff/score';
import { canonicalOu } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, expect, test } from 'vitest';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const prior = {
  process: canonicalOu({ T: 5 }),
  means: [
    [1, 0.5, -0.3],
    [-1, -0.4, 0.8],
  ],
  weights: [0.3, 0.7],
  covariances: [
    [
      [0.5, 0.2, 0],
      [0.2, 0.4, -0.1],
      [0, -0.1, 0.3],
    ],
    [
      [1, 0, 0.3],
      [0, 0.6, 0],
      [0.3, 0, 0.9],
    ],
  ],
};
const matrix = [
  [1, 0.5, 0],
  [0, -0.7, 1.2],
];
const observation = [0.4, -0.2];
const noiseVariance = 0.05;
const points = [
  [0.2, 0.1, -0.4],
  [-0.8, 0.9, 0.3],
  [0.5, -0.6, 0.1],
];

test('at t = 0: posterior = prior × likelihood, score and density', async () => {
  const before = gaussianMixture(prior);
  const after = observedGaussianMixture({ ...prior, matrix, observation, noiseVariance });
  const x = tf.tensor2d(points);
  const residuals = points.map((p) =>
    observation.map((y, i) => y - matrix[i]!.reduce((sum, a, j) => sum + a * p[j]!, 0)),
  );
  const [old, now] = [await (await before.score(x, 0)).data(), await (await after.score(x, 0)).data()];
  points.forEach((_, n) => {
    for (let j = 0; j < 3; j++) {
      const pull = matrix.reduce((sum, row, i) => sum + row[j]! * residuals[n]![i]!, 0) / noiseVariance;
      const expected = old[3 * n + j]! + pull;
      expect(Math.abs(now[3 * n + j]! - expected)).toBeLessThan(2e-5 * (1 + Math.abs(expected)));
    }
  });
  const [logOld, logNow] = [await before.logDensity(x, 0).data(), await after.logDensity(x, 0).data()];
  const evidence = residuals.map(
    (r, n) => logOld[n]! - r.reduce((sum, v) => sum + v * v, 0) / (2 * noiseVariance) - logNow[n]!,
  );
  for (const e of evidence) expect(e).toBeCloseTo(evidence[0]!, 4);
});

test('one coordinate: the textbook formula', async () => {
  const model = observedGaussianMixture({
    process: canonicalOu({ T: 5 }),
    means: [[2]],
    variance: 0.5,
    matrix: [[3]],
    observation: [4],
    noiseVariance: 0.2,
  });
  // precision 1/0.5 + 9/0.2 = 47, mean (2/0.5 + 3·4/0.2)/47
  const [mean] = await model.posteriorMean(tf.tensor2d([[0]]), 5).data();
  const [variance] = await model.posteriorCovariance(tf.tensor2d([[0]]), 5).data();
  expect(mean).toBeCloseTo(64 / 47, 3);
  expect(variance).toBeCloseTo(1 / 47, 5);
});

test('bad input is refused in words', () => {
  const good = { ...prior, matrix, observation, noiseVariance };
  expect(() => observedGaussianMixture({ ...good, noiseVariance: 0 })).toThrow(
    'observedGaussianMixture: noiseVariance must be a positive finite number, got 0',
  );
  expect(() => observedGaussianMixture({ ...good, observation: [1] })).toThrow(
    'observedGaussianMixture: matrix and observation must have shapes [m, 3] and [m], got [2, 3] and [1].',
  );
  expect(() => observedGaussianMixture({ ...good, matrix: [[1, 2]] })).toThrow(
    'must have shapes [m, 3] and [m], got [1, 2]',
  );
  expect(() => observedGaussianMixture({ ...good, weights: [0, 0] })).toThrow(
    'weights must have a positive sum',
  );
});
