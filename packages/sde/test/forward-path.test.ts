import { fold, key, normal } from '@diff/core';
import {
  edm,
  forwardPath,
  generalSde,
  type LinearProcess,
  ornsteinUhlenbeck,
  overdampedLangevin,
  simulateForward,
  subVariancePreserving,
  varianceExploding,
  variancePreserving,
} from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, it } from 'vitest';

beforeAll(() => tf.setBackend('cpu'));

const n = 20_000;
const x0 = 1.4;

function moments(x: ArrayLike<number>): { mean: number; variance: number } {
  const values = Array.from(x);
  const mean = values.reduce((s, v) => s + v, 0) / values.length;
  return { mean, variance: values.reduce((s, v) => s + (v - mean) ** 2, 0) / values.length };
}

/** Sample mean and variance of n normals lie within 4.5 of their standard errors. */
function agrees(x: ArrayLike<number>, mean: number, variance: number): void {
  const found = moments(x);
  expect(Math.abs(found.mean - mean)).toBeLessThan(4.5 * Math.sqrt(variance / x.length));
  expect(Math.abs(found.variance / variance - 1)).toBeLessThan(4.5 * Math.sqrt(2 / x.length));
}

const linear: readonly (readonly [string, LinearProcess])[] = [
  ['ou', ornsteinUhlenbeck({ theta: 1.2, mu: -0.5, sigma: 0.9, T: 2 })],
  ['vp', variancePreserving({ betaMin: 0.1, betaMax: 6 })],
  ['sub-VP', subVariancePreserving({ betaMin: 0.5, betaMax: 6 })],
  ['ve', varianceExploding({ sigmaMin: 0.1, sigmaMax: 4 })],
];

describe.each(linear)('forward paths of %s', (_, process) => {
  const start = (): tf.Tensor => tf.fill([n, 1], x0);
  const times = [0, 0.1, 0.35, 1].map((u) => u * process.T);

  it('exact: have the marginal at every time, and the covariance between times', async () => {
    const states: number[][] = [];
    for await (const { x, t, step } of forwardPath({ process, x0: start(), times, key: key(3) })) {
      const values = Array.from(await x.data());
      expect(t).toBe(times[step]);
      if (step > 0) agrees(values, process.alpha(t) * x0 + process.mean(t), process.sigma(t) ** 2);
      states.push(values);
    }
    expect(states.length).toBe(times.length);
    // Cov(X_r, X_t) = (α_t/α_r) σ_r²
    const [r, t] = [times[1]!, times[3]!];
    const [a, b] = [states[1]!, states[3]!];
    const [ma, mb] = [moments(a).mean, moments(b).mean];
    const covariance = a.reduce((s, v, i) => s + (v - ma) * (b[i]! - mb), 0) / n;
    const expected = (process.alpha(t) / process.alpha(r)) * process.sigma(r) ** 2;
    const spread = Math.sqrt((process.sigma(r) ** 2 * process.sigma(t) ** 2 + expected ** 2) / n);
    expect(Math.abs(covariance - expected)).toBeLessThan(4.5 * spread);
  });

  /** The law of Euler–Maruyama is Gaussian with a mean and a variance that follow a recursion. */
  const eulerLaw = (steps: number): { mean: number; variance: number } => {
    let [mean, variance] = [x0, 0];
    const h = process.T / steps;
    for (let k = 0; k < steps; k++) {
      const t = k * h;
      const factor = 1 + process.drift(t) * h;
      mean = factor * mean + process.offset(t) * h;
      variance = factor ** 2 * variance + process.diffusion(t) ** 2 * h;
    }
    return { mean, variance };
  };

  it('euler: have the law of its recursion, which tends to the marginal at order 1', async () => {
    const grid = Array.from({ length: 9 }, (_, k) => (k * process.T) / 8);
    const x = await simulateForward({ process, x0: start(), times: grid, key: key(6), method: 'euler' });
    const law = eulerLaw(8);
    agrees(await x.data(), law.mean, law.variance);
    const error = (steps: number): number =>
      Math.abs(eulerLaw(steps).variance - process.sigma(process.T) ** 2);
    expect(Math.abs(Math.log2(error(200) / error(400)) - 1)).toBeLessThan(0.3);
  });
});

