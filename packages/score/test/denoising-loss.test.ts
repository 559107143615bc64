import { key, normal } from '@diff/core';
import {
  denoisingLoss,
  functionNetwork,
  logNormalTimes,
  logUniformTimes,
  type NetworkModel,
  precondition,
  uniformTimes,
  weighting,
} from '@diff/score';
import { canonicalOu, edm, ornsteinUhlenbeck, variancePreserving } from '@diff/sde';
import { expectClose } from '@diff/testkit';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import '@tensorflow/tfjs-backend-cpu';
import golden from './fixtures/golden/edm-precond.json' with { type: 'json' };

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** D(x, σ) = x/2/(1 + σ²) as a model: the recorded losses were made with it. */
const half: NetworkModel = precondition({
  process: edm({ T: 200 }),
  network: functionNetwork({
    apply: (x, c) => tf.div(tf.mul(x, 0.5), tf.reshape(tf.add(1, tf.square(c)), [-1, 1])),
  }),
  preconditioning: {
    name: 'plain',
    sigmaData: 0.5,
    scalings: ({ t }) => ({ skip: 0, out: 1, input: 1, noiseLevel: t }),
  },
});

describe('denoisingLoss', () => {
  const weightings = { VPLoss: 'noise', VELoss: 'noise', EDMLoss: 'edm' } as const;
  for (const row of golden.cases.filter((c) => c.kind === 'loss')) {
    it(`${row.cls}: every element is that of the published code`, async () => {
      const choice = weightings[row.cls as keyof typeof weightings];
      for (const [i, sigma] of row.sigma.entries()) {
        for (const [j, value] of row.images![i]!.entries()) {
          const loss = denoisingLoss({
            model: half,
            x0: tf.tensor2d([[value]]),
            noise: tf.tensor2d([[row.noise![i]![j]!]]),
            times: [sigma],
            weighting: choice,
          });
          // the recorded value is w(D − x0)² of float64; float32 rounding of D − x0 enters times 2w|D − x0|
          const expected = row.loss_elementwise![i]![j]!;
          const w = weighting(choice, { process: half.process, sigmaData: 0.5 })(sigma);
          const scale = Math.max(Math.abs(value), Math.abs(row.x_noisy![i]![j]!));
          const slack = 2 * Math.sqrt(w * expected) * Math.sqrt(w) * scale * 2e-7 + w * (scale * 2e-7) ** 2;
          expectClose(
            await loss.data(),
            [expected],
            { absolute: slack, relative: 1e-6 },
            `row ${i} column ${j}`,
          );
        }
      }
    });
  }

  it("time laws draw the published code's noise levels", () => {
    const find = (cls: string) => golden.cases.find((c) => c.cls === cls)!;
    const vp = variancePreserving({ schedule: 'linear', betaMin: 0.1, betaMax: 20 });
    const vpLaw = uniformTimes({ process: vp, from: 1e-5 });
    const ratios = find('VPLoss').rand_uniform!.map((u) => {
      const t = vpLaw.quantile(1 - u);
      return vp.sigma(t) / vp.alpha(t);
    });
    expectClose(ratios, find('VPLoss').sigma, { relative: 1e-9 });
    const veLaw = logUniformTimes({ process: edm({ T: 100 }), from: 0.02 });
    expectClose(
      find('VELoss').rand_uniform!.map((u) => veLaw.quantile(u)),
      find('VELoss').sigma,
      { relative: 1e-9 },
    );
    // Φ of 0.5 and 1.5, so ln σ = −1.2 + 1.2·0.5 and −1.2 + 1.2·1.5
    const edmLaw = logNormalTimes({ process: edm() });
    const phi = [0.6914624612740131, 0.9331927987311419];
    expectClose(
      phi.map((u) => edmLaw.quantile(u)),
      [Math.exp(-0.6), Math.exp(0.6)],
      { relative: 1e-12 },
    );
  });

  it('differs from explicit score matching by a constant: the gradients agree in expectation', async () => {
    // Data N(1.5, 0.6²) under the canonical OU process; s_θ(x) = a x + b at one time.
    const process = canonicalOu({ T: 4 });
    const t = 0.35;
    const [alpha, sigma] = [process.alpha(t), process.sigma(t)];
    const mean = alpha * 1.5;
    const variance = (alpha * 0.6) ** 2 + sigma ** 2;
    const [a, b] = [tf.variable(tf.scalar(-0.4)), tf.variable(tf.scalar(0.3))];
    const input = 1 / Math.hypot(sigma, alpha);
    const model = precondition({
      process,
      sigmaData: 1,
      preconditioning: 'score',
      network: functionNetwork({ variables: { a, b }, apply: (x) => tf.add(tf.mul(tf.div(x, input), a), b) }),
    });
    // ½ gradient of σ² E|s_θ − s|², s = −(x − mean)/variance, x ~ N(mean, variance):
    // e = s_θ − s = (a + 1/v) x + b − mean/v
    const slope = -0.4 + 1 / variance;
    const offset = 0.3 - mean / variance;
    const exact = [
      2 * sigma ** 2 * (slope * (variance + mean ** 2) + offset * mean),
      2 * sigma ** 2 * (slope * mean + offset),
    ];
    const batches = 40;
    const rows = 1000;
    const gradients: number[][] = [];
    for (let i = 0; i < batches; i++) {
      const [da, db] = tf.tidy(() => {
        const x0 = tf.add(1.5, tf.mul(0.6, normal(key(2 * i), [rows, 1])));
        const { grads } = tf.variableGrads(() =>
          denoisingLoss({
            model,
            x0,
            times: new Array<number>(rows).fill(t),
            noise: key(2 * i + 1),
            weighting: 'noise',
          }),
        );
        return [grads[a.name]!, grads[b.name]!];
      }) as [tf.Tensor, tf.Tensor];
      gradients.push([(await da.data())[0]!, (await db.data())[0]!]);
      tf.dispose([da, db]);
    }
    for (const [i, target] of exact.entries()) {
      const values = gradients.map((g) => g[i]!);
      const average = values.reduce((s, v) => s + v, 0) / batches;
      const spread = Math.sqrt(values.reduce((s, v) => s + (v - average) ** 2, 0) / (batches - 1) / batches);
      expect(
        Math.abs(average - target),
        `component ${i}: ${average} against ${target} ± ${spread}`,
      ).toBeLessThan(4 * spread);
      expect(spread).toBeLessThan(0.05 * Math.abs(target)); // else the test would see nothing
    }
    tf.dispose([a, b]);
  });

  it('weightings: noise is |ε̂ − ε|², minSnr cuts the SNR off, likelihood is g²|score error|²', () => {
    const process = variancePreserving({ schedule: 'linear' });
    const options = { process, sigmaData: 0.5 };
    for (const t of [0.01, 0.3, 1]) {
      const [alpha, sigma, g] = [process.alpha(t), process.sigma(t), process.diffusion(t)];
      const dataPerNoise = sigma / alpha; // x̂0 − x0 = −(σ/α)(ε̂ − ε)
      const dataPerScore = sigma ** 2 / alpha;
      expect(weighting('noise', options)(t) * dataPerNoise ** 2).toBeCloseTo(1, 10);
      expect((weighting('likelihood', options)(t) * dataPerScore ** 2) / g ** 2).toBeCloseTo(1, 10);
      expect(weighting('minSnr', options)(t)).toBeCloseTo(Math.min(5, (alpha / sigma) ** 2), 10);
      expect(weighting('data', options)(t)).toBe(1);
    }
    expect(weighting('minSnr', { ...options, gamma: 2 })(0.001)).toBe(2);
  });

  it('is w(t)|D(X_t, t) − X₀|² of the model itself, for every preconditioning and process', async () => {
    const processes = [
      edm(),
      variancePreserving({ schedule: 'linear' }),
      ornsteinUhlenbeck({ theta: 0.7, mu: 1.5, sigma: 0.9, T: 3 }),
    ];
    const network = functionNetwork({ apply: (x, c) => tf.sin(tf.add(x, tf.reshape(c, [-1, 1]))) });
    const x0 = normal(key(1), [3, 2]);
    const noise = normal(key(2), [3, 2]);
    const [clean, epsilon] = [Array.from(await x0.data()), Array.from(await noise.data())];
    for (const process of processes) {
      const times = [0.05, 0.3, 0.8].map((u) => u * process.T);
      const xt = tf.tensor2d(
        Array.from(clean, (x, i) => {
          const t = times[i >> 1]!;
          return process.alpha(t) * x + process.mean(t) + process.sigma(t) * epsilon[i]!;
        }),
        [3, 2],
      );
      for (const name of ['edm', 'velocity', 'score'] as const) {
        const model = precondition({ network, process, preconditioning: name, sigmaData: 0.8 });
        const denoised = await (await model.denoise(xt, tf.tensor1d(times))).data();
        const w = weighting('noise', { process, sigmaData: 0.8 });
        const expected = clean.reduce(
          (sum, x, i) => sum + (w(times[i >> 1]!) * (denoised[i]! - x) ** 2) / 6,
          0,
        );
        const loss = denoisingLoss({ model, x0, times, noise, weighting: 'noise' });
        // float32 times per row, and c_noise = t up to 80 inside a sine: 80·2⁻²⁴·c_out
        expectClose(await loss.data(), [expected], { relative: 1e-3 }, `${process.type} ${name}`);
      }
    }
  });

  it('a key gives the noise of normal(key)', async () => {
    const x0 = normal(key(1), [6, 2]);
    const times = [0.1, 0.2, 0.5, 1, 3, 10];
    const keyed = denoisingLoss({ model: half, x0, times, noise: key(9) });
    const given = denoisingLoss({ model: half, x0, times, noise: normal(key(9), [6, 2]) });
    expectClose(await keyed.data(), await given.data(), { relative: 1e-6 });
  });

  it('refuses what it cannot use', () => {
    const x0 = tf.zeros([2, 1]);
    expect(() => denoisingLoss({ model: half, x0, times: [1], noise: key(1) })).toThrow(
      'denoisingLoss: times must hold one time for each of the 2 rows of x0, got 1.',
    );
    expect(() => denoisingLoss({ model: half, x0, times: [1, 0], noise: key(1) })).toThrow(
      'denoisingLoss: the loss must be finite at every training time, got alpha = 1, sigma = 0 at t = 0',
    );
    expect(() =>
      denoisingLoss({ model: half, x0, times: [1, 1], noise: key(1), weighting: () => -1 }),
    ).toThrow('weighting: the weight must be a finite number ≥ 0, got -1 at t = 1.');
    const wide = precondition({
      network: functionNetwork({ apply: (x) => tf.tile(x, [1, 2]) }),
      process: edm(),
    });
    expect(() => denoisingLoss({ model: wide, x0, times: [1, 1], noise: key(1) })).toThrow(
      "denoisingLoss: the network's output must have the shape of its input, a tensor of shape [2, 1], got a tensor of shape [2, 2].",
    );
  });
});
