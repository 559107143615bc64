/**
 * Multistep and single-step methods: what a step costs, memory, row streams, the exact law of SA-Solver, equivalences,
 * ends of the grid, and what bad options say.
 */
import '@tensorflow/tfjs-backend-cpu';
import * as core from '@diff/core';
import type { PredictionKind } from '@diff/score';
import {
  edm,
  fromAlphaSigma,
  type LinearProcess,
  logSnrGrid,
  ornsteinUhlenbeck,
  variancePreserving,
} from '@diff/sde';
import { expectClose } from '@diff/testkit';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  deis,
  dpmSolver,
  ipndm,
  lcm,
  plms,
  pndm,
  type Sampler,
  sample,
  saSolver,
  tcd,
  uniPc,
} from '../src/index.ts';
import { gaussianModel, type Law, marginal } from './affine-law.ts';
import { forget, record } from './recorded-noise.ts';

const counts = vi.hoisted(() => ({ combine: 0, recorded: false }));

vi.mock('@diff/core', async (original) => {
  const actual = await original<typeof core>();
  const recorded = (await import('./recorded-noise.ts')).recordedCore(actual);
  return {
    ...actual,
    combine: (...args: Parameters<typeof actual.combine>) => {
      counts.combine++;
      return counts.recorded ? recorded.combine(...args) : actual.combine(...args);
    },
  };
});

beforeAll(async () => {
  await tf.setBackend('cpu');
});

afterEach(() => {
  counts.recorded = false;
  forget();
});

const { fold, key } = core;
const data: Law = { mean: 0.7, variance: 0.25 };
const vp = variancePreserving({ schedule: 'linear', betaMin: 0.1, betaMax: 20, T: 1 });

/** Each with the most `combine`s that a step may take, and evaluations beyond one a step. */
const METHODS: readonly (readonly [Sampler, combines: number, extra: number])[] = [
  [dpmSolver({ order: 3 }), 1, 0],
  [dpmSolver({ order: 3, noiseLevel: 1 }), 1, 0],
  [dpmSolver({ order: 2, multistep: false }), 1, 0],
  [dpmSolver({ order: 3, multistep: false }), 1, 0],
  [uniPc({ order: 3 }), 2, 0],
  [uniPc({ order: 2, variant: 'bh1', hold: 'noise' }), 2, 0],
  [deis(), 1, 0],
  [saSolver({ predictorOrder: 3, correctorOrder: 3 }), 2, 0],
  [saSolver({ hold: 'noise', correctorOrder: 0 }), 1, 0],
  [ipndm(), 1, 0],
  [plms(), 2, 1],
  [pndm(), 4, 9],
  [lcm(), 1, 0],
  [tcd(), 1, 0],
];

