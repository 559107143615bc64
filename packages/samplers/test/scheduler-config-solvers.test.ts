/** Solvers of scheduler configs that no recorded run covers: against their formulas and against the package's own. */
import '@tensorflow/tfjs-backend-cpu';
import { fold, key } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { dpmSolver, fromSchedulerConfig } from '../src/index.ts';
import { deviation, latents, noise, problem } from './golden.ts';
import { forget, record } from './recorded-noise.ts';
import { beta, sampled, toMin } from './scheduler-runs.ts';

vi.mock('@diff/core', async (original) =>
  (await import('./recorded-noise.ts')).recordedCore(await original<typeof import('@diff/core')>()),
);

beforeEach(async () => {
  forget();
  await tf.setBackend('cpu');
});

describe('the published third order', () => {
  test("is dpmSolver's own under its name", async () => {
    const run = fromSchedulerConfig(
      { _class_name: 'DPMSolverMultistepScheduler', ...toMin, solver_order: 3 },
      { steps: 20, compat: 'diffusers' },
    );
    const initial = tf.tensor2d(latents('P2'));
    const own = { ...run, sampler: dpmSolver({ order: 3, correction: 'published' }) };
    const x = await (await sampled(run, 'P2', initial)).array();
    const { worst } = await deviation(await sampled(own, 'P2', initial), x as number[][]);
    expect(worst).toBeLessThan(1e-6);
  });
});

describe('the single-step SDE solver', () => {
  /** Its published formulas, written out: x₀ of one row of the Gaussian problem. */
  function published(
    sigmas: readonly number[],
    start: number,
    draws: readonly number[],
    taylor: boolean,
  ): number {
    const { means, stds } = problem('P1');
    const alpha = (s: number): number => 1 / Math.hypot(1, s);
    const data = (x: number, s: number): number => {
      const [a, b] = [alpha(s), s * alpha(s)];
      const total = (a * stds[0]!) ** 2 + b * b;
      return means[0]![0]! + ((a * stds[0]! ** 2) / total) * (x - a * means[0]![0]!);
    };
    let [x, base] = [start, start];
    const m: number[] = [];
    for (let i = 0; i + 1 < sigmas.length; i++) {
      m.push(data(x, sigmas[i]!));
      const place = i + 2 === sigmas.length ? 0 : i % 3;
      if (place === 0) base = x;
      const [from, to] = [sigmas[i - place]!, sigmas[i + 1]!];
      const [end, noise] = [to * alpha(to), draws[i]!];
      if (to === 0) return m[i]!;
      const h = Math.log(from / to);
      const [gone, H] = [1 - Math.exp(-2 * h), 2 * h];
      const r = (j: number): number => Math.log(from / sigmas[j]!) / h;
      const D0 = m[i - place]!;
      let correction = 0;
      if (place === 1) {
        const D1 = (m[i]! - D0) / r(i);
        correction = taylor ? (gone / -H + 1) * D1 : 0.5 * gone * D1;
      }
      if (place === 2) {
        const [early, late] = [(m[i - 1]! - D0) / r(i - 1), (m[i]! - D0) / r(i)];
        const D1 = (r(i) * early - r(i - 1) * late) / (r(i) - r(i - 1));
        const D2 = (2 * (late - early)) / (r(i) - r(i - 1));
        correction = taylor
          ? (gone / -H + 1) * D1 + ((gone - H) / (H * H) - 0.5) * D2
          : (gone / -H + 1) * late;
      }
      const carry = (end / (from * alpha(from))) * Math.exp(-h);
      x = carry * base + alpha(to) * (gone * D0 + correction) + end * Math.sqrt(gone) * noise;
    }
    return x;
  }

  test.each(['midpoint', 'heun'])('%s is the published one with compat', async (solver) => {
    const config = { ...beta, solver_order: 3, algorithm_type: 'sde-dpmsolver++', solver_type: solver };
    const run = fromSchedulerConfig(
      { _class_name: 'DPMSolverSinglestepScheduler', ...config },
      { steps: 9, compat: 'diffusers' },
    );
    for (let i = 0; i < 9; i++) record(fold(key(0), i + 1), noise('P1', i));
    const x = await (await sampled(run, 'P1', tf.tensor2d(latents('P1')))).data();
    latents('P1').forEach(([start], row) => {
      const draws = Array.from({ length: 9 }, (_, i) => noise('P1', i)[row]![0]!);
      expect(x[row]).toBeCloseTo(published(run.sigmas!, start!, draws, solver === 'heun'), 4);
    });
  });
});
