/**
 * Langevin correctors whose step comes from the norm of each row's own score, after score_sde's predictor at every noise
 * level and on every process. The step depends on the state, so that laws are not Gaussian: on the line the density itself
 * is carried from step to step on a mesh, and 10⁵ samples compared with all of it; in the plane, where d comes in, the
 * moments after one call are found by quadrature.
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
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { type Law, marginal } from '../src/gaussian-law.ts';
import { AXES, affineStep, gridOf, N, SETTINGS, type Setting, STEPS, sampledMoments } from './law-table.ts';

/** r, above what is usual, so that the step matters; Langevin steps a call on the line. */
const [RATIO, CALLS] = [0.4, 2];

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
    const { scale, shift, variance } = await affineStep(predictor, process, LINE, [grid[i]!, t]);
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
  describe.each([0, 0.5, 1])('b = %d', (b) => {
    test('on the line', async () => {
      const predictor = reverseDiffusion({ noiseLevel: b });
      const { points, masses } = await rowLaw(setting, predictor);
      expect(Math.abs(masses.reduce((p, q) => p + q, 0) - 1)).toBeLessThan(1e-6);
      const corrector = langevinCorrector({ signalToNoise: RATIO, norms: 'row', steps: CALLS });
      const sampler = predictorCorrector({ predictor, corrector });
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

  test('one call in the plane', async () => {
    const { process, to } = setting;
    // The law of a time before.
    const from = process.timeOfLambda(process.lambda(to) - 0.5);
    const laws = (t: number): Law[] => AXES.map((data) => marginal(process, data, t));
    const want = planeMoments(laws(from), laws(to), process.sigma(to));
    const sampler = annealed({ corrector: langevinCorrector({ signalToNoise: RATIO, norms: 'row' }) });
    const { mean, covariance } = await sampledMoments({ ...setting, from }, sampler, 1);
    for (const k of [0, 1]) {
      const variance = want.covariance[k]!;
      expect(Math.abs(mean[k]! - want.mean[k]!)).toBeLessThan(5 * Math.sqrt(variance / N));
      expect(Math.abs(covariance[3 * k]! - variance)).toBeLessThan(5 * Math.sqrt(want.ofSquare[k]! / N));
    }
    expect(Math.abs(covariance[1]! - want.between)).toBeLessThan(5 * Math.sqrt(want.ofProduct / N));
  });
});