describe.each(METHODS.map(([s, c, e], i) => [`${i} ${s.name}`, s, c, e] as const))(
  '%s',
  (_n, sampler, most, extra) => {
    const model = gaussianModel(vp, data, 'velocity');
    const run = { model, sampler, key: key(4), shape: [3, 1] };

    test('costs what it says, in constant memory', async () => {
      const reports: { nfe: number; combines: number; tensors: number }[] = [];
      const before = tf.memory().numTensors;
      counts.combine = 0;
      const x = await sample({
        ...run,
        grid: logSnrGrid({ process: vp, steps: 120, end: 0.01 }),
        onStep: ({ nfe }) => {
          reports.push({ nfe, combines: counts.combine, tensors: tf.memory().numTensors });
          counts.combine = 0;
        },
      });
      expect(reports.at(-1)!.nfe).toBe(120 + extra);
      expect(sampler.nfe(120)).toBe(120 + extra);
      expect(Math.max(...reports.map((r) => r.combines))).toBe(most);
      const most60 = (from: number): number =>
        Math.max(...reports.slice(from, from + 60).map((r) => r.tensors));
      expect(most60(60)).toBeLessThanOrEqual(most60(0));
      x.dispose();
      expect(tf.memory().numTensors).toBe(before);
    });

    test('leaves nothing behind when the model fails', async () => {
      const before = tf.memory().numTensors;
      let calls = 0;
      const failing = {
        ...model,
        predict: (x: tf.Tensor, t: number | tf.Tensor1D): tf.Tensor | Promise<tf.Tensor> => {
          if (++calls === 15) throw new Error('no more');
          return model.predict(x, t);
        },
      };
      const grid = logSnrGrid({ process: vp, steps: 20, end: 0.01 });
      await expect(sample({ ...run, model: failing, grid })).rejects.toThrow('no more');
      expect(tf.memory().numTensors).toBe(before);
    });

    test('rows do not depend on the batch', async () => {
      const grid = logSnrGrid({ process: vp, steps: 8, end: 0.01 });
      const whole = await (await sample({ ...run, grid })).data();
      const last = await (await sample({ ...run, grid, shape: [1, 1], firstRow: 2 })).data();
      expect(last[0]).toBe(whole[2]);
    });

    test('the kind of the model does not matter', async () => {
      const grid = logSnrGrid({ process: vp, steps: 12, end: 0.01 });
      const want = await (await sample({ ...run, grid })).data();
      for (const kind of ['noise', 'data', 'score'] as const satisfies readonly PredictionKind[]) {
        const other = await sample({ ...run, model: gaussianModel(vp, data, kind), grid });
        expectClose(await other.data(), want, { absolute: 1e-4 }, kind);
      }
    });

    test('starts without signal and ends without noise', async () => {
      const flow = fromAlphaSigma({ alpha: (t) => 1 - t, sigma: (t) => t, T: 1 });
      const grid = Array.from({ length: 13 }, (_, i) => 1 - i / 12);
      const x = await sample({ ...run, model: gaussianModel(flow, data, 'velocity'), grid });
      for (const v of await x.data())
        expect(Math.abs(v - data.mean)).toBeLessThan(5 * Math.sqrt(data.variance));
    });
  },
);

describe('exact law of stochastic methods', () => {
  const PROCESSES: Record<string, readonly [LinearProcess, end: number]> = {
    VP: [vp, 0.02],
    OU: [ornsteinUhlenbeck({ theta: 0.8, mu: 1.5, sigma: 0.7, T: 4 }), 0.05],
    EDM: [edm({ T: 10 }), 0.3],
  };

  /**
   * With an exact model of a Gaussian the whole run is affine in the start and the draws of its N steps: N + 2 rows,
   * one with none of them and one for each alone, read off the coefficients.
   */
  async function lawGap(
    process: LinearProcess,
    end: number,
    sampler: Sampler,
    steps: number,
  ): Promise<number> {
    counts.recorded = true;
    const grid = logSnrGrid({ process, steps, end });
    const initial = marginal(process, data, grid[0]!);
    const scale = Math.sqrt(initial.variance);
    for (let i = 0; i < steps; i++) {
      record(
        fold(key(0), i + 1),
        Array.from({ length: steps + 2 }, (_, row) => [row === i + 2 ? 1 : 0]),
      );
    }
    const rows = Array.from({ length: steps + 2 }, (_, row) => [initial.mean + (row === 1 ? scale : 0)]);
    const model = gaussianModel(process, data, 'velocity');
    const x = await sample({
      model,
      sampler,
      grid,
      shape: [steps + 2, 1],
      key: key(0),
      initial: tf.tensor2d(rows),
    });
    const [mean, ...others] = await x.data();
    const variance = others.reduce((s, v) => s + (v - mean!) ** 2, 0);
    const want = marginal(process, data, end);
    return Math.abs(mean! - want.mean) + Math.abs(variance - want.variance);
  }

  for (const [name, [process, end]] of Object.entries(PROCESSES)) {
    for (const b of [0.5, 1]) {
      for (const hold of ['data', 'noise'] as const) {
        for (const sampler of [
          saSolver({ noiseLevel: b, hold }),
          saSolver({ noiseLevel: b, hold, predictorOrder: 3, correctorOrder: 0 }),
          dpmSolver({ order: 3, noiseLevel: b, hold }),
        ]) {
          test(`${name} b=${b} ${hold} ${sampler.name}`, async () => {
            const [coarse, fine] = [
              await lawGap(process, end, sampler, 40),
              await lawGap(process, end, sampler, 160),
            ];
            // Weak order at least 1, down to the float32 of the run.
            expect(fine).toBeLessThan(Math.max(coarse / 3, 2e-5));
            expect(fine).toBeLessThan(0.02);
          });
        }
      }
    }
  }
});

