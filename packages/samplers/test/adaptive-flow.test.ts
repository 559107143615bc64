/**
 * Adaptive probability flow: the order of the two pairs in float64, score_sde's ODE sampler (scipy RK45, rtol 1e-11),
 * exact endpoints, what it reports, and how it gives up.
 */
import '@tensorflow/tfjs-backend-cpu';
import { isDiffError, key } from '@diff/core';
import { defineModel, type ScoreModel } from '@diff/score';
import {
  edm,
  type LinearProcess,
  subVariancePreserving,
  varianceExploding,
  variancePreserving,
} from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { EmbeddedPair } from '../src/adaptive-flow-sampler.ts';
import { BOGACKI_SHAMPINE } from '../src/bogacki-shampine.ts';
import { DORMAND_PRINCE } from '../src/dormand-prince.ts';
import { flowStep, type StageForm } from '../src/flow-runge-kutta.ts';
import {
  type AttemptReport,
  bogackiShampine,
  dormandPrince,
  eulerMaruyama,
  reverseDiffusion,
  type Sampler,
  sample,
} from '../src/index.ts';
import { gaussianModel } from './affine-law.ts';
import { exactModel } from './exact-score.ts';
import { deviation, goldenCases, latents, problem, type Rows } from './golden.ts';
import { tableProcess } from './table-process.ts';

let tensors = 0;
beforeAll(async () => {
  await tf.setBackend('cpu');
});
beforeEach(() => {
  tensors = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensors);
});

describe('orders in float64', () => {
  const process = edm({ T: 4 });
  /** ε̂ of ½ N(1, 0.09) + ½ N(−1, 0.09). */
  const noise = (x: number, s: number): number => {
    const v = 0.09 + s * s;
    return (s / v) * (x - Math.tanh(x / v));
  };
  const value = (f: StageForm, x: number, p: readonly number[]): number =>
    f.p.reduce((sum, w, j) => sum + w * p[j]!, f.x * x + f.constant);
  const oneStep = (pair: EmbeddedPair, x: number, t: number, r: number): { end: number; error: number } => {
    const form = flowStep({ process, kind: 'noise' }, pair.tableau, t, r);
    const p: number[] = [];
    for (const stage of form.stages) p.push(noise(value(stage.state, x, p), process.sigma(stage.t)));
    return { end: value(form.end, x, p), error: value(form.combination(pair.error), 0, p) };
  };
  const run = (pair: EmbeddedPair, n: number): number => {
    let x = 0.3;
    for (let i = 0; i < n; i++) x = oneStep(pair, x, 2 - (1.8 * i) / n, 2 - (1.8 * (i + 1)) / n).end;
    return x;
  };
  for (const pair of [DORMAND_PRINCE, BOGACKI_SHAMPINE]) {
    test(`${pair.name}: order ${pair.order}`, () => {
      const exact = run(DORMAND_PRINCE, 6000);
      const [coarse, fine] = [64, 256].map((n) => Math.abs(run(pair, n) - exact)) as [number, number];
      expect(Math.abs(Math.log(coarse / fine) / Math.log(4) - pair.order)).toBeLessThan(0.3);
    });

    test(`${pair.name}: the error estimate has order ${pair.errorOrder}`, () => {
      const [coarse, fine] = [0.02, 0.005].map((h) => Math.abs(oneStep(pair, 0.3, 1, 1 - h).error)) as [
        number,
        number,
      ];
      expect(Math.abs(Math.log(coarse / fine) / Math.log(4) - pair.errorOrder)).toBeLessThan(0.3);
    });
  }
});

interface Case {
  readonly sde: 'VP' | 'subVP' | 'VE';
  readonly params: { readonly p0: number; readonly p1: number; readonly N: number };
  readonly problem: string;
  readonly rtol: number;
  readonly denoise: boolean;
  readonly eps: number;
  readonly x_0: Rows;
}

function processOf({ sde, params: { p0, p1 } }: Case): LinearProcess {
  if (sde === 'VE') return varianceExploding({ sigmaMin: p0, sigmaMax: p1, dataHasSigmaMin: true });
  const betas = { schedule: 'linear', betaMin: p0, betaMax: p1, T: 1 } as const;
  return sde === 'VP' ? variancePreserving(betas) : subVariancePreserving(betas);
}

