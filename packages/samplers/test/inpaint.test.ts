/**
 * Inpainting and steering by observations as runs: on Gaussian data every law along the way is a Gaussian, whose mean and
 * covariance are worked out in float64 beside the run.
 */
import '@tensorflow/tfjs-backend-cpu';
import { key } from '@diff/core';
import {
  diffusionPosterior,
  gaussian,
  gaussianMixture,
  linearObservation,
  maskedObservation,
  observedGaussianMixture,
  pseudoinverseGuidance,
  type ScoreModel,
} from '@diff/score';
import { edm, karrasGrid, logSnrGrid, ornsteinUhlenbeck } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ddim, ddpm, dpmSolver, heun, inpaint, type Sampler, sample, trajectory } from '../src/index.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

interface Law {
  readonly mean: readonly number[];
  readonly covariance: readonly (readonly number[])[];
}

/** Mean and covariance of the rows. */
async function lawOf(x: tf.Tensor): Promise<Law> {
  const rows = (await x.array()) as number[][];
  x.dispose();
  const n = rows.length;
  const mean = rows[0]!.map((_, j) => rows.reduce((s, row) => s + row[j]!, 0) / n);
  const covariance = mean.map((_, i) =>
    mean.map(
      (__, j) => rows.reduce((s, row) => s + (row[i]! - mean[i]!) * (row[j]! - mean[j]!), 0) / (n - 1),
    ),
  );
  return { mean, covariance };
}

/** Within 4.5 standard errors of n Gaussian samples of that law, and more where the run has an error of its own. */
function expectLaw(actual: Law, expected: Law, n: number, room = 0): void {
  const { mean, covariance: c } = expected;
  mean.forEach((m, i) => {
    const error = 4.5 * Math.sqrt(c[i]![i]! / n) + room + 1e-5;
    expect(Math.abs(actual.mean[i]! - m), `mean ${i}: ${actual.mean[i]} for ${m}`).toBeLessThan(error);
    mean.forEach((__, j) => {
      const spread = Math.sqrt((c[i]![i]! * c[j]![j]! + c[i]![j]! ** 2) / n);
      const message = `covariance ${i}, ${j}: ${actual.covariance[i]![j]} for ${c[i]![j]}`;
      expect(Math.abs(actual.covariance[i]![j]! - c[i]![j]!), message).toBeLessThan(
        4.5 * spread + room + 1e-5,
      );
    });
  });
}

const product = (a: readonly (readonly number[])[], b: readonly (readonly number[])[]): number[][] =>
  a.map((row) => b[0]!.map((_, j) => row.reduce((s, v, k) => s + v * b[k]![j]!, 0)));

