/**
 * Consistency sampling reaches the law of the data with any number of steps, from a model that jumps along the flow as it
 * should. On N(mean, v) the flow is affine, x_s = mean_s + √(v_s/v_t)(x − mean_t), so that such models are known:
 *
 *   lcm    f(x, t) = x_0
 *   tcd    x̂0 such that m_s + α_s x̂0 + σ_s ε̂, ε̂ = (x − m_t − α_t x̂0)/σ_t, is x_s, s = (1 − γ) r
 */
import { lcm, type Sampler, tcd } from '@diff/samplers';
import type { LinearProcess } from '@diff/sde';
import { describe, expect, test } from 'vitest';
import { type Law, marginal } from '../src/gaussian-law.ts';
import {
  type AlongAxis,
  AXES,
  expectMoments,
  gridOf,
  N,
  SETTINGS,
  type Setting,
  sampledMoments,
} from './law-table.ts';

const STEPS = 4;

/** x̂0 whose jump from t lands at s on the flow. */
function jump(process: LinearProcess, data: Law, t: number, s: number): ReturnType<AlongAxis> {
  const [from, to] = [marginal(process, data, t), marginal(process, data, s)];
  const scale = Math.sqrt(to.variance / from.variance);
  const share = process.sigma(s) / process.sigma(t);
  const signal = process.alpha(s) - share * process.alpha(t);
  return {
    gain: (scale - share) / signal,
    constant: (to.mean - scale * from.mean - process.mean(s) + share * process.mean(t)) / signal,
  };
}

/** γ as the sampler has it and as the model supposes. */
const jumping = (setting: Setting, gamma: number): AlongAxis => {
  const grid = gridOf(setting, STEPS);
  return (t, data) => jump(setting.process, data, t, (1 - gamma) * grid[grid.indexOf(t) + 1]!);
};

describe.each(Object.entries(SETTINGS))('%s', (_name, setting) => {
  const goals = AXES.map((data) => marginal(setting.process, data, setting.to));
  const moments = (sampler: Sampler, along: AlongAxis): ReturnType<typeof sampledMoments> =>
    sampledMoments(setting, sampler, STEPS, N, along);

  test('lcm', async () => {
    expectMoments(await moments(lcm(), jumping(setting, 1)), goals);
  });

  test.each([0, 0.3, 0.5, 1])('tcd, γ = %d', async (gamma) => {
    expectMoments(await moments(tcd({ gamma }), jumping(setting, gamma)), goals);
  });

  test('not with a model that jumps to another place', async () => {
    const { covariance } = await moments(tcd({ gamma: 0.5 }), jumping(setting, 1));
    const off = Math.abs(covariance[0]! / goals[0]!.variance - 1);
    expect(off).toBeGreaterThan(5 * Math.sqrt(2 / N));
  });
});