/** score_sde's `denoise`: the mean of one reverse-diffusion step with the first entry of an N-step chain. */
async function denoised(c: Case, model: ScoreModel, x: tf.Tensor): Promise<tf.Tensor> {
  const { p0, N } = c.params;
  const beta = p0 / N;
  const entry =
    c.sde === 'VE' ? { alpha: 1, sigma: p0 } : { alpha: Math.sqrt(1 - beta), sigma: Math.sqrt(beta) };
  const chain = tableProcess([{ alpha: 1, sigma: 0 }, entry]);
  const prediction = await model.predict(x, c.eps);
  const predictor: Sampler =
    c.sde === 'subVP' ? eulerMaruyama({ finalNoise: false }) : reverseDiffusion({ finalNoise: false });
  const out = await predictor.step({
    process: c.sde === 'subVP' ? model.process : chain,
    kind: 'score',
    x,
    t: c.sde === 'subVP' ? c.eps : 1,
    next: c.sde === 'subVP' ? c.eps - 1 / N : 0,
    index: 0,
    steps: 1,
    grid: [],
    key: key(0),
    firstRow: 0,
    history: new Map(),
    predict: async () => prediction,
  });
  tf.dispose([x, prediction]);
  return out;
}

describe('score_sde ODE sampler', () => {
  const all = goldenCases<Case>('score-sde-ode');
  // The rows at rtol 1e-5 hold scipy's own error; compared to what that leaves them.
  test.each(
    all.map((c) => [`${c.sde} ${c.problem} rtol ${c.rtol}${c.denoise ? ' denoised' : ''}`, c] as const),
  )('%s', async (_title, c) => {
    const model = exactModel(problem(c.problem), processOf(c), 'score');
    const initial = tf.tensor2d(latents(c.problem, c.sde === 'VE' ? c.params.p1 : 1));
    const sampler = dormandPrince({ relativeTolerance: 1e-6, absoluteTolerance: 1e-6 });
    const grid = [1, c.eps];
    let x = await sample({ model, sampler, grid, shape: initial.shape, key: key(0), initial });
    if (c.denoise) x = await denoised(c, model, x);
    const { worst } = await deviation(x, c.x_0);
    expect(worst).toBeLessThan(c.rtol < 1e-8 ? 1e-4 : 1e-3);
    tf.dispose([x, initial]);
  });
});

