/**
 * Langevin correctors whose step comes from the norms of the scores, after score_sde's predictor at every noise level and
 * on every process. Their maps are not affine, but their laws are known all the same:
 *
 *   'expected'  the step is a number: the recursion on mean and variance
 *   'batch'     ε = 2 r² (mean|ξ|/mean|s|)² is a number in the limit of many rows, in which means are expectations under the
 *               law of the run so far; n rows leave ε uncertain by 2 √((cv_ξ² + cv_s²)/n) of itself, cv = std/mean of a norm
 *   'row'       ε depends on the state: the density itself, carried from step to step on a mesh on the line; in the plane,
 *               where d comes in, the moments after one call by quadrature
 */
import { key, normal } from '@diff/core';
import {
  annealed,
  langevinCorrector,
  predictorCorrector,
  reverseDiffusion,
  type Sampler,
  sample,
} from '@diff/samplers';
import { defineModel } from '@diff/score';
import type { LinearProcess } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { type Law, lawOf, marginal } from '../src/gaussian-law.ts';
import {
  AXES,
  exactLaws,
  expectMoments,
  gridOf,
  N,
  SETTINGS,
  type Setting,
  STEPS,
  sampledMoments,
} from './law-table.ts';

/** r, above what is usual, so that the step matters; Langevin steps a call. */
const [RATIO, CALLS] = [0.4, 2];

/** A law and what it is uncertain by, to one standard deviation. */
interface Rough {
  readonly law: Law;
  readonly by: Law;
}

/** Mean and coefficient of variation of |z|, z_k ~ N(mean, variance) independent. */
function norm(parts: readonly Law[]): { readonly mean: number; readonly variation: number } {
  // |z| = ∫ (1 − e^{−u|z|²}) u^{−3/2} du / (2√π), and in u = e^y the rule of rectangles converges exponentially.
  let mean = 0;
  for (let y = -80; y <= 80; y += 0.1) {
    const u = Math.exp(y);
    const log = parts.reduce(
      (sum, z) => sum - (u * z.mean ** 2) / (1 + 2 * u * z.variance) - Math.log1p(2 * u * z.variance) / 2,
      0,
    );
    mean -= (0.1 * Math.expm1(log) * Math.exp(-y / 2)) / (2 * Math.sqrt(Math.PI));
  }
  const squared = parts.reduce((sum, z) => sum + z.mean ** 2 + z.variance, 0);
  return { mean, variation: Math.sqrt(squared / mean ** 2 - 1) };
}

/** Of |ξ| in the plane. */
const FRESH = norm(AXES.map(() => ({ mean: 0, variance: 1 })));

/** One Langevin step with the norms of the batch on p_t = Π N(goal). */
function batchStep(now: readonly Rough[], goals: readonly Law[], ratio: number): Rough[] {
  const scores = now.map(({ law }, k) => {
    const { mean, variance } = goals[k]!;
    return { mean: (mean - law.mean) / variance, variance: law.variance / variance ** 2 };
  });
  const size = norm(scores);
  const epsilon = 2 * (ratio * (FRESH.mean / size.mean)) ** 2;
  const off = 2 * epsilon * Math.sqrt((FRESH.variation ** 2 + size.variation ** 2) / N);
  return now.map(({ law, by }, k) => {
    const goal = goals[k]!;
    const kept = 1 - epsilon / goal.variance;
    return {
      law: {
        mean: goal.mean + kept * (law.mean - goal.mean),
        variance: kept ** 2 * law.variance + 2 * epsilon,
      },
      by: {
        mean: Math.abs(kept) * by.mean + Math.abs(scores[k]!.mean) * off,
        variance: kept ** 2 * by.variance + Math.abs(2 - (2 * kept * law.variance) / goal.variance) * off,
      },
    };
  });
}

