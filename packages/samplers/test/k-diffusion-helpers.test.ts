/**
 * k-diffusion's `get_ancestral_step` and `linear_multistep_coeff` to 1e-9. The weights of a multistep step are read off a
 * run in float64 whose noise prediction is 1 at one time and 0 at all others.
 */
import '@tensorflow/tfjs-backend-cpu';
import { key } from '@diff/core';
import { defineModel } from '@diff/score';
import { edm } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { ancestralStep } from '../src/ancestral-step.ts';
import { lms, trajectory } from '../src/index.ts';
import { exactTensor, exactValues } from './float64-run.ts';
import { goldenCases } from './golden.ts';

vi.mock('@diff/core', async (original) =>
  (await import('./float64-run.ts')).float64Core(await original<typeof import('@diff/core')>()),
);

beforeAll(async () => {
  await tf.setBackend('cpu');
});

interface Ancestral {
  readonly fn: 'get_ancestral_step';
  readonly sigma_from: number;
  readonly sigma_to: number;
  readonly eta: number;
  readonly sigma_down: number;
  readonly sigma_up: number;
}
interface Multistep {
  readonly fn: 'linear_multistep_coeff';
  readonly order: 1 | 2 | 3 | 4;
  readonly t: readonly number[];
  readonly i: number;
  readonly coeffs: readonly number[];
}
const cases = goldenCases<Ancestral | Multistep>('k-diffusion-helpers');
const close = (got: number, want: number): void => {
  expect(Math.abs(got - want)).toBeLessThan(1e-9 * Math.max(1, Math.abs(want)));
};

test('16 cases', () => {
  expect(cases).toHaveLength(16);
});

describe('get_ancestral_step', () => {
  test.each(
    cases.filter((c) => c.fn === 'get_ancestral_step').map((c, i) => [`${i} eta ${c.eta}`, c] as const),
  )('%s', (_name, { sigma_from, sigma_to, eta, sigma_down, sigma_up }) => {
    const { down, up } = ancestralStep(eta, Math.log(sigma_from / sigma_to));
    close(down * sigma_to, sigma_down);
    close(up * sigma_to, sigma_up);
  });
});

describe('linear_multistep_coeff', () => {
  test.each(
    cases
      .filter((c) => c.fn === 'linear_multistep_coeff')
      .map((c, i) => [`${i} order ${c.order}, step ${c.i}`, c] as const),
  )('%s', async (_name, { order, t, i, coeffs }) => {
    for (const [j, want] of coeffs.entries()) {
      const model = defineModel({
        process: edm({ T: t[0]! }),
        kind: 'noise',
        predict: (x, time) => exactTensor(Float64Array.of(time === t[i - j]! ? 1 : 0), x.shape),
      });
      const initial = exactTensor(Float64Array.of(0), [1, 1]);
      const states: number[] = [];
      const run = {
        model,
        sampler: lms({ order }),
        grid: t.slice(0, i + 2),
        shape: [1, 1],
        key: key(0),
        initial,
      };
      for await (const { x } of trajectory(run)) states.push(exactValues(x)[0]!);
      close(states.at(-1)! - states.at(-2)!, want);
    }
  });
});