describe('runs', () => {
  const process = edm({ T: 20 });
  const data = { mean: 0.7, variance: 0.25 };
  const exact = (u: number, t: number): number => 0.7 + u * Math.hypot(0.5, t);
  const start = [-1.5, -0.5, 0.4, 2];
  const run = async (
    make: (o: { onAttempt: (r: AttemptReport) => void }) => Sampler,
    grid: readonly number[],
  ): Promise<{ worst: number; log: AttemptReport[]; nfe: number }> => {
    const log: AttemptReport[] = [];
    let nfe = 0;
    const initial = tf.tensor2d(start.map((u) => [exact(u, 20)]));
    const x = await sample({
      model: gaussianModel(process, data, 'data'),
      sampler: make({ onAttempt: (r) => log.push(r) }),
      grid,
      shape: [4, 1],
      key: key(0),
      initial,
      onStep: (report) => {
        nfe = report.nfe;
      },
    });
    const got = await x.data();
    tf.dispose([x, initial]);
    return { worst: Math.max(...start.map((u, i) => Math.abs(exact(u, 0.01) - got[i]!))), log, nfe };
  };

  for (const [name, make, stages] of [
    ['dormandPrince', dormandPrince, 6],
    ['bogackiShampine', bogackiShampine, 3],
  ] as const) {
    test(`${name}: a tighter tolerance is more work and less error`, async () => {
      const at = (tolerance: number): ReturnType<typeof run> =>
        run((o) => make({ relativeTolerance: tolerance, absoluteTolerance: tolerance, ...o }), [20, 1, 0.01]);
      const [loose, tight] = [await at(1e-3), await at(1e-5)];
      // Errors of single steps are within the tolerance and the flow contracts: a few times the tolerance in all.
      expect(loose.worst).toBeLessThan(2e-2);
      expect(tight.worst).toBeLessThan(2e-4);
      expect(tight.worst).toBeLessThan(loose.worst);
      expect(tight.log.length).toBeGreaterThan(loose.log.length);
      // One evaluation to start each of the two intervals.
      expect(tight.nfe).toBe(2 + stages * tight.log.length);
      const last = tight.log.at(-1)!;
      expect(last.accepted).toBe(tight.log.filter((r) => r.error <= 1).length);
      expect(last.rejected).toBe(tight.log.filter((r) => !(r.error <= 1)).length);
      expect(last.next).toBe(0.01);
      expect(tight.log.some((r) => r.next === 1)).toBe(true);
    });
  }

  test('memory does not grow with the inner steps', async () => {
    let most = 0;
    const model = gaussianModel(process, data, 'data');
    const peak = async (tolerance: number): Promise<number> => {
      most = 0;
      let attempts = 0;
      const x = await sample({
        model,
        sampler: bogackiShampine({
          relativeTolerance: tolerance,
          absoluteTolerance: tolerance,
          onAttempt: () => {
            attempts++;
            most = Math.max(most, tf.memory().numTensors - tensors);
          },
        }),
        grid: [20, 0.01],
        shape: [4, 1],
        key: key(0),
      });
      x.dispose();
      // The watch over NaN keeps one scalar for each evaluation until the interval is over.
      return most - 3 * attempts;
    };
    const [few, many] = [await peak(1e-2), await peak(1e-5)];
    expect(many).toBeLessThanOrEqual(few + 1);
  });

  test('a jump in the model is met by rejections', async () => {
    const rejected: number[] = [];
    const model = defineModel({
      process,
      kind: 'noise',
      predict: (x, t) => tf.tidy(() => tf.mul(x, Number(t) > 5 ? 0.01 : 0.2)),
    });
    const sampler = dormandPrince({ onAttempt: (r) => rejected.push(r.rejected) });
    const x = await sample({ model, sampler, grid: [20, 1], shape: [3, 2], key: key(1) });
    x.dispose();
    expect(rejected.at(-1)).toBeGreaterThan(0);
  });

  test('it says where it cannot go on', async () => {
    const broken = defineModel({
      process,
      kind: 'noise',
      predict: (x, t) => tf.tidy(() => tf.mul(x, Number(t) > 5 ? 0.01 : Number.NaN)),
    });
    const go = (sampler: Sampler, model: ScoreModel = broken): Promise<unknown> =>
      sample({ model, sampler, grid: [20, 1], shape: [3, 2], key: key(1) });
    await expect(go(dormandPrince())).rejects.toThrow(
      /dormandPrince: the step size fell to nothing at t = 5\.\d+ in step 1 of 1, got an inner step of \d/,
    );
    const few = bogackiShampine({ maximumAttempts: 2 });
    await expect(go(few, gaussianModel(process, data, 'noise'))).rejects.toThrow(
      'bogackiShampine: more than 2 inner steps were needed at t = ',
    );
  });

  test('a model that throws leaves nothing behind', async () => {
    let calls = 0;
    const model = defineModel({
      process,
      kind: 'noise',
      predict: (x) => {
        if (++calls === 17) throw new Error('no more');
        return tf.mul(x, 0.01);
      },
    });
    await expect(
      sample({ model, sampler: dormandPrince(), grid: [20, 1], shape: [3, 2], key: key(1) }),
    ).rejects.toThrow('no more');
  });

  test('bad options and grids', async () => {
    const message = (make: () => unknown): string => {
      try {
        make();
      } catch (error) {
        if (isDiffError(error)) return error.message;
        throw error;
      }
      return '';
    };
    for (const make of [dormandPrince, bogackiShampine]) {
      expect(message(() => make({ relativeTolerance: 0 }))).toContain(
        'relativeTolerance must be a finite number above 0, got 0',
      );
      expect(message(() => make({ absoluteTolerance: -1 }))).toContain('absoluteTolerance must be');
      expect(message(() => make({ relativeTolerance: Number.NaN }))).toContain('got NaN');
      expect(message(() => make({ maximumAttempts: 0 }))).toContain('maximumAttempts must be');
      await expect(
        sample({
          model: gaussianModel(process, data, 'data'),
          sampler: make(),
          grid: [20, 1, 0],
          shape: [2, 1],
          key: key(0),
        }),
      ).rejects.toThrow('sigma must be positive at every time of the grid, got 0 at t = 0');
    }
  });
});
