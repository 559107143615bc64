/**
 * What the forks of k-diffusion (ComfyUI and others) add to it, against their formulas, written down here for σ as the
 * time (EDM) in plain numbers: heunpp2, ipndm_v, seeds_3, er_sde with three stages, res_multistep.
 */
import '@tensorflow/tfjs-backend-cpu';
import { fold, key } from '@diff/core';
import { edm } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { dpmSolver, erSde, heunPlusPlus, lms, type Sampler, sample, seeds3 } from '../src/index.ts';
import { gaussianModel } from './affine-law.ts';
import { forget, record } from './recorded-noise.ts';

vi.mock('@diff/core', async (original) =>
  (await import('./recorded-noise.ts')).recordedCore(await original<typeof import('@diff/core')>()),
);

beforeEach(async () => {
  forget();
  await tf.setBackend('cpu');
});

const data = { mean: 0.7, variance: 0.25 };
const process = edm({ T: 20 });
const GRID = [20, 9, 4, 2.5, 1, 0.3, 0.05];
const START = 11;

/** x̂0 of one number, and ε̂. */
const denoised = (x: number, s: number): number =>
  data.mean + (data.variance / (data.variance + s * s)) * (x - data.mean);
const direction = (x: number, s: number): number => (x - denoised(x, s)) / s;

async function run(sampler: Sampler, grid: readonly number[] = GRID): Promise<number> {
  const initial = tf.tensor2d([[START]]);
  const model = gaussianModel(process, data, 'data');
  const x = await sample({ model, sampler, grid, shape: [1, 1], key: key(0), initial });
  const [value] = await x.data();
  tf.dispose([initial, x]);
  return value!;
}

describe('heunpp2', () => {
  function formula(grid: readonly number[]): number {
    let x = START;
    for (let i = 0; i + 1 < grid.length; i++) {
      const [s, next, after] = [grid[i]!, grid[i + 1]!, grid[i + 2]];
      const d1 = direction(x, s);
      if (after === undefined) {
        x += (next - s) * d1;
        continue;
      }
      const x2 = x + (next - s) * d1;
      const d2 = direction(x2, next);
      if (i + 3 === grid.length) {
        const w = next / (2 * grid[0]!);
        x += (next - s) * ((1 - w) * d1 + w * d2);
        continue;
      }
      const d3 = direction(x2 + (after - next) * d2, after);
      const [w2, w3] = [next / (3 * grid[0]!), after / (3 * grid[0]!)];
      x += (next - s) * ((1 - w2 - w3) * d1 + w2 * d2 + w3 * d3);
    }
    return x;
  }

  test.each([[GRID], [[...GRID, 0]], [[20, 5]], [[20, 5, 0]]])('on %j', async (grid) => {
    expect(Math.abs((await run(heunPlusPlus(), grid)) - formula(grid))).toBeLessThan(1e-5);
  });

  test('evaluations', async () => {
    for (const n of [1, 2, 3, 6]) {
      let evaluations = 0;
      record(fold(key(0), 0), [[1]]);
      const x = await sample({
        model: gaussianModel(process, data, 'data'),
        sampler: heunPlusPlus(),
        grid: GRID.slice(0, n + 1),
        shape: [1, 1],
        key: key(0),
        onStep: ({ nfe }) => {
          evaluations = nfe;
        },
      });
      x.dispose();
      expect(heunPlusPlus().nfe(n)).toBe(evaluations);
    }
  });
});

describe('ipndm_v', () => {
  /** Coefficients as published, in steps h_0 (this one), h_1 (the last), …; `mended` moves one parenthesis. */
  function coefficients(h: readonly number[], order: number, mended: boolean): number[] {
    const [a, b, c] = h as [number, number, number];
    if (order === 1) return [1];
    const ratio = a / b;
    if (order === 2) return [(2 + ratio) / 2, -ratio / 2];
    const second = (a * (a + b)) / (b * (b + c));
    const third = a / (3 * (a + b));
    const w = mended ? ((1 - third) / 2) * second : (1 - third * second) / 2;
    return [(2 + ratio) / 2 + w, -ratio / 2 - (1 + b / c) * w, (w * b) / c];
  }
  function formula(order: number, mended: boolean, grid: readonly number[]): number {
    let x = START;
    const past: number[] = [];
    for (let i = 0; i + 1 < grid.length; i++) {
      past.unshift(direction(x, grid[i]!));
      const h = [0, 1, 2].map((j) => grid[i + 1 - j]! - grid[i - j]!);
      const weights = coefficients(h, Math.min(order, i + 1), mended);
      x += h[0]! * weights.reduce((sum, w, j) => sum + w * past[j]!, 0);
    }
    return x;
  }

  test.each([1, 2, 3] as const)('is lms of order %i', async (order) => {
    expect(Math.abs((await run(lms({ order }))) - formula(order, true, GRID))).toBeLessThan(1e-5);
  });

  test('but as published its third order has a misplaced parenthesis, which shows on unequal steps', () => {
    expect(Math.abs(formula(3, false, GRID) - formula(3, true, GRID))).toBeGreaterThan(0.01);
    const equal = [20, 17, 14, 11, 8, 5, 2];
    expect(Math.abs(formula(3, false, equal) - formula(3, true, equal))).toBeLessThan(1e-12);
    // The directions 1, σ, σ² are to be integrated exactly; σ² is not.
    const nodes = [4, 9, 20];
    const h = [2.5 - 4, 4 - 9, 9 - 20];
    for (const mended of [true, false]) {
      const w = coefficients(h, 3, mended);
      const got = nodes.reduce((sum, s, j) => sum + h[0]! * w[j]! * s ** 2, 0);
      const error = Math.abs(got - (2.5 ** 3 - 4 ** 3) / 3);
      if (mended) expect(error).toBeLessThan(1e-10);
      else expect(error).toBeGreaterThan(1);
    }
  });
});