/** The run's law with the norms of the batch; without a predictor, that of the corrector alone. */
async function batchLaws(
  setting: Setting,
  predictor?: Sampler,
  { steps, ratio }: { steps: number; ratio: number } = { steps: STEPS, ratio: RATIO },
): Promise<Rough[]> {
  await tf.setBackend('float64');
  const { process } = setting;
  const grid = gridOf(setting, steps);
  let now: Rough[] = AXES.map((data) => ({
    law: marginal(process, data, grid[0]!),
    by: { mean: 0, variance: 0 },
  }));
  for (const [i, t] of grid.slice(1).entries()) {
    const goals = AXES.map((data) => marginal(process, data, t));
    if (predictor) {
      const moved: Rough[] = [];
      for (const [k, { law, by }] of now.entries()) {
        const { scale, shift, variance } = await affine(predictor, process, AXES[k]!, [grid[i]!, t]);
        moved.push({
          law: { mean: scale * law.mean + shift, variance: scale ** 2 * law.variance + variance },
          by: { mean: Math.abs(scale) * by.mean, variance: scale ** 2 * by.variance },
        });
      }
      now = moved;
    }
    for (let call = 0; call < CALLS; call++) now = batchStep(now, goals, ratio);
  }
  return now;
}

interface Affine {
  readonly scale: number;
  readonly shift: number;
  readonly variance: number;
}

/** x' = scale·x + shift + √variance ξ of a one-step sampler over one step. */
async function affine(
  sampler: Sampler,
  process: LinearProcess,
  data: Law,
  grid: readonly [number, number],
): Promise<Affine> {
  const run = { sampler, process, data, grid };
  const at0 = await lawOf({ ...run, initial: { mean: 0, variance: 0 } });
  const at1 = await lawOf({ ...run, initial: { mean: 1, variance: 0 } });
  return { scale: at1.mean - at0.mean, shift: at0.mean, variance: at0.variance };
}

/** ε of a row. */
const rowSize = (squaredScore: number, d: number, sigma: number): number =>
  Math.min((2 * RATIO ** 2 * d) / squaredScore, sigma ** 2);

/** Points of a mesh and the probability at each. */
interface Mesh {
  readonly points: readonly number[];
  readonly masses: readonly number[];
}

/** Points within so many standard deviations, 40 in each. */
function mesh({ mean, variance }: Law, reach: number): number[] {
  return Array.from({ length: 80 * reach + 1 }, (_, i) => mean + Math.sqrt(variance) * (i / 40 - reach));
}

/** How far out there is something: the steps of rows make up to three times the variance. */
const FAR = 15;

/** The law of the second, given the first, on a mesh. */
function moved(from: Mesh, points: readonly number[], kernel: (x: number) => Law): Mesh {
  const masses = new Array<number>(points.length).fill(0);
  const [start, step] = [points[0]!, points[1]! - points[0]!];
  for (const [j, x] of from.points.entries()) {
    const { mean, variance } = kernel(x);
    const factor = (from.masses[j]! * step) / Math.sqrt(2 * Math.PI * variance);
    const reach = 9 * Math.sqrt(variance);
    const first = Math.max(0, Math.ceil((mean - reach - start) / step));
    const last = Math.min(points.length - 1, Math.floor((mean + reach - start) / step));
    for (let i = first; i <= last; i++) {
      masses[i]! += factor * Math.exp(-((points[i]! - mean) ** 2) / (2 * variance));
    }
  }
  return { points, masses };
}

const LINE: Law = AXES[0];

/** The law of the run on the line with the norms of the rows. */
async function rowLaw(setting: Setting, predictor: Sampler): Promise<Mesh> {
  await tf.setBackend('float64');
  const { process } = setting;
  const grid = gridOf(setting, STEPS);
  const start = marginal(process, LINE, grid[0]!);
  let now = moved({ points: [0], masses: [1] }, mesh(start, FAR), () => start);
  for (const [i, t] of grid.slice(1).entries()) {
    const goal = marginal(process, LINE, t);
    const { scale, shift, variance } = await affine(predictor, process, LINE, [grid[i]!, t]);
    now =
      variance === 0
        ? { points: now.points.map((x) => scale * x + shift), masses: now.masses }
        : moved(now, mesh(goal, FAR), (x) => ({ mean: scale * x + shift, variance }));
    for (let call = 0; call < CALLS; call++) {
      now = moved(now, mesh(goal, FAR), (x) => {
        const score = (goal.mean - x) / goal.variance;
        const epsilon = rowSize(score ** 2, 1, process.sigma(t));
        return { mean: x + epsilon * score, variance: 2 * epsilon };
      });
    }
  }
  return now;
}

