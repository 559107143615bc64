/**
 * Langevin correctors whose step comes from the norms of the scores of all rows, alone and after score_sde's predictor at
 * every noise level, on every process. The law of a run is Gaussian and follows a recursion:
 *
 *   'expected'  ε = 2 r² σ²
 *   'batch'     ε = 2 r² (mean|ξ|/mean|s|)² is a number in the limit of many rows, where means are expectations under the law
 *               of the run so far; n rows leave it uncertain by 2 √((cv_ξ² + cv_s²)/n) of itself, cv = std/mean of a norm
 */
import {
  annealed,
  langevinCorrector,
  predictorCorrector,
  reverseDiffusion,
  type Sampler,
} from '@diff/samplers';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { type Law, marginal } from '../src/gaussian-law.ts';
import {
  AXES,
  affineStep,
  expectMoments,
  gridOf,
  N,
  SETTINGS,
  type Setting,
  STEPS,
  sampledMoments,
} from './law-table.ts';

/** r, above what is usual, so that the step matters. */
const RATIO = { expected: 0.9, batch: 0.6 } as const;
/** Langevin steps a call. */
const CALLS = 2;

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

type Norms = 'expected' | 'batch';

/** ε at noise σ and scores of these laws, and what it is uncertain by. */
function stepSize(
  norms: Norms,
  ratio: number,
  sigma: number,
  scores: readonly Law[],
): readonly [number, number] {
  if (norms === 'expected') return [2 * (ratio * sigma) ** 2, 0];
  const size = norm(scores);
  const epsilon = 2 * (ratio * (FRESH.mean / size.mean)) ** 2;
  return [epsilon, 2 * epsilon * Math.sqrt((FRESH.variation ** 2 + size.variation ** 2) / N)];
}

/** One Langevin step on p_t = Π N(goal). */
function langevinStep(
  now: readonly Rough[],
  goals: readonly Law[],
  sizeFor: (scores: readonly Law[]) => readonly [number, number],
): Rough[] {
  const scores = now.map(({ law }, k) => {
    const { mean, variance } = goals[k]!;
    return { mean: (mean - law.mean) / variance, variance: law.variance / variance ** 2 };
  });
  const [epsilon, off] = sizeFor(scores);
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

interface Run {
  readonly norms: Norms;
  /** Without one, the corrector is alone. */
  readonly predictor?: Sampler | undefined;
  readonly steps?: number;
  readonly ratio?: number;
}

/** The law of the run. */
async function lawsOfRun(
  setting: Setting,
  { norms, predictor, steps = STEPS, ratio = RATIO[norms] }: Run,
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
        const { scale, shift, variance } = await affineStep(predictor, process, AXES[k]!, [grid[i]!, t]);
        moved.push({
          law: { mean: scale * law.mean + shift, variance: scale ** 2 * law.variance + variance },
          by: { mean: Math.abs(scale) * by.mean, variance: scale ** 2 * by.variance },
        });
      }
      now = moved;
    }
    const sizeFor = (scores: readonly Law[]) => stepSize(norms, ratio, process.sigma(t), scores);
    for (let call = 0; call < CALLS; call++) now = langevinStep(now, goals, sizeFor);
  }
  return now;
}

describe.each(Object.entries(SETTINGS))('%s', (_name, setting) => {
  describe.each(['expected', 'batch'] as const)("norms '%s'", (norms) => {
    const corrector = langevinCorrector({ signalToNoise: RATIO[norms], norms, steps: CALLS });

    async function expectLaws(sampler: Sampler, predictor?: Sampler): Promise<void> {
      const rough = await lawsOfRun(setting, { norms, predictor });
      expectMoments(
        await sampledMoments(setting, sampler),
        rough.map(({ law }) => law),
        rough.map(({ by }) => ({ mean: 5 * by.mean, variance: 5 * by.variance })),
      );
    }

    test('alone', () => expectLaws(annealed({ corrector })));

    describe.each([0, 0.5, 1])('after a predictor, b = %d', (b) => {
      const predictor = reverseDiffusion({ noiseLevel: b });

      test('samples', () => expectLaws(predictorCorrector({ predictor, corrector }), predictor));

      test('the law of the data as the steps of both get finer', async () => {
        const errors: number[] = [];
        for (const steps of [48, 96]) {
          const ratio = RATIO[norms] * Math.sqrt(STEPS / steps);
          const rough = await lawsOfRun(setting, { norms, predictor, steps, ratio });
          const gaps = rough.map(({ law }, k) => {
            const want = marginal(setting.process, AXES[k]!, setting.to);
            return Math.abs(law.mean - want.mean) + Math.abs(law.variance - want.variance);
          });
          errors.push(gaps[0]! + gaps[1]!);
        }
        const [coarse, fine] = errors as [number, number];
        expect(Math.abs(Math.log2(coarse / fine) - 1)).toBeLessThan(0.3);
      });
    });
  });
});
