/**
 * Chains at a fixed step, whose bias no grid removes: the law of a run against the recursion on mean and variance, and
 * where it settles against the bias in closed form. And MALA, which has none, against the law of the data itself.
 */
import {
  annealed,
  malaCorrector,
  predictorCorrector,
  type Sampler,
  ula,
  underdampedLangevinCorrector,
} from '@diff/samplers';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { type Law, marginal } from '../src/gaussian-law.ts';
import {
  AXES,
  exactLaws,
  expectMoments,
  gridOf,
  SETTINGS,
  type Setting,
  sampledMoments,
  TURN,
  turned,
} from './law-table.ts';

const STEPS = 6;
/** Langevin steps at each time; ε over σ². */
const [CALLS, SHARE] = [4, 0.5];

/** x' − μ = (1 − k)(x − μ) + √(2ε) ξ on N(μ, v) with k = ε/v. */
function langevinLaw(setting: Setting, data: Law): Law {
  const grid = gridOf(setting, STEPS);
  let { mean, variance } = marginal(setting.process, data, grid[0]!);
  for (const t of grid.slice(1)) {
    const goal = marginal(setting.process, data, t);
    const epsilon = SHARE * setting.process.sigma(t) ** 2;
    for (let i = 0; i < CALLS; i++) {
      const kept = 1 - epsilon / goal.variance;
      mean = goal.mean + kept * (mean - goal.mean);
      variance = kept ** 2 * variance + 2 * epsilon;
    }
  }
  return { mean, variance };
}

/** From p_t to p_r without error: each axis is shifted and scaled. */
const exactFlow = ({ process }: Setting): Sampler => ({
  name: 'exact flow of the Gaussian',
  order: 1,
  stochastic: false,
  nfe: () => 0,
  step: async ({ x, t, next }) =>
    tf.tidy(() => {
      const turn = tf.tensor2d(TURN.map((row) => [...row]));
      const [from, to] = [t, next].map((u) => AXES.map((law) => marginal(process, law, u))) as [Law[], Law[]];
      const centred = tf.sub(
        tf.matMul(x as tf.Tensor2D, turn),
        from.map(({ mean }) => mean),
      );
      const scaled = tf.mul(
        centred,
        to.map(({ variance }, k) => Math.sqrt(variance / from[k]!.variance)),
      );
      return tf.matMul(
        tf.add(
          scaled,
          to.map(({ mean }) => mean),
        ) as tf.Tensor2D,
        turn,
        false,
        true,
      );
    }),
});

/** log p_t up to a constant. */
function logDensity({ process }: Setting, x: tf.Tensor, t: number): tf.Tensor {
  return tf.tidy(() => {
    const laws = AXES.map((law) => marginal(process, law, t)) as [Law, Law];
    const off = tf.sub(x, turned(laws[0].mean, laws[1].mean)) as tf.Tensor2D;
    const along = tf.matMul(off, tf.tensor2d(TURN.map((row) => [...row])));
    return tf.mul(
      tf.sum(
        tf.div(
          tf.square(along),
          laws.map(({ variance }) => variance),
        ),
        1,
      ),
      -0.5,
    );
  });
}

describe.each(Object.entries(SETTINGS))('%s', (_name, setting) => {
  const { process, to } = setting;
  const goals = AXES.map((law) => marginal(process, law, to));

  test('ula at a fixed ε/σ²: its recursion, and samples', async () => {
    const sampler = ula({ stepSize: (t) => SHARE * process.sigma(t) ** 2, steps: CALLS });
    const laws = await exactLaws(setting, sampler, STEPS);
    for (const [k, law] of laws.entries()) {
      const want = langevinLaw(setting, AXES[k]!);
      // 24 steps, rounding 1e-16 each on means and variances that the chain contracts.
      expect(Math.abs(law.mean - want.mean)).toBeLessThan(1e-12 * Math.sqrt(want.variance) + 1e-14);
      expect(Math.abs(law.variance / want.variance - 1)).toBeLessThan(1e-12);
    }
    expectMoments(await sampledMoments(setting, sampler, STEPS), laws);
  });

  test('ula settles k/(2 − k) above the variance, k = ε/v', async () => {
    const smallest = Math.min(...goals.map(({ variance }) => variance));
    const largest = Math.max(...goals.map(({ variance }) => variance));
    const epsilon = smallest / 2;
    // (1 − k)^{2M} of where it starts is left: below 1e-9 of it.
    const steps = Math.ceil((9 * Math.LN10) / (-2 * Math.log1p(-epsilon / largest)));
    const [start] = gridOf(setting, 1) as [number];
    const laws = await exactLaws(setting, ula({ stepSize: epsilon, steps }), 1);
    for (const [k, { variance }] of laws.entries()) {
      const share = epsilon / goals[k]!.variance;
      const before = marginal(process, AXES[k]!, start).variance / goals[k]!.variance;
      const bound = 1e-9 * (1 + before);
      expect(Math.abs(variance / goals[k]!.variance - 1 - share / (2 - share))).toBeLessThan(bound);
    }
  });

  test('MALA after the exact flow: the law itself, by samples', async () => {
    const report: number[] = [];
    const corrector = malaCorrector({
      logDensity: (x, t) => logDensity(setting, x, t),
      stepSize: (t) => Math.min(...AXES.map((law) => marginal(process, law, t).variance)),
      onAccept: async ({ accepted }) => {
        const share = tf.mean(accepted);
        report.push((await share.data())[0]!);
        share.dispose();
      },
    });
    const sampler = predictorCorrector({ predictor: exactFlow(setting), corrector });
    expectMoments(await sampledMoments(setting, sampler, STEPS), goals);
    // Unadjusted, the narrow axis would have twice its variance.
    expect(report).toHaveLength(STEPS);
    for (const share of report) expect(Math.abs(share - 0.5)).toBeLessThan(0.45);
  });
});

test('an annealed chain with a kept velocity settles h/(2γv) above the variance, up to h²', async () => {
  const setting: Setting = { ...SETTINGS['EDM']!, from: 0.31 };
  const excess = async (h: number): Promise<number[]> => {
    const corrector = underdampedLangevinCorrector({
      stepSize: h,
      friction: 2,
      steps: Math.ceil(24 / h),
      velocity: 'kept',
    });
    const laws = await exactLaws(setting, annealed({ corrector }), 1);
    return laws.map(
      ({ variance }, k) => variance / marginal(setting.process, AXES[k]!, setting.to).variance - 1,
    );
  };
  const [coarse, fine] = [await excess(0.1), await excess(0.05)] as [number[], number[]];
  for (const [k, law] of AXES.entries()) {
    const { variance } = marginal(setting.process, law, setting.to);
    // Richardson's extrapolation of excess/h takes the term in h² away, one of size (h/v)², stays.
    const slope = (2 * fine[k]!) / 0.05 - coarse[k]! / 0.1;
    expect(Math.abs(slope * 4 * variance - 1)).toBeLessThan((0.1 / Math.min(1, variance)) ** 2);
  }
});