/** 10⁵ samples on the line. */
async function rowSamples(setting: Setting, sampler: Sampler): Promise<Float32Array> {
  await tf.setBackend('simd');
  const { process } = setting;
  const grid = gridOf(setting, STEPS);
  const model = defineModel({
    process,
    kind: 'data',
    predict: (x, t) =>
      tf.tidy(() => {
        const { mean, variance } = marginal(process, LINE, Number(t));
        const gain = (process.alpha(Number(t)) * LINE.variance) / variance;
        return tf.add(tf.mul(x, gain), LINE.mean - gain * mean);
      }),
  });
  const { mean, variance } = marginal(process, LINE, grid[0]!);
  const initial = tf.tidy(() => tf.add(tf.mul(normal(key(1), [N, 1]), Math.sqrt(variance)), mean));
  const x = await sample({ model, sampler, grid, shape: [N, 1], key: key(3), initial });
  const values = await x.data<'float32'>();
  tf.dispose([x, initial]);
  return values;
}

const average = (values: readonly number[], masses: readonly number[]): number =>
  values.reduce((sum, v, i) => sum + v * masses[i]!, 0);

interface PlaneMoments {
  readonly mean: readonly number[];
  /** Of the two axes, and between them; with the variance of c², and of the product, of one draw. */
  readonly covariance: readonly number[];
  readonly ofSquare: readonly number[];
  readonly between: number;
  readonly ofProduct: number;
}

/** Moments of x' = x + ε s + √(2ε) ξ with the norm of the row, x ~ Π N(starts), s the score of Π N(goals). */
function planeMoments(starts: readonly Law[], goals: readonly Law[], sigma: number): PlaneMoments {
  const [across, along] = starts.map((start) => mesh(start, 6)) as [number[], number[]];
  const weight = (k: number, x: number): number =>
    Math.exp(-((x - starts[k]!.mean) ** 2) / (2 * starts[k]!.variance));
  const visit = (see: (p: number, y: readonly number[], epsilon: number) => void): void => {
    for (const u of across) {
      for (const v of along) {
        const x = [u, v];
        const score = goals.map(({ mean, variance }, k) => (mean - x[k]!) / variance);
        const epsilon = rowSize(score[0]! ** 2 + score[1]! ** 2, 2, sigma);
        const y = x.map((value, k) => value + epsilon * score[k]!);
        see(weight(0, u) * weight(1, v), y, epsilon);
      }
    }
  };
  let total = 0;
  const mean = [0, 0];
  visit((p, y) => {
    total += p;
    for (const k of [0, 1]) mean[k]! += p * y[k]!;
  });
  for (const k of [0, 1]) mean[k]! /= total;
  const [covariance, fourth] = [
    [0, 0],
    [0, 0],
  ];
  let [between, squares] = [0, 0];
  visit((p, y, epsilon) => {
    const c = y.map((value, k) => value - mean[k]!);
    const added = 2 * epsilon;
    for (const k of [0, 1]) {
      covariance[k]! += (p * (c[k]! ** 2 + added)) / total;
      fourth[k]! += (p * (c[k]! ** 4 + 6 * c[k]! ** 2 * added + 3 * added ** 2)) / total;
    }
    between += (p * c[0]! * c[1]!) / total;
    squares += (p * (c[0]! ** 2 + added) * (c[1]! ** 2 + added)) / total;
  });
  return {
    mean,
    covariance,
    ofSquare: fourth.map((m, k) => m - covariance[k]! ** 2),
    between,
    ofProduct: squares - between ** 2,
  };
}

