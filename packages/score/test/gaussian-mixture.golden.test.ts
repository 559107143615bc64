/** Mixture scores, densities and posteriors against independently computed numbers. */
import { gaussianMixture } from '@diff/score';
import { canonicalOu } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, test } from 'vitest';
import posterior from './fixtures/golden/gmm-ou-posterior.json' with { type: 'json' };

beforeAll(async () => {
  await tf.setBackend('cpu');
});

interface Problem {
  readonly weights: number[];
  readonly means: number[][];
  readonly stds?: number[];
  readonly covs?: number[][][];
}
const problems: Record<string, Problem> = posterior.problems;
const process = canonicalOu({ T: 5 });

/** The largest |actual − expected| / (1 + |expected|). */
function gap(actual: ArrayLike<number>, expected: readonly number[]): number {
  expect(actual.length).toBe(expected.length);
  return Math.max(...expected.map((e, i) => Math.abs(actual[i]! - e) / (1 + Math.abs(e))));
}

function modelOf(name: string) {
  const { weights, means, stds, covs } = problems[name]!;
  return gaussianMixture({
    process,
    means,
    weights,
    ...(covs ? { covariances: covs } : { variance: stds!.map((s) => s * s) }),
  });
}

describe.each(posterior.cases.filter((c) => c.t > 0 || c.problem === 'P4full' || c.problem === 'P2'))(
  '$problem at t = $t',
  (row) => {
    // float32 rounds x by 6e-8; the log-density and score of these mixtures have slopes up to 1/0.2² = 25
    const tolerance = 2e-5;

    test('log-density', async () => {
      const x = tf.tensor2d(row.x);
      expect(gap(await modelOf(row.problem).logDensity(x, row.t).data(), row.logp)).toBeLessThan(tolerance);
    });

    test('score', async () => {
      const x = tf.tensor2d(row.x);
      const score = await modelOf(row.problem).score(x, row.t);
      expect(gap(await score.data(), row.score.flat())).toBeLessThan(tolerance);
    });

    test('posterior mean and covariance', async () => {
      const x = tf.tensor2d(row.x);
      const model = modelOf(row.problem);
      expect(gap(await model.posteriorMean(x, row.t).data(), row.post_mean.flat())).toBeLessThan(tolerance);
      const covariance = model.posteriorCovariance(x, row.t);
      if (row.post_cov) {
        expect(gap(await covariance.data(), row.post_cov.flat(2))).toBeLessThan(tolerance);
      }
      const d = row.x[0]!.length;
      const trace = tf.sum(tf.mul(covariance, tf.reshape(tf.eye(d), [1, d, d])), [1, 2]);
      expect(gap(await trace.data(), row.post_cov_trace)).toBeLessThan(tolerance * d);
    });
  },
);

test('one variance for all components streams to the same numbers as one each', async () => {
  const means = problems.P3!.means;
  const stream = gaussianMixture({ process, means, weights: [4, 3, 2, 1], variance: 0.09 });
  const direct = gaussianMixture({
    process,
    means,
    weights: [4, 3, 2, 1],
    variance: [0.09, 0.09, 0.09, 0.09],
  });
  for (const row of posterior.cases.filter((c) => c.problem === 'P3')) {
    const x = tf.tensor2d(row.x);
    for (const name of ['logDensity', 'posteriorMean', 'posteriorCovariance', 'predict'] as const) {
      const expected = Array.from(await direct[name](x, row.t).data());
      expect(gap(await stream[name](x, row.t).data(), expected), `${name} at ${row.t}`).toBeLessThan(2e-5);
    }
  }
});