describe('general processes', () => {
  it('with the coefficients of a linear one give its Euler path, in every form of g', async () => {
    const process = ornsteinUhlenbeck({ theta: 1.2, mu: -0.5, sigma: 0.9, T: 2 });
    const options = { x0: normal(key(1), [50, 3]), times: [0, 0.2, 0.9, 2], key: key(2), firstRow: 4 };
    const expected = Array.from(
      await (await simulateForward({ process, ...options, method: 'euler' })).data(),
    );
    const drift = (_t: number, x: tf.Tensor): tf.Tensor => tf.mul(tf.add(x, 0.5), -1.2);
    const diagonal = [0.9, 0.9, 0.9];
    const forms = [
      overdampedLangevin({ potentialGradient: (x) => tf.mul(tf.add(x, 0.5), 1.2), sigma: 0.9, T: 2 }),
      generalSde({ T: 2, drift, diffusion: () => 0.9 }),
      generalSde({ T: 2, drift, diffusion: (_t, x) => tf.fill([x.shape[0]!, 1], 0.9) }),
      generalSde({ T: 2, drift, noise: 'diagonal', diffusion: (_t, x) => tf.fill(x.shape, 0.9) }),
      generalSde({ T: 2, drift, noise: 'diagonal', diffusion: () => tf.tensor1d(diagonal) }),
      generalSde({ T: 2, drift, noise: 'matrix', diffusion: () => tf.mul(tf.eye(3), 0.9) }),
      generalSde({
        T: 2,
        drift,
        noise: 'matrix',
        diffusion: (_t, x) => tf.mul(tf.tile(tf.expandDims(tf.eye(3), 0), [x.shape[0]!, 1, 1]), 0.9),
      }),
    ];
    for (const general of forms) {
      const x = await (await simulateForward({ process: general, ...options })).data();
      for (const [i, v] of expected.entries()) expect(Math.abs(x[i]! - v)).toBeLessThan(2e-6);
    }
  });

  it('with more noises than coordinates have covariance g gᵀ', async () => {
    const g = [
      [1, 0.5, 0, 2],
      [0, 1, -1, 0.5],
    ];
    const process = generalSde({
      T: 1,
      noise: 'matrix',
      stateIndependent: true,
      drift: (_t, x) => tf.zerosLike(x),
      diffusion: () => tf.tensor2d(g),
    });
    const x = await simulateForward({ process, x0: tf.zeros([n, 2]), times: [0, 0.5, 1], key: key(3) });
    const values = await x.data();
    const covariance = (i: number, j: number): number => {
      let sum = 0;
      for (let row = 0; row < n; row++) sum += values[2 * row + i]! * values[2 * row + j]!;
      return sum / n;
    };
    const a = (i: number, j: number): number => g[i]!.reduce((s, v, k) => s + v * g[j]![k]!, 0);
    for (const [i, j] of [
      [0, 0],
      [0, 1],
      [1, 1],
    ] as const) {
      const spread = Math.sqrt((a(i, i) * a(j, j) + a(i, j) ** 2) / n);
      expect(Math.abs(covariance(i, j) - a(i, j))).toBeLessThan(4.5 * spread);
    }
  });

  it('Langevin dynamics settles to ∝ exp(−2U/ς²)', async () => {
    // U = (x² − 1)²/2: compare E[x²] with quadrature; Euler has a bias of order h, so halve h and extrapolate
    const sigma = 1.1;
    const process = overdampedLangevin({
      potentialGradient: (x) => tf.mul(tf.mul(2, x), tf.sub(tf.square(x), 1)),
      sigma,
      T: 6,
    });
    const rows = 3000;
    const secondMoment = async (steps: number): Promise<number> => {
      const times = Array.from({ length: steps + 1 }, (_, k) => (6 * k) / steps);
      const x = await simulateForward({ process, x0: normal(key(5), [rows, 1]), times, key: key(steps) });
      return Array.from(await x.data()).reduce((s, v) => s + v * v, 0) / rows;
    };
    let [mass, second, fourth] = [0, 0, 0];
    for (let x = -5; x <= 5; x += 1e-3) {
      const weight = Math.exp(-((x * x - 1) ** 2) / sigma ** 2);
      mass += weight;
      second += x * x * weight;
      fourth += x ** 4 * weight;
    }
    const expected = second / mass;
    const spread = Math.sqrt((fourth / mass - expected ** 2) / rows);
    const extrapolated = 2 * (await secondMoment(240)) - (await secondMoment(120));
    expect(Math.abs(extrapolated - expected)).toBeLessThan(4.5 * spread * Math.sqrt(5)); // Var(2A − B) = 5 Var
    const score = process.stationaryScore(tf.tensor2d([[0.5], [2]]));
    expect((await score.data())[0]).toBeCloseTo((2 * 2 * 0.5 * 0.75) / sigma ** 2, 5);
    expect((await score.data())[1]).toBeCloseTo((-2 * 2 * 2 * 3) / sigma ** 2, 4);
  });
});

