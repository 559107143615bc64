/** Densities by the probability flow, against recorded runs of two libraries and closed forms. */
import '@tensorflow/tfjs-backend-cpu';
import type * as Core from '@diff/core';
import { key } from '@diff/core';
import {
  classifierFreeGuidance,
  defineModel,
  gaussian,
  gaussianMixture,
  PREDICTION_KINDS,
  type PredictionKind,
  type ScoreModel,
} from '@diff/score';
import {
  edm,
  fromAlphaSigma,
  type LinearProcess,
  logSnrGrid,
  ornsteinUhlenbeck,
  subVariancePreserving,
  varianceExploding,
  variancePreserving,
} from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { ddpm, heun, logLikelihood, rungeKutta4 } from '../src/index.ts';
import { noiseAndDivergence } from '../src/noise-divergence.ts';
import { golden, goldenCases, problem, type Rows } from './golden.ts';

const given = vi.hoisted(() => ({ probe: undefined as number[][] | undefined }));
/** The libraries' own probes, where a test gives them. */
vi.mock('@diff/core', async (original) => {
  const actual = await original<typeof Core>();
  const rademacher: typeof actual.rademacher = (...args) =>
    given.probe ? tf.reshape(tf.tensor2d(given.probe), [...args[1]]) : actual.rademacher(...args);
  return { ...actual, rademacher };
});

let tensors = 0;
beforeAll(async () => {
  await tf.setBackend('cpu');
});
beforeEach(() => {
  tensors = tf.memory().numTensors;
});
/** Every test must leave as many tensors as it found. */
afterEach(() => {
  given.probe = undefined;
  expect(tf.memory().numTensors).toBe(tensors);
});

function exact(name: string, process: LinearProcess, kind: PredictionKind = 'velocity'): ScoreModel {
  const { weights, means, stds } = problem(name);
  return gaussianMixture({ process, kind, means, weights, variance: stds.map((s) => s * s) });
}
async function values(x: tf.Tensor): Promise<number[]> {
  const data = Array.from(await x.data());
  x.dispose();
  return data;
}
const gap = (a: readonly number[], b: readonly number[]): number => {
  expect(a.length).toBe(b.length);
  const worst = Math.max(...a.map((v, i) => Math.abs(v - b[i]!)));
  expect(worst).not.toBeNaN();
  return worst;
};

describe('k-diffusion, log_likelihood', () => {
  interface Case {
    readonly problem: string;
    readonly sigma_min: number;
    readonly sigma_max: number;
    readonly x: Rows;
    readonly probe: Rows;
    readonly ll_probe: readonly number[];
    readonly ll_exact?: readonly number[];
  }
  const cases = goldenCases<Case>('k-diffusion-likelihood');

  test.each(cases.map((c) => [c.problem, c.sigma_max, c] as const))('%s, σ from %f', async (name, T, c) => {
    const x = tf.tensor2d(c.x as number[][]);
    const run = { model: exact(name, edm({ T })), x, grid: [T, c.sigma_min] };
    given.probe = c.probe as number[][];
    const probed = await logLikelihood({ ...run, divergence: 'hutchinson', key: key(1) });
    const wanted = [[probed, c.ll_probe] as const];
    if (c.ll_exact) wanted.push([await logLikelihood(run), c.ll_exact]);
    for (const [{ logDensity, latent }, expected] of wanted) {
      latent.dispose();
      expect(gap(await values(logDensity), expected)).toBeLessThan(1e-3);
    }
    x.dispose();
  });
});

/**
 * Each integral was recorded twice, at rtol = atol of 1e-10 and at the library's default of 1e-5, where the record also
 * holds the error of scipy's RK45 with its choice of steps: up to 1.5e-5 of the latent's size, and 5.1e-4·max(1, |log p|).
 * One run of ours, at our own tolerance, is held against both: they are the same integral, not the same steps.
 */