describe('inpainting', () => {
  const correlation = 0.8;
  const seen = 1.5;
  const process = ornsteinUhlenbeck({ theta: 1, mu: 0.3, sigma: Math.SQRT2, T: 4 });
  const model = gaussian({
    process,
    mean: [0, 0],
    covariance: [
      [1, correlation],
      [correlation, 1],
    ],
    kind: 'noise',
  });
  const mask = tf.tensor1d([1, 0]);
  const known = tf.tensor1d([seen, Number.NaN]);
  afterAll(() => tf.dispose([mask, known]));
  const grid = [...logSnrGrid({ process, steps: 19, end: 0.01 }), 0];

  /** Steps so long that every coefficient shows. */
  const coarse = [4, 1, 0.4];

  /** The law of the run by recursion: DDIM (b = 0) or DDPM (b = 1) with the exact x̂0 of this Gaussian. */
  function exactLaw(b: 0 | 1, resamplings: number, times: readonly number[] = grid): Law {
    const start = process.prior.std ** 2;
    let mean = [process.prior.mean, process.prior.mean];
    let covariance = [
      [start, 0],
      [0, start],
    ];
    for (let i = 0; i + 1 < times.length; i++) {
      const [t, r] = [times[i]!, times[i + 1]!];
      const [at, st, mt] = [process.alpha(t), process.sigma(t), process.mean(t)];
      const [ar, sr, mr] = [process.alpha(r), process.sigma(r), process.mean(r)];
      const shrink = sr === 0 ? 0 : (sr * at) / (st * ar); // e^{−h}
      const carry = (sr / st) * (b === 0 ? 1 : shrink);
      const gain = ar * (1 - (b === 0 ? shrink : shrink ** 2));
      const noise = b === 0 ? 0 : sr ** 2 * (1 - shrink ** 2);
      // x̂0 = α C (α² C + σ² I)⁻¹ (x − m); C has eigenvalues 1 ± correlation along (1, ±1)/√2.
      const [plus, minus] = [1 + correlation, 1 - correlation].map((e) => (at * e) / (at * at * e + st * st));
      const [same, cross] = [(plus! + minus!) / 2, (plus! - minus!) / 2];
      const step = [
        [carry + gain * same, gain * cross],
        [gain * cross, carry + gain * same],
      ];
      for (let pass = 1; pass <= resamplings; pass++) {
        const centred = mean.map((m) => [m - mt]);
        mean = product(step, centred).map(([m]) => mr + m!);
        covariance = product(product(step, covariance), step);
        mean[0] = ar * seen + mr;
        covariance = [
          [sr ** 2, 0],
          [0, covariance[1]![1]! + noise],
        ];
        if (pass === resamplings) break;
        const ratio = at / ar;
        mean = mean.map((m) => mt + ratio * (m - mr));
        const more = st ** 2 - (ratio * sr) ** 2;
        covariance = covariance.map((row, k) => row.map((v, l) => ratio ** 2 * v + (k === l ? more : 0)));
      }
    }
    return { mean, covariance };
  }

  const n = 1000;

  test.each([
    ['ddim', 0, 1],
    ['ddim', 0, 3],
    ['ddpm', 1, 1],
    ['ddpm', 1, 3],
  ] as const)(
    '%s, b = %i, each step made %i times: the law is that of the recursion',
    async (name, b, resamplings) => {
      const sampler = inpaint({ sampler: name === 'ddim' ? ddim() : ddpm(), mask, known, resamplings });
      for (const [times, rows] of [
        [grid, 1000],
        [coarse, 6000],
      ] as const) {
        const run = { model, sampler, grid: times, shape: [rows, 2], key: key(3) };
        const actual = await lawOf(await sample(run));
        if (times === grid) {
          expect(actual.mean[0]).toBeCloseTo(seen, 6);
          expect(actual.covariance[0]![0]).toBeLessThan(1e-12);
        }
        expectLaw(actual, exactLaw(b, resamplings, times), rows);
      }
    },
  );

  test('memory does not grow with the passes', async () => {
    const peak = async (resamplings: number): Promise<number> => {
      const before = tf.memory().numTensors;
      let most = 0;
      const watching = {
        ...model,
        predict: (x: tf.Tensor, t: number | tf.Tensor1D): tf.Tensor | Promise<tf.Tensor> => {
          most = Math.max(most, tf.memory().numTensors - before);
          return model.predict(x, t);
        },
      };
      const sampler = inpaint({ sampler: ddpm(), mask, known, resamplings });
      const run = { model: watching, sampler, grid: coarse, shape: [2, 2], key: key(3) };
      tf.dispose(await sample(run));
      expect(tf.memory().numTensors).toBe(before);
      return most;
    };
    // A pass leaves one scalar for the check that predictions are finite, nothing else.
    expect((await peak(40)) - (await peak(20))).toBeLessThanOrEqual(20);
  });

  test('it is biased towards the mean, and resampling takes the bias away', () => {
    const share = (b: 0 | 1, u: number): number => exactLaw(b, u).mean[1]! / (correlation * seen);
    expect(share(1, 1)).toBeLessThan(0.7);
    expect(share(0, 1)).toBeLessThan(share(1, 1));
    for (const b of [0, 1] as const) {
      const shares = [1, 2, 4, 8, 16, 32].map((u) => share(b, u));
      shares.slice(1).forEach((s, i) => {
        expect(s).toBeGreaterThan(shares[i]!);
      });
      expect(shares.at(-1)).toBeGreaterThan(0.94);
    }
  });

  test('every state of the run has the known elements at its own noise', async () => {
    const sampler = inpaint({ sampler: dpmSolver(), mask, known });
    const run = { model, sampler, grid, shape: [n, 2], key: key(3), record: { steps: [5, 12, 20] } };
    for await (const { x, t } of trajectory(run)) {
      const { mean, covariance } = await lawOf(tf.slice(x, [0, 0], [-1, 1]));
      const sigma = process.sigma(t);
      const expected = { mean: [process.alpha(t) * seen + process.mean(t)], covariance: [[sigma ** 2]] };
      expectLaw({ mean, covariance }, expected, n);
    }
  });

  test('a mask and known elements for each row', async () => {
    const masks = tf.tensor2d([
      [1, 0],
      [0, 1],
      [0, 0],
      [1, 1],
    ]);
    const values = tf.tensor2d([
      [1, 9],
      [9, 2],
      [9, 9],
      [3, 4],
    ]);
    const sampler = inpaint({ sampler: ddpm(), mask: tf.cast(masks, 'bool'), known: values });
    const x = await sample({ model, sampler, grid, shape: [4, 2], key: key(1) });
    const [a, b, c, d] = (await x.array()) as number[][];
    expect([a![0], b![1], d]).toEqual([1, 2, [3, 4]]);
    for (const free of [a![1], b![0], c![0], c![1]]) expect(Math.abs(free!)).toBeLessThan(6);
    tf.dispose([masks, values, x]);
  });

  test('bad input is refused in words', async () => {
    expect(() => inpaint({ sampler: {} as never, mask, known })).toThrow(
      'inpaint: sampler must be a sampler, got an object with no keys.',
    );
    expect(() => inpaint({ sampler: ddpm(), mask, known, resamplings: 0 })).toThrow(
      'inpaint: resamplings must be a positive integer, got 0.',
    );
    const run = (sampler: Sampler): Promise<tf.Tensor> =>
      sample({ model, sampler, grid, shape: [4, 2], key: key(1) });
    const wrong = tf.ones([3]);
    await expect(run(inpaint({ sampler: ddpm(), mask: wrong, known }))).rejects.toThrow(
      'inpaint: mask must have the shape of a row, [2], or of the batch, [4, 2], got a tensor of shape [3].',
    );
    await expect(run(inpaint({ sampler: ddpm(), mask, known: 3 as never }))).rejects.toThrow(
      'inpaint: known must have the shape of a row, [2], or of the batch, [4, 2], got 3.',
    );
    await expect(run(inpaint({ sampler: dpmSolver(), mask, known, resamplings: 2 }))).rejects.toThrow(
      /inpaint: resamplings above 1 need a sampler whose steps do not depend on earlier ones, got dpmSolver.*\. Use/,
    );
    wrong.dispose();
  });
});

