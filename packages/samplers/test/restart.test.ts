/** Restart sampling: the law, what it repairs, what it costs, K = 0, bad input. */
import '@tensorflow/tfjs-backend-cpu';
import { DomainError, key } from '@diff/core';
import { edm, karrasGrid, type LinearProcess, logSnrGrid, variancePreserving } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  ddim,
  ddpm,
  dpmSolver,
  heun,
  pndm,
  type RestartInterval,
  restart,
  type Sampler,
  sample,
} from '../src/index.ts';
import { gaussianModel, type Law, marginal } from './affine-law.ts';

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

const data: Law = { mean: 0.7, variance: 0.25 };
const process = edm({ T: 10 });
const interval: RestartInterval = { from: 0.2, upTo: 2, iterations: 2, steps: 6 };

async function run(
  sampler: Sampler,
  options: { process?: LinearProcess; n?: number; steps?: number; initial?: tf.Tensor } = {},
): Promise<{ x: Float32Array; nfe: number }> {
  const { process: p = process, n = 1000, steps = 20, initial } = options;
  let nfe = 0;
  const x = await sample({
    model: gaussianModel(p, data, 'velocity'),
    sampler,
    grid: logSnrGrid({ process: p, steps, end: p === process ? 0.05 : 0.01 }),
    shape: [n, 1],
    key: key(4),
    initial,
    onStep: (report) => {
      nfe = report.nfe;
    },
  });
  const values = (await x.data()) as Float32Array;
  x.dispose();
  return { x: values, nfe };
}

function moments(x: Float32Array): Law {
  const mean = x.reduce((s, v) => s + v, 0) / x.length;
  return { mean, variance: x.reduce((s, v) => s + (v - mean) ** 2, 0) / x.length };
}

describe('the law of a Gaussian', () => {
  const vp = variancePreserving();
  for (const [name, p, end] of [
    ['EDM', process, 0.05],
    ['VP', vp, 0.01],
  ] as const) {
    test.each([heun(), dpmSolver({ order: 2 }), ddpm()].map((s) => [s.name, s] as const))(
      `${name} %s`,
      async (_n, inner) => {
        const n = 2000;
        const start = marginal(p, data, p.T);
        const u = Array.from({ length: n }, (_, i) => [
          start.mean + Math.sqrt(3 * start.variance) * ((2 * i + 1) / n - 1),
        ]);
        // The uniform law with the right moments: the flow is affine and keeps them.
        const initial = tf.tensor2d(u);
        const sampler = restart({ sampler: inner, intervals: [{ ...interval, steps: 20 }] });
        const { x } = await run(sampler, { process: p, n, steps: 60, initial });
        initial.dispose();
        const [got, want] = [moments(x), marginal(p, data, end)];
        const slack = inner.order === 1 ? 0.015 : 0.002;
        expect(Math.abs(got.mean - want.mean)).toBeLessThan(5 * Math.sqrt(want.variance / n) + slack);
        expect(Math.abs(got.variance - want.variance)).toBeLessThan(
          5 * want.variance * Math.sqrt(2 / n) + slack,
        );
      },
    );
  }
});

test('it repairs what went wrong before: from a wrong start, restarts come closer to the law', async () => {
  const wrong = tf.fill([2000, 1], 30);
  const gaps: number[] = [];
  for (const iterations of [0, 1, 4]) {
    const sampler = restart({
      sampler: heun(),
      intervals: [{ ...interval, upTo: 5, steps: 10, iterations }],
    });
    const { x } = await run(sampler, { n: 2000, initial: wrong });
    gaps.push(Math.abs(moments(x).mean - data.mean));
  }
  wrong.dispose();
  expect(gaps[0]!).toBeGreaterThan(0.9);
  // The flow shrinks a gap in the mean by √(variance at the end/variance at the start): 29.3 at ς = 10 is 1.58 at 0.2, and
  // after one restart from ς = 5 it is 0.17 there and 0.157 at the end; five standard errors are 0.056.
  expect(Math.abs(gaps[1]! - 0.157)).toBeLessThan(0.06);
  expect(gaps[2]!).toBeLessThan(0.06);
});

describe('K = 0 is the plain sampler', () => {
  test.each([heun(), dpmSolver(), ddpm()].map((s) => [s.name, s] as const))('%s', async (_name, inner) => {
    const sampler = restart({ sampler: inner, intervals: [{ ...interval, iterations: 0 }] });
    expect(sampler.stochastic).toBe(inner.stochastic);
    const [a, b] = [await run(sampler, { n: 20 }), await run(inner, { n: 20 })];
    expect(a.x).toEqual(b.x);
    expect(a.nfe).toBe(b.nfe);
    expect((await run(restart({ sampler: inner, intervals: [] }), { n: 20 })).x).toEqual(b.x);
  });
});

test.each([
  ['heun', heun()],
  ['ddim', ddim()],
  ['dpmSolver', dpmSolver()],
  ['pndm', pndm()],
] as const)('%s: evaluations, two intervals', async (_name, inner) => {
  const intervals = [
    { from: 1, upTo: 4, iterations: 1, steps: 5 },
    { from: 0.2, upTo: 1.5, iterations: 2 },
  ];
  const sampler = restart({ sampler: inner, intervals });
  const { x, nfe } = await run(sampler, { n: 5, steps: 30 });
  expect(nfe).toBe(sampler.nfe(30));
  expect(Array.from(x).every(Number.isFinite)).toBe(true);
});

test('noiseScale 0 adds none', async () => {
  const none = restart({ sampler: heun(), intervals: [interval], noiseScale: 0 });
  const { x } = await run(none, { n: 500, steps: 40 });
  expect(moments(x).variance).toBeLessThan(0.2 * data.variance);
});

test('bad input', async () => {
  const make =
    (change: object): (() => Sampler) =>
    () =>
      restart({ sampler: heun(), intervals: [{ ...interval, ...change }] });
  expect(make({ from: 0 })).toThrow(DomainError);
  expect(make({ from: 3 })).toThrow('restart: an interval must have levels 0 < from < upTo, got 3 and 2.');
  expect(make({ iterations: -1 })).toThrow('restart: iterations must be a non-negative integer, got -1');
  expect(make({ steps: 0 })).toThrow('restart: steps must be a positive integer, got 0');
  expect(() => restart({ sampler: {} as never, intervals: [] })).toThrow(
    'restart: sampler must be a sampler',
  );
  expect(() => restart({ sampler: heun(), intervals: 1 as never })).toThrow(
    'restart: intervals must be a list, got 1',
  );
  const model = gaussianModel(process, data, 'data');
  const go = (intervals: RestartInterval[], grid: readonly number[]): Promise<unknown> =>
    sample({ model, sampler: restart({ sampler: heun(), intervals }), grid, shape: [1, 1], key: key(0) });
  await expect(go([interval], [10, 5, 3])).rejects.toThrow(/nearest level of the grid is (3|2\.99)/);
  const grid = karrasGrid({ process, steps: 4, end: 0 });
  await expect(go([interval, { ...interval, from: 0.21 }], grid)).rejects.toThrow(
    'restart: each interval must have a time of the grid of its own',
  );
});