describe.each(Object.entries(SETTINGS))('%s', (_name, setting) => {
  const corrector = (norms: 'row' | 'expected' | 'batch') =>
    langevinCorrector({ signalToNoise: RATIO, norms, steps: CALLS });

  describe.each([0, 0.5, 1])('b = %d', (b) => {
    const predictor = reverseDiffusion({ noiseLevel: b });

    test('expected norms', async () => {
      const sampler = predictorCorrector({ predictor, corrector: corrector('expected') });
      expectMoments(await sampledMoments(setting, sampler), await exactLaws(setting, sampler, STEPS));
    });

    test('norms of the batch', async () => {
      const rough = await batchLaws(setting, predictor);
      const sampler = predictorCorrector({ predictor, corrector: corrector('batch') });
      expectMoments(
        await sampledMoments(setting, sampler),
        rough.map(({ law }) => law),
        rough.map(({ by }) => ({ mean: 5 * by.mean, variance: 5 * by.variance })),
      );
    });

    test('norms of the batch: the law of the data as grid and steps get finer', async () => {
      const errors: number[] = [];
      for (const steps of [48, 96]) {
        const rough = await batchLaws(setting, predictor, { steps, ratio: RATIO * Math.sqrt(STEPS / steps) });
        const gaps = rough.map(({ law }, k) => {
          const want = marginal(setting.process, AXES[k]!, setting.to);
          return Math.abs(law.mean - want.mean) + Math.abs(law.variance - want.variance);
        });
        errors.push(gaps[0]! + gaps[1]!);
      }
      const [coarse, fine] = errors as [number, number];
      expect(Math.abs(Math.log2(coarse / fine) - 1)).toBeLessThan(0.3);
    });

    test('norms of the rows, on the line', async () => {
      const { points, masses } = await rowLaw(setting, predictor);
      expect(Math.abs(masses.reduce((p, q) => p + q, 0) - 1)).toBeLessThan(1e-6);
      const sampler = predictorCorrector({ predictor, corrector: corrector('row') });
      const x = await rowSamples(setting, sampler);

      const mean = average(points, masses);
      const centred = points.map((p) => p - mean);
      const variance = average(
        centred.map((c) => c ** 2),
        masses,
      );
      const fourth = average(
        centred.map((c) => c ** 4),
        masses,
      );
      const found = x.reduce((sum, v) => sum + v, 0) / N;
      const spread = x.reduce((sum, v) => sum + (v - found) ** 2, 0) / N;
      expect(Math.abs(found - mean)).toBeLessThan(5 * Math.sqrt(variance / N));
      expect(Math.abs(spread - variance)).toBeLessThan(5 * Math.sqrt((fourth - variance ** 2) / N));

      // Kolmogorov and Smirnov: √n times the distance of the distribution functions exceeds 2.8 once in 3 million cases.
      x.sort();
      const step = points[1]! - points[0]!;
      let [below, count, worst] = [0, 0, 0];
      for (const [i, p] of points.entries()) {
        below += masses[i]!;
        while (count < N && x[count]! <= p + step / 2) count++;
        worst = Math.max(worst, Math.abs(count / N - below));
      }
      expect(worst * Math.sqrt(N)).toBeLessThan(2.8);
    });
  });

  test('norms of the rows, one call in the plane', async () => {
    const { process, to } = setting;
    // The law of a time before.
    const from = process.timeOfLambda(process.lambda(to) - 0.5);
    const laws = (t: number): Law[] => AXES.map((data) => marginal(process, data, t));
    const want = planeMoments(laws(from), laws(to), process.sigma(to));
    const sampler = annealed({ corrector: langevinCorrector({ signalToNoise: RATIO }) });
    const { mean, covariance } = await sampledMoments({ ...setting, from }, sampler, 1);
    for (const k of [0, 1]) {
      const variance = want.covariance[k]!;
      expect(Math.abs(mean[k]! - want.mean[k]!)).toBeLessThan(5 * Math.sqrt(variance / N));
      expect(Math.abs(covariance[3 * k]! - variance)).toBeLessThan(5 * Math.sqrt(want.ofSquare[k]! / N));
    }
    expect(Math.abs(covariance[1]! - want.between)).toBeLessThan(5 * Math.sqrt(want.ofProduct / N));
  });

  test('norms of the batch, without a predictor', async () => {
    const rough = await batchLaws(setting);
    expectMoments(
      await sampledMoments(setting, annealed({ corrector: corrector('batch') })),
      rough.map(({ law }) => law),
      rough.map(({ by }) => ({ mean: 5 * by.mean, variance: 5 * by.variance })),
    );
  });
});