describe('score_sde, likelihood', () => {
  interface Case {
    readonly sde: 'VP' | 'subVP' | 'VE';
    readonly p0: number;
    readonly p1: number;
    readonly problem: string;
    readonly divergence: 'exact' | 'rademacher';
    readonly rtol: number;
    readonly logp: readonly number[];
    readonly z: Rows;
  }
  interface Recorded {
    readonly eps: number;
    readonly data: Readonly<Record<string, number[][]>>;
    readonly probes: Readonly<Record<string, number[][]>>;
    readonly cases: readonly Case[];
  }
  const { eps, data, probes, cases } = golden<Recorded>('score-sde-likelihood');
  const runs = new Map<string, Case[]>();
  for (const c of cases) {
    const name = `${c.sde} ${c.problem} ${c.divergence}`;
    runs.set(name, [...(runs.get(name) ?? []), c]);
  }
  const compared: Case[] = [];
  const processOf = ({ sde, p0, p1 }: Case): LinearProcess => {
    if (sde === 'VE') return varianceExploding({ sigmaMin: p0, sigmaMax: p1, dataHasSigmaMin: true });
    const betas = { schedule: 'linear', betaMin: p0, betaMax: p1, T: 1 } as const;
    return sde === 'VP' ? variancePreserving(betas) : subVariancePreserving(betas);
  };

  test.each([...runs])('%s', async (_, rows) => {
    const [{ problem: name, divergence }] = rows as [Case];
    const process = processOf(rows[0]!);
    const x = tf.tensor2d(data[name]!);
    const hutchinson = divergence === 'rademacher';
    if (hutchinson) given.probe = probes[name]!;
    const found = await logLikelihood({
      model: exact(name, process),
      x,
      grid: [1, eps],
      ...(hutchinson ? { divergence: 'hutchinson' as const, key: key(1) } : {}),
    });
    x.dispose();
    const [latent, logDensity] = [await values(found.latent), await values(found.logDensity)];
    for (const row of rows) {
      const { rtol, z, logp } = row;
      // From the tight record, float32 and our tolerance of 1e-5 leave 5e-6 of the latent's size and 5.3e-5 nats.
      const tight = rtol === 1e-10;
      const expected = z.flat();
      const size = Math.max(...expected.map(Math.abs));
      expect(gap(latent, expected)).toBeLessThan((tight ? 3e-5 : 1e-4) * size);
      const scales = logp.map((v) => (tight ? 1 : Math.max(1, Math.abs(v))));
      const scaled = (v: readonly number[]): number[] => v.map((e, i) => e / scales[i]!);
      expect(gap(scaled(logDensity), scaled(logp))).toBeLessThan(tight ? 2e-4 : 1e-3);
      compared.push(row);
    }
  });

  test('36 cases are read, 18 of each tolerance; 18 runs are held against all 36, none is skipped', () => {
    const tolerances = [...runs.values()].map((rows) => rows.map(({ rtol }) => rtol));
    expect(tolerances).toEqual(Array.from({ length: 18 }, () => [1e-5, 1e-10]));
    expect(cases).toHaveLength(36);
    expect(new Set(compared)).toEqual(new Set(cases));
    expect(compared).toHaveLength(36);
  });
});