describe('steering by an observation', () => {
  const process = edm({ T: 80 });
  const [mean, variance, noiseVariance] = [[0.5, -1], 0.6, 0.1];
  const prior = gaussian({ process, mean, variance });
  const grid = [...karrasGrid({ process, steps: 40, end: 0.005 }), 0];
  const n = 1500;
  const draw = async (model: ScoreModel): Promise<Law> =>
    lawOf(await sample({ model, sampler: heun(), grid, shape: [n, 2], key: key(5) }));

  test('pseudoinverse guidance of Gaussian data samples the posterior', async () => {
    const matrix = [
      [1, 0.5],
      [2, 1],
    ];
    const values = [1.2, 2.5];
    const model = pseudoinverseGuidance({
      model: prior,
      observation: linearObservation({ matrix, values }),
      noiseVariance,
      dataVariance: variance,
    });
    const exact = observedGaussianMixture({
      process,
      means: [mean],
      variance,
      matrix,
      observation: values,
      noiseVariance,
    });
    const origin = tf.zeros([1, 2]);
    const [wantedMean, wantedCovariance] = [
      exact.posteriorMean(origin, 80),
      exact.posteriorCovariance(origin, 20),
    ];
    const expected = {
      mean: Array.from(await wantedMean.data()),
      covariance: ((await wantedCovariance.array()) as number[][][])[0]!,
    };
    tf.dispose([origin, wantedMean, wantedCovariance]);
    // 40 steps of Heun's method, from N(0, 80²) rather than its convolution with the posterior.
    expectLaw(await draw(model), expected, n, 1e-2);
  });

  test('DPS: κ = v/r² gives μ + κ ∫₀¹ e^{−κ(1−s²)/2} ds (y − μ) ± √(v e^{−κ}), not the posterior', async () => {
    // The flow of the steered score, dx/dς = ς ((x − μ)/V − J (y − μ − J (x − μ))/r²) with V = v + ς², J = v/V, is linear.
    const y = 1.2;
    const ratio = variance / noiseVariance;
    const points = 2000;
    const integral = Array.from({ length: points }, (_, i) => {
      const s = (i + 0.5) / points;
      return Math.exp((-ratio * (1 - s * s)) / 2) / points;
    }).reduce((sum, v) => sum + v, 0);
    const dps = {
      mean: [mean[0]! + ratio * integral * (y - mean[0]!), mean[1]!],
      covariance: [
        [variance * Math.exp(-ratio), 0],
        [0, variance],
      ],
    };
    const mask = tf.tensor1d([1, 0]);
    const known = tf.tensor1d([y, 0]);
    const observation = maskedObservation({ mask, known });
    const actual = await draw(diffusionPosterior({ model: prior, observation, noiseVariance }));
    tf.dispose([mask, known]);
    expectLaw(actual, dps, n, 5e-3);
    // Past the observation, where the posterior mean is short of it, and with next to no variance.
    expect(dps.mean[0]).toBeGreaterThan(y);
    expect(mean[0]! + (ratio / (1 + ratio)) * (y - mean[0]!)).toBeLessThan(y);
    expect(dps.covariance[0]![0]! / (variance / (1 + ratio))).toBeLessThan(0.02);
  });

  test('on two modes pseudoinverse guidance is not exact: some samples end in the wrong one', async () => {
    const law = {
      process,
      means: [
        [1, 1],
        [-1, -1],
      ],
      variance: 0.05,
    };
    const values = [0.8];
    const exact = observedGaussianMixture({
      ...law,
      matrix: [[1, 0]],
      observation: values,
      noiseVariance,
    });
    const model = pseudoinverseGuidance({
      model: gaussianMixture(law),
      observation: linearObservation({ matrix: [[1, 0]], values }),
      noiseVariance,
      dataVariance: 1.05,
    });
    const right = async (x: tf.Tensor): Promise<number> => {
      const rows = (await x.array()) as number[][];
      x.dispose();
      return rows.filter(([, second]) => second! > 0).length / rows.length;
    };
    const shape = [n, 2];
    const wanted = await right(await exact.sample(key(6), n));
    const actual = await right(await sample({ model, sampler: heun(), grid, shape, key: key(5) }));
    expect(wanted).toBeGreaterThan(0.99);
    expect(actual).toBeGreaterThan(0.85);
    expect(actual).toBeLessThan(0.97);
  });
});