describe('the run', () => {
  const process = edm({ T: 2 });

  it('takes step k from fold(key, k) and does not depend on how the batch is cut', async () => {
    const options = { process, times: [0, 1, 2], key: key(7) };
    const whole = Array.from(await (await simulateForward({ ...options, x0: tf.zeros([9, 2]) })).data());
    const part = await simulateForward({ ...options, x0: tf.zeros([4, 2]), firstRow: 3 });
    expect(Array.from(await part.data())).toEqual(whole.slice(6, 14));
    const [a, b] = await Promise.all([1, 2].map((k) => normal(fold(key(7), k), [9, 2]).data()));
    for (const [i, v] of whole.entries()) expect(v).toBeCloseTo(a![i]! + Math.sqrt(3) * b![i]!, 5);
  });

  it('shows every step', async () => {
    const seen: number[] = [];
    const x = await simulateForward({
      process,
      x0: tf.zeros([2, 1]),
      times: [0, 0.5, 1],
      key: key(1),
      onStep: ({ step, t }) => void seen.push(step, t),
    });
    expect(seen).toEqual([1, 0.5, 2, 1]);
    expect(x.shape).toEqual([2, 1]);
  });

  it('leaves no tensor behind: when it ends, is left early, aborted, or fails', async () => {
    const start = tf.zeros([3, 1]);
    const before = tf.memory().numTensors;
    const options = { process, x0: start, times: [0, 0.5, 1, 2], key: key(1) };
    (await simulateForward(options)).dispose();
    expect(tf.memory().numTensors).toBe(before);
    for await (const { step } of forwardPath(options)) if (step === 1) break;
    expect(tf.memory().numTensors).toBe(before);
    const abort = new AbortController();
    await expect(
      simulateForward({ ...options, signal: abort.signal, onStep: () => abort.abort(new Error('enough')) }),
    ).rejects.toThrow('enough');
    expect(tf.memory().numTensors).toBe(before);
    const failing = generalSde({
      T: 2,
      drift: (t, x) => {
        if (t > 0) throw new Error('no drift here');
        return tf.neg(x);
      },
      diffusion: (_t, x) => tf.onesLike(x),
      noise: 'diagonal',
    });
    await expect(simulateForward({ ...options, process: failing })).rejects.toThrow('no drift here');
    expect(tf.memory().numTensors).toBe(before);
    const exploding = generalSde({ T: 2, drift: (_t, x) => tf.div(x, 0), diffusion: () => 1 });
    await expect(simulateForward({ ...options, process: exploding })).rejects.toThrow(
      'simulateForward: the path must stay finite, got NaN or infinity by t = 2.',
    );
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses bad input', async () => {
    const options = { process, x0: tf.zeros([2, 1]), key: key(1) };
    const run = (more: object): Promise<tf.Tensor> => simulateForward({ ...options, times: [0, 1], ...more });
    await expect(run({ times: [1, 0.5] })).rejects.toThrow(
      'forwardPath: times must ascend strictly within [0, 2], got 0.5 at index 1.',
    );
    await expect(run({ times: [0, 3] })).rejects.toThrow('got 3 at index 1');
    await expect(run({ times: [0, Number.NaN] })).rejects.toThrow('got NaN at index 1');
    await expect(run({ times: [0] })).rejects.toThrow(
      'forwardPath: times must be a list of at least two times, got [0].',
    );
    await expect(run({ method: 'heun' })).rejects.toThrow(
      "method must be one of 'exact', 'euler', got 'heun'.",
    );
    const general = generalSde({ T: 2, drift: (_t, x) => tf.neg(x), diffusion: () => 1 });
    await expect(run({ process: general, method: 'exact' })).rejects.toThrow(
      "forwardPath: method must be 'euler' for a general process, got 'exact'.",
    );
    const ambiguous = generalSde({
      T: 2,
      drift: (_t, x) => tf.neg(x),
      diffusion: (_t, x) => tf.fill([x.shape[0]!], 1),
    });
    await expect(run({ process: ambiguous })).rejects.toThrow(
      "diffusion: g must be a number or have shape [2, 1] when noise is 'scalar', got a tensor of shape [2].",
    );
    const flat = generalSde({ T: 2, noise: 'matrix', drift: (_t, x) => tf.neg(x), diffusion: () => 1 });
    await expect(run({ process: flat })).rejects.toThrow(
      "g must have shape [d, m] or [n, d, m] when noise is 'matrix', got 1.",
    );
    expect(() => generalSde({ T: 2, drift: 1 as never, diffusion: () => 1 })).toThrow(
      'generalSde: drift must be a function of (t, x), got 1.',
    );
    expect(() => overdampedLangevin({ potentialGradient: 0 as never })).toThrow(
      'potentialGradient must be a function of x, got 0.',
    );
    expect(() => overdampedLangevin({ potentialGradient: tf.neg, sigma: -1 })).toThrow(
      'sigma must be a positive finite number, got -1.',
    );
  });
});
