/**
 * The law that adaptive steps reach on Gaussian data, on every process and at every noise level. Which steps are made
 * depends on the samples, but on all of them at once, and through one number each; so, given the steps, the law of 10⁵ rows
 * is that of the same method on a fixed grid of these steps, and that is known exactly. Hence
 *
 *   1. samples against the exact law of the steps that their run made, by 5 standard errors;
 *   2. that law against the data's: it comes closer as the tolerance τ falls, and so close that no sample of 10⁵ rows could
 *      tell the two apart.
 *
 * How it falls: what is kept is of one order more than what is measured. With the flow an error of τ in the partner of order
 * p − 1 means h^p ∝ τ, and what is kept is off by O(h^p) = O(τ) in the end. With the noise in the error (`adaptiveSde`)
 * h^{3/2} ∝ τ, and the law is off by O(h²) = O(τ^{4/3}). τ^{1/2} is asked, between runs of which the coarse one makes only 2
 * to 34 steps.
 */
import { type AttemptReport, adaptiveSde, dpmAdaptive, type Sampler } from '@diff/samplers';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { type Law, lawOf, marginal, w2Squared } from '../src/gaussian-law.ts';
import { AXES, expectMoments, N, SETTINGS, type Setting, sampledMoments } from './law-table.ts';

interface Control {
  readonly relativeTolerance: number;
  readonly absoluteTolerance: number;
  readonly onAttempt?: (report: AttemptReport) => void;
}

interface Method {
  readonly name: string;
  readonly make: (control: Control) => Sampler;
  /** Tolerances τ. */
  readonly coarse: number;
  readonly fine: number;
}

/** So much is allowed that each step of the grid is one inner step. */
const ANYTHING = 1e12;
const both = (tolerance: number): Control => ({
  relativeTolerance: tolerance,
  absoluteTolerance: tolerance,
});

function methods(b: number): Method[] {
  const dpm = (order: 2 | 3, norm: 'row' | 'batch'): Method => ({
    name: `dpmAdaptive of order ${order}, norm of the ${norm}`,
    // Too long at first, so that all that follows is decided by the tolerance.
    make: (control) =>
      dpmAdaptive({
        order,
        norm,
        eta: b,
        initialStep: control.absoluteTolerance === ANYTHING ? 100 : 1,
        ...control,
      }),
    coarse: 0.1,
    fine: order === 2 ? 1e-3 : 2e-5,
  });
  const sde = (scheme: 'shark' | 'heun', norm: 'row' | 'batch'): Method => ({
    name: `adaptiveSde with ${scheme}, norm of the ${norm}`,
    make: (control) => adaptiveSde({ scheme, norm, noiseLevel: b, ...control }),
    coarse: 0.2,
    fine: b === 0 ? 1e-3 : 1e-2,
  });
  return [dpm(2, 'batch'), dpm(3, 'row'), sde('shark', 'row'), sde('heun', 'batch')];
}

/** Two intervals, so that the step size is carried from one to the other. */
const INTERVALS = 2;

/** The times at which an adaptive run came to a halt, and the moments of its samples. */
async function adapted(
  setting: Setting,
  { make }: Method,
  tolerance: number,
  rows: number,
): Promise<{ times: number[]; moments: Awaited<ReturnType<typeof sampledMoments>> }> {
  const times = [setting.from];
  const onAttempt = ({ next, accepted }: AttemptReport): void => {
    if (accepted === times.length) times.push(next);
  };
  const sampler = make({ ...both(tolerance), onAttempt });
  const moments = await sampledMoments(setting, sampler, INTERVALS, rows);
  return { times, moments };
}

/** Exact laws along the axes after the method's own steps through these times. */
async function lawsThrough({ process }: Setting, { make }: Method, times: readonly number[]): Promise<Law[]> {
  await tf.setBackend('float64');
  let attempts = 0;
  const onAttempt = (): void => {
    attempts++;
  };
  const laws: Law[] = [];
  for (const data of AXES) {
    laws.push(await lawOf({ sampler: make({ ...both(ANYTHING), onAttempt }), process, data, grid: times }));
  }
  // `lawOf` runs twice.
  expect(attempts).toBe(2 * AXES.length * (times.length - 1));
  return laws;
}

/** W₂ to the law of the data at the end. */
function distance({ process, to }: Setting, laws: readonly Law[]): number {
  return Math.sqrt(laws.reduce((sum, law, k) => sum + w2Squared(law, marginal(process, AXES[k]!, to)), 0));
}

describe.each(Object.entries(SETTINGS))('%s', (_name, setting) => {
  for (const b of [0, 0.5, 1]) {
    test.each(methods(b).map((method) => [method.name, method] as const))(
      `b = ${b}, %s`,
      async (_title, method) => {
        const { times, moments } = await adapted(setting, method, method.coarse, N);
        const laws = await lawsThrough(setting, method, times);
        expectMoments(moments, laws);

        const finer = await adapted(setting, method, method.fine, 64);
        const [coarse, fine] = [
          distance(setting, laws),
          distance(setting, await lawsThrough(setting, method, finer.times)),
        ];
        const variances = AXES.map((data) => marginal(setting.process, data, setting.to).variance);
        // Standard errors √(v/n) of a mean and √(v/2n) of a standard deviation.
        const told = 5 * Math.sqrt((1.5 * (variances[0]! + variances[1]!)) / N);
        const exponent = Math.log(coarse / fine) / Math.log(method.coarse / method.fine);
        expect(fine).toBeLessThan(told);
        expect(exponent).toBeGreaterThan(0.5);
      },
    );
  }
});