describe('equivalences', () => {
  const grid = logSnrGrid({ process: vp, steps: 15, end: 0.01 });
  test.each([
    [
      'DEIS is noise-held DPM-Solver',
      deis({ order: 2 }),
      dpmSolver({ order: 2, hold: 'noise', correction: 'taylor' }),
    ],
    ['DEIS(3)', deis({ order: 3 }), dpmSolver({ order: 3, hold: 'noise' })],
    [
      'SA-Solver at b = 0',
      saSolver({ noiseLevel: 0, correctorOrder: 0 }),
      dpmSolver({ correction: 'taylor' }),
    ],
    ['UniPC without corrector', uniPc({ uncorrected: 99 }), dpmSolver()],
    [
      'UniPC(3) is one for both B',
      uniPc({ order: 3, uncorrected: 99, variant: 'bh1' }),
      dpmSolver({ order: 3, correction: 'taylor' }),
    ],
    ['iPNDM of order 1 is DDIM', ipndm({ order: 1 }), dpmSolver({ order: 1 })],
    ['TCD at γ = 0 is DDIM', tcd({ gamma: 0 }), dpmSolver({ order: 1, hold: 'noise' })],
    ['TCD at γ = 1 is LCM', tcd({ gamma: 1 }), lcm()],
  ] as const)('%s', async (name, one, other) => {
    const run = { model: gaussianModel(vp, data, 'velocity'), grid, shape: [6, 1], key: key(3) };
    const [a, b] = [await sample({ ...run, sampler: one }), await sample({ ...run, sampler: other })];
    // The second step of UniPC(3) is simplified.
    const absolute = name.startsWith('UniPC(3)') ? 2e-2 : 2e-5;
    expectClose(await a.data(), await b.data(), { absolute }, name);
  });
});

describe('bad input', () => {
  test.each([
    [() => uniPc({ order: 4 as never }), 'uniPc: order must be 1, 2 or 3, got 4. Use 2.'],
    [() => uniPc({ variant: 'bh3' as never }), "uniPc: variant must be one of 'bh1', 'bh2'"],
    [() => uniPc({ uncorrected: -1 }), 'uniPc: uncorrected must'],
    [() => deis({ order: '3' as never }), "deis: order must be 1, 2 or 3, got '3'. Use 3."],
    [
      () => saSolver({ predictorOrder: 0 as never }),
      'saSolver: predictorOrder must be 1, 2, 3 or 4, got 0. Use 2.',
    ],
    [
      () => saSolver({ correctorOrder: 5 as never }),
      'saSolver: correctorOrder must be 0, 1, 2, 3 or 4, got 5.',
    ],
    [
      () => saSolver({ hold: 'noise', secondOrder: 'fewSteps' }),
      "saSolver: secondOrder must be one of 'exact'",
    ],
    [
      () => saSolver({ noiseLevel: -1 }),
      'saSolver: noiseLevel must be a finite number of at least 0, got -1',
    ],
    [() => ipndm({ order: 5 as never }), 'ipndm: order must be 1, 2, 3 or 4, got 5. Use 4.'],
    [() => tcd({ gamma: 1.5 }), 'tcd: gamma must lie in [0, 1], got 1.5.'],
  ])('%# %s', (make, message) => {
    expect(make).toThrow(message);
  });

  test('a noise model where there is no signal', async () => {
    const flow = fromAlphaSigma({ alpha: (t) => 1 - t, sigma: (t) => t, T: 1 });
    const run = {
      model: gaussianModel(flow, data, 'noise'),
      grid: [1, 0.5, 0.1],
      shape: [2, 1],
      key: key(0),
    };
    for (const sampler of [uniPc(), deis(), saSolver(), pndm(), ipndm(), lcm(), tcd()]) {
      await expect(sample({ ...run, sampler })).rejects.toThrow(/alpha\(t\) > 0|finite coefficients/);
    }
  });
});