describe('closed forms', () => {
  const ou = ornsteinUhlenbeck({ theta: 1, mu: 0.5, sigma: 1.2, T: 4 });
  const points = [
    [0.2, -0.1],
    [1.5, 0.7],
    [-1, 2],
  ];

  test.each(PREDICTION_KINDS)(
    'Gaussian data, the exact law at T as prior, a model that predicts %s',
    async (kind) => {
      for (const process of [ou, edm({ T: 20 }), variancePreserving()]) {
        // Isotropic about the same number in every coordinate, so that the law at T is a prior.
        const [centre, variance, end] = [0.3, 0.4, 0.01 * process.T];
        const model = gaussian({ process, mean: [centre, centre], variance, kind });
        const law = (t: number): { mean: number; std: number } => ({
          mean: process.alpha(t) * centre + process.mean(t),
          std: Math.sqrt(process.alpha(t) ** 2 * variance + process.sigma(t) ** 2),
        });
        const { mean, std } = law(end);
        const expected = points.map((row) =>
          row.reduce(
            (s, v) => s - (v - mean) ** 2 / (2 * std * std) - Math.log(std * Math.sqrt(2 * Math.PI)),
            0,
          ),
        );
        const x = tf.tensor2d(points);
        const prior = law(process.T);
        for (const more of [
          { grid: [process.T, end] },
          { grid: logSnrGrid({ process, steps: 40, end }), sampler: rungeKutta4() },
        ]) {
          const { logDensity, latent } = await logLikelihood({ model, x, prior, ...more });
          latent.dispose();
          expect(gap(await values(logDensity), expected)).toBeLessThan(5e-4);
        }
        x.dispose();
      }
    },
  );

  test('the error of a fixed-step sampler has its order', async () => {
    const model = exact('P2', edm({ T: 20 }));
    const x = tf.tensor2d(points);
    const of = async (steps: number, sampler = heun()): Promise<number[]> => {
      const grid = logSnrGrid({ process: model.process, steps, end: 0.05 });
      const { logDensity, latent } = await logLikelihood({ model, x, grid, sampler });
      latent.dispose();
      return values(logDensity);
    };
    const fine = await of(100, rungeKutta4());
    const [first, second] = [gap(await of(40), fine), gap(await of(80), fine)];
    expect(Math.log2(first / second)).toBeGreaterThan(1.7);
    x.dispose();
  });

  test('probes: unbiased, and rows do not depend on the batch', async () => {
    const model = exact('P2', edm({ T: 20 }));
    const [row] = points;
    const n = 300;
    const same = tf.tensor2d(Array.from({ length: n }, () => row!));
    const one = tf.tensor2d([row!]);
    const grid = logSnrGrid({ process: model.process, steps: 15, end: 0.05 });
    const run = { model, grid, sampler: heun() };
    const divergence = 'hutchinson' as const;
    const whole = await logLikelihood({ ...run, x: same, divergence, key: key(4) });
    const alone = await logLikelihood({ ...run, x: one, divergence, key: key(4), firstRow: 7 });
    const truth = await logLikelihood({ ...run, x: one });
    const more = await logLikelihood({ ...run, x: same, divergence, key: key(4), probes: 4 });
    const [all, exactly, four] = [
      await values(whole.logDensity),
      (await values(truth.logDensity))[0]!,
      await values(more.logDensity),
    ];
    expect((await values(alone.logDensity))[0]).toBe(all[7]);
    const spread = (v: readonly number[]): readonly [number, number] => {
      const mean = v.reduce((s, e) => s + e, 0) / n;
      return [mean, Math.sqrt(v.reduce((s, e) => s + (e - mean) ** 2, 0) / (n - 1))];
    };
    const [[mean, deviation], [, reduced]] = [spread(all), spread(four)];
    expect(deviation).toBeGreaterThan(0.01);
    expect(Math.abs(mean - exactly)).toBeLessThan(4.5 * (deviation / Math.sqrt(n)) + 1e-4);
    // Four probes halve the deviation.
    expect(reduced / deviation).toBeGreaterThan(0.4);
    expect(reduced / deviation).toBeLessThan(0.6);
    tf.dispose([same, one, whole.latent, alone.latent, truth.latent, more.latent]);
  });

  test('directions in blocks of any size give the same divergence', async () => {
    const process = edm({ T: 20 });
    const labels = tf.tensor1d([0.5, 1, 2]);
    const model = defineModel({
      process,
      kind: 'noise',
      predict: (x, _, condition) => tf.tidy(() => tf.tanh(tf.mul(x, tf.reshape(condition!, [-1, 1])))),
    });
    const x = tf.tensor2d(points.map((row) => [...row, 0.4, -0.3, 0.9]));
    const found: number[][] = [];
    for (const block of [1, 30, 45, 1000]) {
      const { noise, divergence } = noiseAndDivergence('test', model, x, 1, labels, undefined, block);
      noise.dispose();
      found.push(await values(divergence));
    }
    const wanted = points.map((row, i) => {
      const c = [0.5, 1, 2][i]!;
      return [...row, 0.4, -0.3, 0.9].reduce((s, v) => s + c * (1 - Math.tanh(c * v) ** 2), 0);
    });
    for (const divergence of found) expect(gap(divergence, wanted)).toBeLessThan(1e-5);
    tf.dispose([labels, x]);
  });

  test('images are rows', async () => {
    const flat = gaussian({ process: ou, mean: [0, 0, 0, 0] });
    const model = defineModel({
      process: ou,
      kind: 'noise',
      predict: (x, t) => {
        const total = ou.alpha(Number(t)) ** 2 + ou.sigma(Number(t)) ** 2;
        return tf.tidy(() => tf.mul(tf.sub(x, ou.mean(Number(t))), ou.sigma(Number(t)) / total));
      },
    });
    const x = tf.tensor4d([0.3, -1, 0.2, 0.8, 1, 1, 0, -0.4], [2, 2, 2, 1]);
    const rows = tf.reshape(x, [2, 4]);
    const [a, b] = [
      await logLikelihood({ model, x, grid: [4, 0.05] }),
      await logLikelihood({ model: flat, x: rows, grid: [4, 0.05] }),
    ];
    expect(a.latent.shape).toEqual([2, 2, 2, 1]);
    expect(gap(await values(a.logDensity), await values(b.logDensity))).toBeLessThan(1e-4);
    tf.dispose([x, rows, a.latent, b.latent]);
  });

  test('what cannot be is refused in words, and leaves nothing behind', async () => {
    const model = exact('P2', ou);
    const x = tf.tensor2d(points);
    const good = { model, x, grid: [4, 0.05] };
    const refused = (options: object, message: string): Promise<void> =>
      expect(logLikelihood({ ...good, ...options })).rejects.toThrow(message);
    await refused({ sampler: ddpm() }, 'logLikelihood: sampler must be deterministic, got ddpm.');
    await refused({ divergence: 'trace' }, "divergence must be one of 'exact', 'hutchinson', got 'trace'");
    await refused({ divergence: 'hutchinson' }, 'logLikelihood: key must be a key, got undefined.');
    await refused({ probes: 0 }, 'logLikelihood: probes must be a positive integer, got 0.');
    await refused({ x: undefined }, 'logLikelihood: shape must be the number of rows');
    await refused({ x: 3 }, 'logLikelihood: shape must be');
    await refused({ grid: [1, 2] }, 'logLikelihood: grid must be strictly descending');
    const flow = fromAlphaSigma({ alpha: (t) => 1 - t, sigma: (t) => t, T: 1 });
    const linear = defineModel({ process: flow, kind: 'velocity', predict: (s) => tf.clone(s) });
    await refused({ model: linear, grid: [1, 0.1] }, 'logLikelihood: alpha must be positive at every time');
    const labels = tf.tensor1d([0, 0, 0], 'int32');
    const guided = classifierFreeGuidance({ conditional: model, weight: 1 });
    await refused(
      { model: guided, condition: labels },
      'logLikelihood: the model must answer at once, with a tensor, for a gradient to go through it, got a promise',
    );
    const broken = defineModel({
      process: ou,
      kind: 'noise',
      predict: () => {
        throw new Error('broken');
      },
    });
    await refused({ model: broken }, 'broken');
    await refused({ signal: AbortSignal.abort(new Error('enough')) }, 'enough');
    await new Promise((resolve) => setTimeout(resolve, 20));
    tf.dispose([x, labels]);
  });
});