test('res_multistep is dpmSolver with the exact second moment', async () => {
  let [x, before] = [START, Number.NaN];
  for (let i = 0; i + 1 < GRID.length; i++) {
    const [s, next] = [GRID[i]!, GRID[i + 1]!];
    const d = denoised(x, s);
    const h = Math.log(s / next);
    const phi1 = (Math.exp(-h) - 1) / -h;
    const phi2 = (phi1 - 1) / -h;
    const c2 = i > 0 ? Math.log(s / GRID[i - 1]!) / h : 1;
    const b2 = phi2 / c2;
    x = i > 0 ? Math.exp(-h) * x + h * ((phi1 - b2) * d + b2 * before) : x + (next - s) * direction(x, s);
    before = d;
  }
  expect(Math.abs((await run(dpmSolver({ correction: 'taylor' }))) - x)).toBeLessThan(1e-5);
  expect(Math.abs((await run(dpmSolver())) - x)).toBeGreaterThan(1e-3);
});

describe('seeds_3', () => {
  test.each([
    [1, 1 / 3, 2 / 3],
    [0.6, 0.2, 0.7],
    [0, 1 / 3, 2 / 3],
  ])('with b = %d and shares %d, %d', async (b, r1, r2) => {
    const eta = b * b;
    const draws = GRID.slice(1).map((_, i) => [0.4 - 0.3 * i, 0.9 - 0.5 * i, -0.6 + 0.4 * i] as const);
    let x = START;
    for (let i = 0; i + 1 < GRID.length; i++) {
      const [s, next] = [GRID[i]!, GRID[i + 1]!];
      const [xi1, xi2, xi3] = draws[i]!;
      const step = fold(key(0), i + 1);
      record(fold(step, 0), [[xi1]]);
      record(fold(step, 1), [[xi2]]);
      record(step, [[xi3]]);
      const h = Math.log(s / next);
      const [s1, s2] = [s * Math.exp(-r1 * h), s * Math.exp(-r2 * h)];
      const k = (1 + eta) * h;
      const one = (a: number): number => -Math.expm1(-a);
      const two = (a: number): number => -(Math.expm1(-a) + a) / -a;
      const noise = (share: number): number => Math.sqrt(-Math.expm1(-2 * eta * share * h));
      const keep = (share: number): number => Math.exp(-eta * share * h);
      const d1 = denoised(x, s);
      let n = noise(r1) * xi1;
      const d2 = denoised((s1 / s) * keep(r1) * x + one(r1 * k) * d1 + n * s1, s1);
      n = keep(r2 - r1) * n + noise(r2 - r1) * xi2;
      const a = (r2 / r1) * two(r2 * k);
      const d3 = denoised((s2 / s) * keep(r2) * x + (one(r2 * k) - a) * d1 + a * d2 + n * s2, s2);
      n = keep(1 - r2) * n + noise(1 - r2) * xi3;
      const c = two(k) / r2;
      x = (next / s) * keep(1) * x + (one(k) - c) * d1 + c * d3 + n * next;
    }
    const got = await run(seeds3({ noiseLevel: b, innerShares: [r1, r2] }));
    expect(Math.abs(got - x)).toBeLessThan(2e-5);
  });
});

test('er_sde with three stages', async () => {
  const scale = (s: number): number => s * (Math.exp(s ** 0.3) + 10);
  let x = START;
  const [d, slopes]: [number[], number[]] = [[], []];
  for (let i = 0; i + 1 < GRID.length; i++) {
    const [s, next] = [GRID[i]!, GRID[i + 1]!];
    const xi = 0.5 - 0.3 * i;
    record(fold(key(0), i + 1), [[xi]]);
    d.push(denoised(x, s));
    const r = scale(next) / scale(s);
    // The integrals by the midpoint rule on many points.
    const n = 20_000;
    let [plain, weighted] = [0, 0];
    for (let k = 0; k < n; k++) {
      const at = next + ((k + 0.5) * (s - next)) / n;
      plain += (s - next) / n / scale(at);
      weighted += ((at - s) * (s - next)) / n / scale(at);
    }
    slopes.push(i > 0 ? (d[i]! - d[i - 1]!) / (s - GRID[i - 1]!) : Number.NaN);
    x = r * x + (1 - r) * d[i]!;
    if (i > 0) x += (next - s + scale(next) * plain) * slopes[i]!;
    if (i > 1) {
      const bend = (slopes[i]! - slopes[i - 1]!) / ((s - GRID[i - 2]!) / 2);
      x += ((next - s) ** 2 / 2 + scale(next) * weighted) * bend;
    }
    x += xi * Math.sqrt(next ** 2 - (s * r) ** 2);
  }
  expect(Math.abs((await run(erSde({ order: 3 }))) - x)).toBeLessThan(1e-4);
  expect(Math.abs((await run(erSde({ order: 2 }))) - x)).toBeGreaterThan(1e-3);
});
